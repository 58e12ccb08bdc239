"""Where nothing happened, told by the kernel (inotify(7)), so that nobody has to look there.

What it tells is not enough by itself: it speaks of names, and a file can be changed through another name that is gone
again. So it is believed only where no such name can have been: each file that came is still there, under one name, and
no folder came or was moved. Everything else has to be walked through.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable, Sequence

_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x2, 0x4, 0x8
"""A file that was mapped into memory changes without a word, but it was open for writing until that ended."""
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_OVERFLOW, _IGNORED, _IS_FOLDER = 0x4000, 0x8000, 0x4000_0000
_ONLY_FOLDERS, _NO_FOLLOW = 0x0100_0000, 0x0200_0000
_MASK = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ONLY_FOLDERS | _NO_FOLLOW
_NONBLOCK, _CLOEXEC = 0o4000, 0o2000000
_EVENT = struct.Struct("iIII")
_READ = 1 << 18


class Watch:
    """Raises ``OSError`` at the start, and from ``add``, where the kernel gives no more watches to this user."""

    def __init__(self, roots: Sequence[bytes]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._roots = sorted(roots, key=len, reverse=True)
        self._file = self._libc.inotify_init1(_NONBLOCK | _CLOEXEC)
        if self._file < 0:
            self._fail()
        self._folders: dict[int, bytes] = {}
        self._watched: dict[bytes, tuple[int, int]] = {}
        """By folder: its watch, and its inode."""
        self.forget()

    def fileno(self) -> int:
        return int(self._file)

    def close(self) -> None:
        os.close(self._file)

    def add(self, folder: bytes, inode: int) -> None:
        if self._watched.get(folder, (0, 0))[1] == inode:
            return
        number = self._libc.inotify_add_watch(self._file, folder, _MASK)
        if number < 0:
            self._fail()
        self._folders[number] = folder
        self._watched[folder] = number, inode

    def only(self, root: bytes, folders: Iterable[bytes]) -> None:
        """No others are there below ``root``."""
        gone = {folder for folder in self._watched if self._root_of(folder) == root}.difference(folders)
        for folder in gone:
            del self._watched[folder]

    def forget(self) -> None:
        """What happened until now."""
        self._lost: set[bytes] = set()
        self._dirty: set[bytes] = set()
        self._came: set[tuple[bytes, bytes]] = set()
        self._moving: set[int] = set()

    def read(self) -> None:
        """Take what the kernel has to tell, which holds only so much."""
        while True:
            try:
                data = os.read(self._file, _READ)
            except BlockingIOError:
                return
            at = 0
            while at < len(data):
                number, mask, cookie, length = _EVENT.unpack_from(data, at)
                at += _EVENT.size + length
                self._take(number, mask, cookie, data[at - length : at].rstrip(b"\0"))

    def happened(self) -> tuple[set[bytes], set[bytes]]:
        """Since ``forget``: roots that have to be walked through, and in the others, folders to be looked at."""
        self.read()
        for folder, name in self._came:
            if not _is_alone(folder + b"/" + name):
                self._lost.add(self._root_of(folder))
        if self._moving:
            self._lost.update(self._roots)
        return self._lost, {folder for folder in self._dirty if self._root_of(folder) not in self._lost}

    def _take(self, number: int, mask: int, cookie: int, name: bytes) -> None:
        if mask & _OVERFLOW:
            self._lost.update(self._roots)
            return
        folder = self._folders.get(number)
        if folder is None:
            return
        if mask & _IGNORED:
            del self._folders[number]
            if self._watched.get(folder, (0, 0))[0] == number:
                del self._watched[folder]
            return
        self._dirty.add(folder)
        if mask & _IS_FOLDER:
            if mask & (_CREATE | _MOVED_FROM | _MOVED_TO):
                self._lost.add(self._root_of(folder))
            return
        file = folder, name
        if mask & (_CREATE | _DELETE | _MOVED_TO) and file in self._came:
            self._lost.add(self._root_of(folder))
        if mask & _CREATE:
            self._came.add(file)
        elif mask & _MOVED_FROM and file in self._came:
            self._came.discard(file)
            self._moving.add(cookie)
        elif mask & _MOVED_TO and cookie in self._moving:
            self._moving.discard(cookie)
            self._came.add(file)

    def _root_of(self, folder: bytes) -> bytes:
        return next(root for root in self._roots if (folder + b"/").startswith(root + b"/"))

    def _fail(self) -> None:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "inotify")


def _is_alone(path: bytes) -> bool:
    """A file that is there under this one name."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return not stat.S_ISREG(status.st_mode) or status.st_nlink == 1
