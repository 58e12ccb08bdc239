"""What is at a path right now, and whether it still is what someone saw there."""

from __future__ import annotations

import errno
import hashlib
import os
import stat

from agentrt.records import FileState
from agentrt.records.effects import FileType

from .beneath import Beneath, lstat_at

_TYPES: dict[int, FileType] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}
_CHUNK = 1 << 20


def type_of(found: os.stat_result) -> FileType:
    return _TYPES.get(stat.S_IFMT(found.st_mode), "device")


def state_of(found: os.stat_result, *, digest: str | None = None, target: str | None = None) -> FileState:
    """``FileState`` from what ``lstat`` said; folders have size 0."""
    kind = type_of(found)
    return FileState(
        type=kind,
        mode=stat.S_IMODE(found.st_mode),
        size=found.st_size if kind in ("file", "symlink") else 0,
        mtime_ns=found.st_mtime_ns,
        inode=found.st_ino,
        digest=digest,
        target=target,
    )


def look(tree: Beneath, path: bytes) -> FileState | None:
    """What is at ``path``, with digest and target; None where nothing is. Raises ``OSError``.

    The digest is None where the content may not be read, or was written to while it was read.
    """
    with tree.parent(path) as (fd, name):
        return look_at(fd, name)


def look_at(fd: int, name: bytes) -> FileState | None:
    """The same of ``name`` in the folder ``fd``."""
    try:
        found = os.stat(name, dir_fd=fd, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            target = os.readlink(name, dir_fd=fd)
            return state_of(found, digest=hashlib.sha256(target).hexdigest(), target=os.fsdecode(target))
        if not stat.S_ISREG(found.st_mode):
            return state_of(found)
        source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
    except FileNotFoundError:
        return None
    except PermissionError:
        return state_of(found)
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link took its place this very moment: say what is there now
            return look_at(fd, name)
        raise
    try:
        digest = hashlib.sha256()
        while chunk := os.read(source, _CHUNK):
            digest.update(chunk)
        after = os.fstat(source)
    finally:
        os.close(source)
    unchanged = same_object(state_of(found), after)
    return state_of(after, digest=digest.hexdigest() if unchanged else None)


def is_still(seen: FileState, fd: int, name: bytes) -> bool:
    """``name`` in the folder ``fd`` is what was ``seen``: the same object, or one with the same content and mode."""
    found = lstat_at(fd, name)
    if found is None:
        return False
    return same_object(seen, found) or (seen.digest is not None and alike(look_at(fd, name), seen))


def same_object(seen: FileState, found: os.stat_result) -> bool:
    """``found`` is the very thing that was ``seen`` and nobody wrote to it. Any folder is as good as another: it is
    what it holds that counts, and that is asked path by path."""
    kind = type_of(found)
    if kind == "directory" or kind != seen.type:
        return kind == seen.type
    if found.st_ino != seen.inode:
        return False
    if kind == "symlink":
        return found.st_mtime_ns == seen.mtime_ns
    now = (stat.S_IMODE(found.st_mode), found.st_size if kind == "file" else 0, found.st_mtime_ns)
    return now == (seen.mode, seen.size, seen.mtime_ns)


def alike(now: FileState | None, then: FileState | None) -> bool:
    """Two states a person would call the same: type, permission bits, content or target. Times do not count
    unless the content of one of them is not known."""
    if now is None or then is None:
        return now is then
    if now.type != then.type:
        return False
    if now.type == "symlink":
        return now.target == then.target if then.target is not None else now.digest == then.digest
    if now.mode != then.mode:
        return False
    if now.type != "file":
        return True
    if now.size != then.size:
        return False
    if now.digest is None or then.digest is None:
        return now.mtime_ns == then.mtime_ns
    return now.digest == then.digest


def describe(state: FileState | None, since: FileState | None) -> str:
    """A few words for a person on how ``state`` came out of ``since``."""
    if state is None:
        return "deleted"
    if state.type == "file":
        what = f"{state.size} bytes" if state.size != 1 else "1 byte"
    else:
        what = {"directory": "a folder", "symlink": "a symbolic link"}.get(state.type, f"a {state.type}")
    if since is None:
        return f"created, {what}"
    if state.type != since.type:
        return f"replaced by {'a file, ' if state.type == 'file' else ''}{what}"
    if state.mode != since.mode and alike(state.model_copy(update={"mode": since.mode}), since):
        return f"mode {state.mode:04o}, was {since.mode:04o}"
    return f"modified, {what}"
