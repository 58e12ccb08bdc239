"""A folder, and what lies beneath it: paths are resolved so that nothing can lead out of it.

What an agent left behind may be a trap: a symbolic link where a folder was. The kernel resolves for us
(``openat2`` with ``RESOLVE_BENEATH | NO_SYMLINKS | NO_MAGICLINKS | NO_XDEV``); where it is too old for that, we walk
component by component. Paths are bytes, relative, without ``.`` and ``..``; ``b""`` is the folder itself.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

NOREPLACE, EXCHANGE = 1, 2

_OPENAT2 = 437
_RENAMEAT2 = {"x86_64": 316, "aarch64": 276}.get(platform.machine())
_NO_XDEV, _NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 1, 2, 4, 8
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR)

_libc = ctypes.CDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class Beneath:
    """A folder held open. ``OSError`` with ``ELOOP``: a symbolic link stands in the way; ``EXDEV``: a mount does."""

    def __init__(self, folder: Path) -> None:
        self.fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.device = os.fstat(self.fd).st_dev

    def close(self) -> None:
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def open(self, path: bytes, flags: int) -> int:
        """A file descriptor of what exists at ``path``, never through a symbolic link. Raises ``OSError``."""
        flags |= os.O_CLOEXEC
        try:
            # O_NOFOLLOW shows a link itself to O_PATH; asked for a folder, the kernel shall rather say ELOOP
            return _openat2(self.fd, path or b".", flags if flags & os.O_DIRECTORY else flags | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.EPERM):  # EPERM: how older container engines say ENOSYS
                raise
        return self._walk(path, flags | os.O_NOFOLLOW)

    @contextmanager
    def parent(self, path: bytes) -> Iterator[tuple[int, bytes]]:
        """The folder ``path`` lies in, open as an anchor (``O_PATH``), and the name in it. Raises ``OSError``."""
        folder, _, name = path.rpartition(b"/")
        if not folder:
            yield self.fd, name
            return
        fd = self.open(folder, os.O_PATH | os.O_DIRECTORY)
        try:
            yield fd, name
        finally:
            os.close(fd)

    def lstat(self, path: bytes) -> os.stat_result | None:
        """What is at ``path``; None where nothing is. Raises ``OSError`` when it cannot be reached."""
        try:
            with self.parent(path) as (fd, name):
                return lstat_at(fd, name) if name else os.fstat(self.fd)
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            raise

    def set_mode(self, path: bytes, mode: int) -> None:
        """Set the permission bits of a file or folder, whatever they are now. Raises ``OSError``."""
        fd = self.open(path, os.O_PATH)
        try:
            os.chmod(f"/proc/self/fd/{fd}", mode)
        finally:
            os.close(fd)

    def set_mtime(self, path: bytes, mtime_ns: int) -> None:
        with self.parent(path) as (fd, name):
            os.utime(name or b".", ns=(mtime_ns, mtime_ns), dir_fd=fd, follow_symlinks=False)

    def _walk(self, path: bytes, flags: int) -> int:
        """``openat2`` by hand. Folders may be moved while we walk, but no link is ever followed."""
        at = os.dup(self.fd)
        try:
            *folders, last = path.split(b"/")
            for name in folders:
                below = _open_step(at, name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
                os.close(at)
                at = below
                self._stay_here(at)
            fd = _open_step(at, last or b".", flags)
        finally:
            os.close(at)
        try:
            self._stay_here(fd)
        except OSError:
            os.close(fd)
            raise
        return fd

    def _stay_here(self, fd: int) -> None:
        if os.fstat(fd).st_dev != self.device:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


def lstat_at(fd: int, name: bytes) -> os.stat_result | None:
    """What is at ``name`` in the folder ``fd``; None where nothing is."""
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return None


def rename(from_fd: int, source: bytes, to_fd: int, target: bytes, flags: int) -> None:
    """``renameat2``. Raises ``OSError``: ``ENOSYS`` or ``EINVAL`` where kernel or file system cannot."""
    if _RENAMEAT2 is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if _libc.syscall(_RENAMEAT2, from_fd, source, to_fd, target, flags) < 0:
        raise _error(target)


def syncfs(fd: int) -> None:
    """Everything written so far to the file system ``fd`` is on is on disk. Raises ``OSError``."""
    if _libc.syncfs(fd) < 0:
        raise _error()


def _openat2(fd: int, path: bytes, flags: int) -> int:
    how = _OpenHow(flags, 0, _BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS | _NO_XDEV)
    if b"\0" in path:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    while True:
        got = int(_libc.syscall(_OPENAT2, fd, path, ctypes.byref(how), ctypes.sizeof(how)))
        if got >= 0:
            return got
        if ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):
            raise _error(path)


def _open_step(fd: int, name: bytes, flags: int) -> int:
    try:
        return os.open(name, flags, dir_fd=fd)
    except NotADirectoryError:
        found = lstat_at(fd, name)
        if found is not None and stat.S_ISLNK(found.st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fsdecode(name)) from None
        raise


def _error(path: bytes | None = None) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), *([] if path is None else [os.fsdecode(path)]))
