"""Making places as they are to be: what comes as entries is put at their paths, whatever is there."""

from __future__ import annotations

import base64
import itertools
import os
import socket
import stat
from collections.abc import Iterable
from contextlib import suppress

from ...layers import holes
from ...layers.trees import remove_tree
from .entries import FIFO, FILE, FOLDER, GONE, SOCKET, SYMLINK, Content, Entry, bytes_of, open_file
from .index import accessible


class Putting:
    """Parents come before what is in them. A folder keeps the time it has where no entry gives it another."""

    def __init__(self) -> None:
        self._folders: dict[bytes, tuple[int, int]] = {}
        """What their mode and time are to be in the end."""
        self._reached: set[bytes] = set()
        """Folders, and no link leads there."""

    def put(self, entries: Iterable[tuple[Entry, Content]]) -> None:
        """Raises ``OSError`` of the first that failed, when all that could be done was done."""
        failed: OSError | None = None
        for entry, content in entries:
            try:
                self._put(entry, bytes_of(entry.path), content)
            except OSError as error:
                error.filename = error.filename or entry.path
                failed = failed or error
        self._finish()
        if failed is not None:
            raise failed

    def _put(self, entry: Entry, path: bytes, content: Content) -> None:
        if not self._make_way(path, entry):
            return
        if entry.type == FOLDER:
            with suppress(FileExistsError):
                os.mkdir(path, 0o700)
            _set_attributes(path, entry)
            with suppress(PermissionError):  # the top of a place may be another's, and so is its mode
                os.chmod(path, entry.mode | stat.S_IRWXU)
                self._folders[path] = entry.mode, entry.mtime_ns
            return
        if entry.type == FILE:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                content.write(file)
                _set_attributes(path, entry)
                os.fchmod(file, entry.mode)
            finally:
                os.close(file)
        elif entry.type == SYMLINK:
            os.symlink(bytes_of(entry.target), path)
        elif entry.type == FIFO:
            os.mkfifo(path, 0o600)
            os.chmod(path, entry.mode)
        elif entry.type == SOCKET:
            make_socket(path)
            os.chmod(path, entry.mode)
        if entry.type != GONE:
            os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)

    def _make_way(self, path: bytes, entry: Entry) -> bool:
        """Remove what is there, but for a folder that stays one. False where it cannot be there at all."""
        folder = os.path.dirname(path)
        if not self._reach(folder):
            return False
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            if entry.type != GONE:
                self._open(folder)
            return entry.type != GONE
        if stat.S_ISDIR(status.st_mode):
            if entry.type == FOLDER:
                return True
            self._open(folder)
            self._reached.clear()
            remove_tree(path)
            self._folders = {at: meta for at, meta in self._folders.items() if not (at + b"/").startswith(path + b"/")}
        else:
            self._open(folder)
            os.unlink(path)
        return entry.type != GONE

    def _reach(self, folder: bytes) -> bool:
        """Whether it is a folder, and so is all that leads to it, by itself: through a link one would come to what
        lies elsewhere, and is as it is to be. One that does not let us in does now."""
        if folder in self._reached or folder == b"/":
            return True
        if not self._reach(os.path.dirname(folder)):
            return False
        try:
            status = os.lstat(folder)
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(status.st_mode):
            return False
        if not os.access(folder, os.X_OK):
            self._open(folder)
        self._reached.add(folder)
        return True

    def _open(self, folder: bytes) -> None:
        """Something is going to change in it."""
        if folder in self._folders:
            return
        status = os.stat(folder)
        self._folders[folder] = stat.S_IMODE(status.st_mode), status.st_mtime_ns
        with suppress(OSError):  # it may be the system's
            os.chmod(folder, stat.S_IMODE(status.st_mode) | stat.S_IRWXU)

    def _finish(self) -> None:
        for folder in sorted(self._folders, reverse=True):  # what is in one before the one it is in
            mode, mtime_ns = self._folders[folder]
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                os.utime(folder, ns=(mtime_ns, mtime_ns))
                os.chmod(folder, mode)


def _set_attributes(path: bytes, entry: Entry) -> None:
    wanted = dict(entry.attributes)
    with suppress(OSError):
        for name in os.listxattr(path):
            if name not in wanted and name.startswith("user."):
                os.removexattr(path, name)
    for name, value in wanted.items():
        with suppress(OSError):  # a disk may have none
            os.setxattr(path, name, base64.b64decode(value))


def make_socket(path: bytes) -> None:
    """A socket nobody listens at. Its name may be longer than the address of one can be."""
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(b"/proc/self/fd/%d/" % folder + os.path.basename(path))
    finally:
        os.close(folder)


def part_links(paths: Iterable[bytes]) -> list[bytes]:
    """Files that are one inode become as many, as in a layer each is a file of its own. Their paths, and the folders
    they are in."""
    linked = [path for path in paths if _is_linked(path)]
    for path in linked:
        if _is_linked(path):  # the last of them is alone by now
            _copy_over(path)
    return [*linked, *map(os.path.dirname, linked)]


def _is_linked(path: bytes) -> bool:
    status = os.lstat(path)
    return stat.S_ISREG(status.st_mode) and status.st_nlink > 1


def _copy_over(path: bytes) -> None:
    folder, status = os.path.dirname(path), os.lstat(path)
    times = os.stat(folder)
    with accessible(folder):
        aside = _unused(folder)
        new = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _copy(path, new)
            os.utime(aside, ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fchmod(new, stat.S_IMODE(status.st_mode))
            os.rename(aside, path)
        except OSError:
            os.unlink(aside)
            raise
        finally:
            os.close(new)
        os.utime(folder, ns=(times.st_atime_ns, times.st_mtime_ns))


def _copy(path: bytes, new: int) -> None:
    """Content, holes as holes, and attributes."""
    old = open_file(path)
    try:
        holes.copy(old, new)
        for name in os.listxattr(old):
            with suppress(OSError):
                os.setxattr(new, name, os.getxattr(old, name))
    finally:
        os.close(old)


def _unused(folder: bytes) -> bytes:
    """A path in it where nothing is."""
    return next(path for n in itertools.count() if not os.path.lexists(path := folder + b"/.agentrt-%d" % n))
