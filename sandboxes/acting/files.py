"""Reading and writing a file as a process inside would: the part of a tool that runs in the action."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Any


def _failed(error: OSError | ValueError) -> dict[str, Any]:
    if isinstance(error, OSError):
        return {"failed": [error.errno, error.strerror]}
    return {"failed": [22, str(error)]}  # a zero byte in the path


def read(request: dict[str, Any]) -> dict[str, Any]:
    """Copy the file to standard output. Anything but a regular file is refused before it can block."""
    try:
        file = os.open(os.fsencode(request["path"]), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(file)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(21, "Is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise OSError(22, "Not a regular file")
        left = request["limit"] if request["limit"] is not None else 1 << 62
        while left > 0 and (data := os.read(file, min(left, 1 << 20))):
            left -= len(data)
            write_all(1, data)
    except (OSError, ValueError) as error:
        return _failed(error)
    return {}


def write(request: dict[str, Any]) -> dict[str, Any]:
    """Put standard input into the file, in place: mode and identity stay. Missing folders are made."""
    path = os.fsencode(request["path"])
    try:
        if folder := os.path.dirname(path):
            os.makedirs(folder, exist_ok=True)
        if os.path.exists(path) and not os.path.isfile(path):
            raise IsADirectoryError(21, "Is a directory") if os.path.isdir(path) else OSError(22, "Not a regular file")
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        while data := os.read(0, 1 << 20):
            write_all(file, data)
        os.close(file)
    except (OSError, ValueError) as error:
        return _failed(error)
    return {}


def write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


CALLS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"read": read, "write": write}
