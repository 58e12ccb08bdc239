"""Mounting a stack of layers as one writable tree."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from ...acting import kernel

MOST_LAYERS = 499
"""The kernel stacks 500 at most, the writable one included."""


class Stack(NamedTuple):
    """What makes up an overlay."""

    upper: bytes
    """What is written lands here."""
    work: bytes
    """The kernel's own folder, beside ``upper``: empty, and another one for each mount."""
    lowers: tuple[bytes, ...]
    """Topmost first."""


def mount(stack: Stack, target: bytes) -> None:
    """Mount ``stack`` at ``target``.

    ``volatile``: nothing is synced on behalf of the overlay, above all not the whole file system of ``upper`` each
    time it is unmounted. Who seals a layer sees to it that it is on disk (``disk.py``).

    The folders are named by open files, relative to /proc/self/fd: names with ``:`` ``,`` or ``\\`` are carried,
    and 500 of them fit into the page that mount(2) takes.
    """
    if len(stack.lowers) > MOST_LAYERS:
        raise OSError(7, f"{len(stack.lowers)} layers are more than the kernel can stack", os.fsdecode(target))
    here = os.open(b".", os.O_PATH | os.O_DIRECTORY)
    files = [os.open(path, os.O_PATH | os.O_DIRECTORY) for path in (stack.upper, stack.work, *stack.lowers)]
    try:
        os.chdir(b"/proc/self/fd")
        lowers = ":".join(str(file) for file in files[2:])
        options = f"userxattr,volatile,upperdir={files[0]},workdir={files[1]},lowerdir={lowers}"
        kernel.mount(b"agentrt", target, b"overlay", kernel.MS_NOSUID | kernel.MS_NODEV, options.encode())
    finally:
        os.fchdir(here)
        for file in (here, *files):
            os.close(file)


def to_message(stack: Stack) -> list[str]:
    """As JSON carries it."""
    return [os.fsdecode(path) for path in (stack.upper, stack.work, *stack.lowers)]


def from_message(paths: Sequence[str]) -> Stack:
    upper, work, *lowers = map(os.fsencode, paths)
    return Stack(upper, work, tuple(lowers))
