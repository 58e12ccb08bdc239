"""Making places as they are to be: what comes as entries is put at their paths, whatever is there."""

from __future__ import annotations

import base64
import os
import socket
import stat
from collections.abc import Iterable
from contextlib import suppress

from .entries import FIFO, FILE, FOLDER, GONE, SOCKET, SYMLINK, Content, Entry, bytes_of, open_file
from .index import accessible


class Putting:
    """Parents come before what is in them. A folder keeps the time it has where no entry gives it another."""

    def __init__(self) -> None:
        self._folders: dict[bytes, tuple[int, int]] = {}
        """What their mode and time are to be in the end."""

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
        try:
            status = self._look(path)
        except FileNotFoundError:
            if entry.type == GONE or not os.path.isdir(os.path.dirname(path)):
                return False
            self._open(os.path.dirname(path))
            return True
        except NotADirectoryError:
            return False
        if stat.S_ISDIR(status.st_mode):
            if entry.type == FOLDER:
                return True
            self._open(os.path.dirname(path))
            remove_tree(path)
            self._folders = {at: meta for at, meta in self._folders.items() if not (at + b"/").startswith(path + b"/")}
        else:
            self._open(os.path.dirname(path))
            os.unlink(path)
        return entry.type != GONE

    def _look(self, path: bytes) -> os.stat_result:
        try:
            return os.lstat(path)
        except PermissionError:  # a folder on the way does not let its owner in
            names = path.split(b"/")
            for depth in range(2, len(names)):
                self._open(b"/".join(names[:depth]))
            return os.lstat(path)

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


def remove_tree(path: bytes) -> None:
    """A folder of our own with all in it, whatever modes it has; step by step, as it may be deeper than a path can
    be."""
    with suppress(OSError):
        os.chmod(path, 0o700)
    here = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    above = [here]
    names: list[str] = []
    try:
        while True:
            inner = _remove_files(above[-1])
            if inner is not None:
                with suppress(OSError):
                    os.chmod(inner, 0o700, dir_fd=above[-1])
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                above.append(os.open(inner, flags, dir_fd=above[-1]))
                names.append(inner)
            elif names:
                os.close(above.pop())
                os.rmdir(names.pop(), dir_fd=above[-1])
            else:
                break
    finally:
        for file in above:
            os.close(file)
    os.rmdir(path)


def _remove_files(folder: int) -> str | None:
    """All but a folder, if there is one; its name."""
    inner = None
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                inner = entry.name
            else:
                os.unlink(entry.name, dir_fd=folder)
    return inner


def part_links(paths: Iterable[bytes]) -> list[bytes]:
    """Files that are one inode become as many, as in a layer each is a file of its own. Their paths, and the folders
    they are in."""
    linked = [path for path in paths if _is_linked(path)]
    for path in linked:
        if _is_linked(path):  # the last of them is alone by now
            _copy_over(path)
    return [*linked, *map(os.path.dirname, linked)]


def _is_linked(path: bytes) -> bool:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_nlink > 1


def _copy_over(path: bytes) -> None:
    status = os.lstat(path)
    aside = os.path.dirname(path) + b"/.agentrt-%d" % os.getpid()
    folder = os.stat(os.path.dirname(path))
    with accessible(os.path.dirname(path)):
        old = open_file(path)
        new = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            while os.sendfile(new, old, None, 1 << 20):
                pass
            for name in os.listxattr(path):
                with suppress(OSError):
                    os.setxattr(aside, name, os.getxattr(path, name))
            os.utime(aside, ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fchmod(new, stat.S_IMODE(status.st_mode))
        finally:
            os.close(old)
            os.close(new)
        os.rename(aside, path)
        os.utime(os.path.dirname(path), ns=(folder.st_atime_ns, folder.st_mtime_ns))
