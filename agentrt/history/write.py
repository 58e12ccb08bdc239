"""Making things before they are put in place: new ones from the sandbox, exact copies of what is there."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from contextlib import suppress
from typing import BinaryIO

from agentrt.records import FileState

from .states import state_of

_CHUNK = 1 << 20
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_UNSUPPORTED = (errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.ENODATA)


def make(
    at: int, name: bytes, wanted: FileState, content: BinaryIO | None, replaces: int | None, group: int | None
) -> FileState:
    """Make what the sandbox has under ``name`` in the folder ``at``; what it became, with inode and digest.

    ``replaces``: an ``O_PATH`` descriptor of what it will stand in for, to inherit owner and access lists from.
    ``group``: the group to belong to otherwise. Folders are made open to their owner; who puts them in place
    sets their mode at the end. Raises ``OSError``.
    """
    if wanted.type == "symlink":
        target = os.fsencode(wanted.target or "")
        os.symlink(target, name, dir_fd=at)
        _own(at, name, replaces, group)
        os.utime(name, ns=(wanted.mtime_ns, wanted.mtime_ns), dir_fd=at, follow_symlinks=False)
        made = os.stat(name, dir_fd=at, follow_symlinks=False)
        return state_of(made, digest=hashlib.sha256(target).hexdigest(), target=wanted.target)
    if wanted.type == "directory":
        os.mkdir(name, 0o700, dir_fd=at)
        _own(at, name, replaces, group)
        os.chmod(name, wanted.mode | 0o700, dir_fd=at)
        return wanted.model_copy(update={"inode": _inode(at, name), "size": 0})
    assert content is not None
    new = os.open(name, _NEW, 0o600, dir_fd=at)
    try:
        digest = _copy(content, new, wanted.size)
        if replaces is not None or group is not None:
            _own(at, name, replaces, group)
        attributes = _inherited(replaces)
        source = _descriptor(content)
        if source is not None:
            attributes = {k: v for k, v in attributes.items() if not k.startswith("user.")} | _visible(source)
        _set_attributes(new, attributes)
        os.fchmod(new, wanted.mode)
        os.utime(new, ns=(wanted.mtime_ns, wanted.mtime_ns))
        return state_of(os.fstat(new), digest=digest)
    finally:
        os.close(new)


def duplicate(from_fd: int, source: bytes, to_fd: int, target: bytes) -> int:
    """Copy one object with its owner, mode, times and attributes (a folder without what it holds): the copy's inode.

    A copy that is there already is replaced. Raises ``OSError``.
    """
    found = os.stat(source, dir_fd=from_fd, follow_symlinks=False)
    remove(to_fd, target)
    new = target + b".new"
    remove(to_fd, new)
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFLNK:
        os.symlink(os.readlink(source, dir_fd=from_fd), new, dir_fd=to_fd)
    elif kind == stat.S_IFDIR:
        os.mkdir(new, 0o700, dir_fd=to_fd)
    elif kind == stat.S_IFREG:
        reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=from_fd)
        with open(reading, "rb", buffering=0) as old, open(os.open(new, _NEW, 0o600, dir_fd=to_fd), "wb") as file:
            _copy(old, file.fileno(), found.st_size)
    else:
        os.mknod(new, kind | 0o600, found.st_rdev, dir_fd=to_fd)
    with suppress(PermissionError):
        os.chown(new, found.st_uid, found.st_gid, dir_fd=to_fd, follow_symlinks=False)
    if kind in (stat.S_IFREG, stat.S_IFDIR):
        here, there = (os.open(n, os.O_RDONLY | os.O_CLOEXEC, dir_fd=d) for n, d in ((source, from_fd), (new, to_fd)))
        try:
            _set_attributes(there, {k: os.getxattr(here, k) for k in _names(here)})
        finally:
            os.close(here)
            os.close(there)
    if kind != stat.S_IFLNK:
        mode = stat.S_IMODE(found.st_mode)
        os.chmod(new, mode | 0o700 if kind == stat.S_IFDIR else mode, dir_fd=to_fd)
    os.utime(new, ns=(found.st_atime_ns, found.st_mtime_ns), dir_fd=to_fd, follow_symlinks=False)
    os.rename(new, target, src_dir_fd=to_fd, dst_dir_fd=to_fd)
    return _inode(to_fd, target)


def remove(at: int, name: bytes) -> None:
    """Remove one file or empty folder if it is there. Raises ``OSError``."""
    try:
        os.unlink(name, dir_fd=at)
    except IsADirectoryError:
        os.rmdir(name, dir_fd=at)
    except FileNotFoundError:
        pass  # it is gone already


def _copy(source: BinaryIO | io.RawIOBase, to: int, size: int) -> str:
    """Copy to an empty file, leaving holes where whole chunks are zero; the digest. ``size``: what may be expected."""
    digest, copied, hole = hashlib.sha256(), 0, False
    while chunk := source.read(min(size + 1, _CHUNK)):
        digest.update(chunk)
        hole = chunk.count(0) == len(chunk)
        if hole:
            os.lseek(to, len(chunk), os.SEEK_CUR)
        else:
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(to, rest) :]
        copied += len(chunk)
    if hole:
        os.ftruncate(to, copied)
    return digest.hexdigest()


def _own(at: int, name: bytes, replaces: int | None, group: int | None) -> None:
    """Belong to who owned what is replaced, as far as we may."""
    mine = os.stat(name, dir_fd=at, follow_symlinks=False)
    uid, gid = mine.st_uid, mine.st_gid if group is None else group
    if replaces is not None:
        old = os.fstat(replaces)
        uid, gid = old.st_uid, old.st_gid
    for user, team in ((uid, gid), (mine.st_uid, gid)):
        if (user, team) == (mine.st_uid, mine.st_gid):
            return
        try:
            os.chown(name, user, team, dir_fd=at, follow_symlinks=False)
        except PermissionError:
            continue
        return


def _inherited(replaces: int | None) -> dict[str, bytes]:
    """Attributes a new content keeps: all but the capabilities that were given to the old one."""
    if replaces is None:
        return {}
    path = f"/proc/self/fd/{replaces}"
    found = os.fstat(replaces)
    if not stat.S_ISREG(found.st_mode):
        return {}
    kept: dict[str, bytes] = {}
    for name in _names(path):
        if name != "security.capability":
            with suppress(OSError):
                kept[name] = os.getxattr(path, name)
    return kept


def _visible(source: int) -> dict[str, bytes]:
    """The user's attributes on the sandbox's file, without the overlay's own."""
    names = (n for n in _names(source) if n.startswith("user.") and not n.startswith("user.overlay."))
    return {name: os.getxattr(source, name) for name in names}


def _names(file: int | str) -> list[str]:
    try:
        return os.listxattr(file)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return []
        raise


def _set_attributes(fd: int, attributes: dict[str, bytes]) -> None:
    for name, value in attributes.items():
        try:
            os.setxattr(fd, name, value)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise


def _descriptor(content: BinaryIO) -> int | None:
    try:
        return content.fileno()
    except (OSError, AttributeError):
        return None


def _inode(at: int, name: bytes) -> int:
    return os.stat(name, dir_fd=at, follow_symlinks=False).st_ino
