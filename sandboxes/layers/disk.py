"""What must be on disk before the journal may speak of it."""

from __future__ import annotations

import ctypes
import os
import stat

# PyDLL keeps the interpreter lock across the call: after a raw fork the child must own it.
_libc = ctypes.PyDLL(None, use_errno=True)
_FEW = 32
"""Up to so many new files are synced one by one; more are synced with their whole file system."""


def sync_tree(folder: bytes) -> None:
    found: list[bytes] = []
    for path, _, names in os.walk(folder):
        found.append(path)
        found += [path + b"/" + name for name in names]
        if len(found) > _FEW:
            return sync_file_system(folder)
    for path in found:
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue  # a link, a socket, a whiteout: part of its folder
        if not stat.S_ISFIFO(os.fstat(file).st_mode):
            os.fsync(file)
        os.close(file)
    return None


def sync_folder(folder: bytes) -> None:
    """The names in it, not what they name."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def sync_file_system(folder: bytes) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _libc.syncfs(file) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), "syncfs")
    finally:
        os.close(file)
