"""Processes that are killed, or stopped for a while, before any chosen one of their steps: the system calls by which
they change a disk. What lies between two steps changes nothing, so these are all the moments there are."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from agentrt.sandboxes.layers import disk

THE_END = "the end"
T = TypeVar("T")
_CALLS = ("chmod", "chown", "fsync", "link", "mkdir", "mknod", "rename", "rmdir", "sendfile", "setxattr", "symlink")
_CALLS += ("unlink", "utime")
_write = os.write


def apart(work: Callable[[], Any]) -> Any:
    """What ``work`` returns in a process of its own. Raises ``AssertionError`` with what it raised there."""
    child, reading = begin(work)
    return end(child, reading)


def every_kill(fresh: Callable[[], T], work: Callable[[T], object]) -> Iterator[tuple[str, T]]:
    """``work`` on something ``fresh``, by a process killed before its first step, then by one killed before its
    second, and so on.

    Yields the step each time, once the process is dead, and what is left; lastly ``THE_END`` after one that came there.
    """
    number, step = 0, ""
    while step != THE_END:
        number, ground = number + 1, fresh()
        with _until(number, signal.SIGKILL, partial(work, ground)) as step:
            pass
        yield step, ground


@contextmanager
def stopped(number: int, work: Callable[[], object]) -> Iterator[str]:
    """``work`` in a process that stands still before that step, and goes on to its end when this is left."""
    with _until(number, signal.SIGSTOP, work) as step:
        yield step


@contextmanager
def _until(number: int, by: signal.Signals, work: Callable[[], object]) -> Iterator[str]:
    told, tell = os.pipe()

    def limited() -> None:
        _count_down(number, by, tell)
        work()
        _write(tell, THE_END.encode())

    child, reading = begin(limited)
    os.close(tell)
    with open(told, "rb", buffering=0) as steps:
        step = steps.read(10_000).decode()
    if by == signal.SIGSTOP and step != THE_END:
        os.waitpid(child, os.WUNTRACED)
    try:
        yield step
    finally:
        if by == signal.SIGSTOP:
            os.kill(child, signal.SIGCONT)
        end(child, reading, killed=by == signal.SIGKILL and step != THE_END)


def begin(work: Callable[[], Any]) -> tuple[int, int]:
    """The process, and where to read what it returned, or the traceback of what it raised."""
    reading, tell = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            data = pickle.dumps(work())
            code = 0
        except BaseException:
            data = pickle.dumps(traceback.format_exc())
        finally:
            while data:
                data = data[_write(tell, data) :]
            os._exit(code)
    os.close(tell)
    return child, reading


def end(child: int, reading: int, *, killed: bool = False) -> Any:
    with open(reading, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    result = pickle.loads(data) if data else None
    assert status == (signal.SIGKILL if killed else 0), result
    return result


def _count_down(left: int, by: signal.Signals, tell: int) -> None:
    """From here on this process has so many steps, the last of which it tells, and is sent the signal before it."""

    def step(name: str, *arguments: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            _write(tell, f"{name} {arguments}"[:1000].encode())
            os.kill(os.getpid(), by)

    def stepping(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*arguments: Any, **named: Any) -> Any:
            step(name, *arguments)
            return call(*arguments, **named)

        return stepped

    class Halved(io.FileIO):
        """A new file, each half of whose content is a step."""

        def write(self, data: Any) -> int:
            for half in (data[: len(data) // 2], data[len(data) // 2 :]):
                step("write", half)
                super().write(half)
            return len(data)

    def open_file(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if mode.strip("rbt"):
            step("open", file, mode)
            return Halved(file, mode.replace("b", ""))
        return really_open(file, mode, *rest, **named)

    def open_descriptor(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if flags & (os.O_CREAT | os.O_TRUNC):
            step("open", path)
        return os_open(path, flags, *rest, **named)

    really_open, os_open = builtins.open, os.open
    for name in _CALLS:
        setattr(os, name, stepping(name, getattr(os, name)))
    disk.sync_file_system = stepping("syncfs", disk.sync_file_system)
    os.open, builtins.open = open_descriptor, open_file
