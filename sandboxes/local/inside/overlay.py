"""Mounting a list of layers as one writable tree."""

from __future__ import annotations

import os
from collections.abc import Sequence

from . import kernel

MOST_LAYERS = 499
"""The kernel stacks 500 at most, the writable one included."""


def mount(lowers: Sequence[bytes], upper: bytes, work: bytes, target: bytes) -> None:
    """Mount ``lowers`` (topmost first) under ``upper`` at ``target``.

    The folders are named by open files, relative to /proc/self/fd: names with ``:`` ``,`` or ``\\`` are carried,
    and 500 of them fit into the page that mount(2) takes.
    """
    if len(lowers) > MOST_LAYERS:
        raise OSError(7, f"{len(lowers)} layers are more than the kernel can stack", os.fsdecode(target))
    here = os.open(b".", os.O_PATH | os.O_DIRECTORY)
    files = [os.open(path, os.O_PATH | os.O_DIRECTORY) for path in (upper, work, *lowers)]
    try:
        os.chdir(b"/proc/self/fd")
        stack = ":".join(str(file) for file in files[2:])
        options = f"userxattr,upperdir={files[0]},workdir={files[1]},lowerdir={stack}"
        kernel.mount(b"agentrt", target, b"overlay", kernel.MS_NOSUID | kernel.MS_NODEV, options.encode())
    finally:
        os.fchdir(here)
        for file in (here, *files):
            os.close(file)
