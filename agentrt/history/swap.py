"""Exchanging what is in the workspace with what is held aside, one path at a time, losing neither.

One atomic ``renameat2`` a path wherever the file system can do it. What came out is compared with what was expected
to come out; if it is something else, it goes straight back. ``back`` undoes a swap whose fate is unknown (we may have
been killed before, after or in the middle of it) from nothing but what it finds.

Names in the held folder: ``Slot.name``; with ``.old`` behind it only in the middle of an exchange in two steps.
"""

from __future__ import annotations

import errno
import os
import stat

from agentrt.errors import Conflict
from agentrt.records import FileState, PathConflict

from . import beneath, steps
from .beneath import Beneath, lstat_at
from .ledger import Slot, Standing, other
from .states import describe, is_still, same_object, state_of, type_of
from .write import duplicate, remove

_CANNOT = (errno.ENOSYS, errno.EINVAL)
_OUT_OF_REACH = (errno.ELOOP, errno.EXDEV, errno.ENOENT, errno.ENOTDIR, errno.EEXIST)


def swap(tree: Beneath, held: int, number: int, slot: Slot, standing: Standing) -> None:
    """Take out what stands and put the other side in. Raises ``Conflict`` (this path is untouched), ``OSError``."""
    goes, comes = slot.side(standing), slot.side(other(standing))
    path, key = os.fsencode(slot.path), slot.name(number)
    if slot.in_place:
        if goes is not None and comes is not None and goes.type == "file":
            _chmod(tree, path, goes, comes)  # a folder's mode is set when all that goes on inside it is done
        return
    with tree.parent(path) as (fd, name):
        try:
            if goes is None:
                _put(held, key, fd, name)
            elif comes is None:
                _take(fd, name, held, key, goes)
            else:
                _exchange(fd, name, held, key, goes)
        except FileExistsError:
            raise changed(slot, standing, state_of(os.stat(name, dir_fd=fd, follow_symlinks=False))) from None
        except FileNotFoundError:
            raise changed(slot, standing, None) from None
        except _Other as found:
            raise changed(slot, standing, found.state) from None


def back(tree: Beneath, held: int, number: int, slot: Slot, standing: Standing) -> bool:
    """Have ``slot`` as it stood before a swap that may or may not have happened; again and again if need be.

    False: what is at the path is neither side (someone changed it since), or cannot be reached; it is left alone.
    """
    goes, comes = slot.side(standing), slot.side(other(standing))
    path, key = os.fsencode(slot.path), slot.name(number)
    try:
        if slot.in_place:
            return _chmod_back(tree, path, slot, standing)
        with tree.parent(path) as (fd, name):
            here = lstat_at(fd, name)
            if here is not None and comes is not None and is_still(comes, fd, name):
                if _inode(held, key) == here.st_ino:  # killed between the two halves of ``_put``
                    os.unlink(name, dir_fd=fd)
                    here = None
                elif goes is None:
                    _take(fd, name, held, key, comes)
                    return True
                else:
                    _tidy(held, key, goes)
                    _exchange(fd, name, held, key, comes)
                    return True
            if goes is None:
                return here is None
            if here is None:
                kept = next((k for k in (key, key + b".old") if _is(goes, held, k)), None)
                if kept is None:
                    return False
                _put(held, kept, fd, name)
            elif not _is(goes, fd, name):
                return False
            _tidy(held, key, goes, standing_there=True)
            return True
    except _Other:
        return False
    except OSError as error:
        if error.errno in _OUT_OF_REACH:
            return goes is None  # where there is no folder yet, nothing is in it
        raise


def changed(slot: Slot, standing: Standing, now: FileState | None) -> Conflict:
    """The conflict of a path that is not what it was."""
    goes, comes = slot.side(standing), slot.side(other(standing))
    theirs = describe(now, goes) if goes is not None or now is None else "created by someone else since"
    conflict = PathConflict(path=slot.path, ours=describe(comes, goes), theirs=theirs)
    return Conflict(f"{slot.path}: {theirs}", conflicts=[conflict])


class _Other(Exception):
    """Something else came out than was expected; it is back where it was."""

    def __init__(self, state: FileState) -> None:
        super().__init__(state)
        self.state = state


def _put(held: int, key: bytes, fd: int, name: bytes) -> None:
    """From the held folder into the workspace, never over anything. Raises ``FileExistsError``, ``OSError``."""
    steps.checkpoint("put")
    try:
        beneath.rename(held, key, fd, name, beneath.NOREPLACE)
        return
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    found = os.stat(key, dir_fd=held, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        try:
            os.link(key, name, src_dir_fd=held, dst_dir_fd=fd, follow_symlinks=False)
        except PermissionError:  # fs.protected_hardlinks, or a file system without hard links
            pass
        else:
            steps.checkpoint("put, both names")
            os.unlink(key, dir_fd=held)
            return
    if lstat_at(fd, name) is not None:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fsdecode(name))
    os.rename(key, name, src_dir_fd=held, dst_dir_fd=fd)


def _take(fd: int, name: bytes, held: int, key: bytes, expected: FileState) -> None:
    """From the workspace into the held folder, where the name is free. Raises ``_Other``, ``OSError``."""
    steps.checkpoint("take")
    try:
        os.rename(name, key, src_dir_fd=fd, dst_dir_fd=held)
    except OSError as error:
        if error.errno != errno.EXDEV or expected.type != "directory":
            raise
        _take_folder(fd, name, held, key)
        return
    steps.checkpoint("taken")
    found = _unexpected(held, key, expected)
    if found is not None:
        _put(held, key, fd, name)
        raise _Other(found)


def _take_folder(fd: int, name: bytes, held: int, key: bytes) -> None:
    """Where folders cannot be moved (an overlay's lower ones): a copy with all that is known of it will do."""
    duplicate(fd, name, held, key)
    steps.checkpoint("taken, still there")
    try:
        os.rmdir(name, dir_fd=fd)
    except OSError as error:
        remove(held, key)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise _Other(state_of(os.stat(name, dir_fd=fd, follow_symlinks=False))) from None
        raise


def _exchange(fd: int, name: bytes, held: int, key: bytes, expected: FileState) -> None:
    """Workspace and held folder change places. Raises ``_Other``, ``OSError``."""
    steps.checkpoint("exchange")
    try:
        beneath.rename(fd, name, held, key, beneath.EXCHANGE)
    except OSError as error:
        if error.errno not in (*_CANNOT, errno.EXDEV):
            raise
        os.stat(key, dir_fd=held, follow_symlinks=False)  # what is to come is there, or nothing is taken
        _take(fd, name, held, key + b".old", expected)
        _put(held, key, fd, name)
        steps.checkpoint("exchanged, two names")
        os.rename(key + b".old", key, src_dir_fd=held, dst_dir_fd=held)
        return
    steps.checkpoint("exchanged")
    found = _unexpected(held, key, expected)
    if found is not None:
        beneath.rename(fd, name, held, key, beneath.EXCHANGE)
        raise _Other(found)


def _tidy(held: int, key: bytes, goes: FileState, *, standing_there: bool = False) -> None:
    """Leave one name in the held folder, whatever step an exchange in two steps was cut off at."""
    old = key + b".old"
    if standing_there:
        for second in (key, old):
            if _inode(held, second) == goes.inode:
                os.unlink(second, dir_fd=held)
    if _inode(held, key) is None and _inode(held, old) is not None:
        os.rename(old, key, src_dir_fd=held, dst_dir_fd=held)


def _chmod(tree: Beneath, path: bytes, goes: FileState, comes: FileState) -> None:
    steps.checkpoint("chmod")
    found = tree.lstat(path)
    if found is None or not same_object(goes, found):
        slot = Slot(path=os.fsdecode(path), before=goes, after=comes)
        raise changed(slot, "before", None if found is None else state_of(found))
    tree.set_mode(path, comes.mode)


def _chmod_back(tree: Beneath, path: bytes, slot: Slot, standing: Standing) -> bool:
    goes, comes = slot.side(standing), slot.side(other(standing))
    found = tree.lstat(path)
    if found is None or goes is None or comes is None:
        return False
    if same_object(goes, found):
        return True
    if not same_object(comes, found):
        return False
    tree.set_mode(path, goes.mode)
    return True


def _unexpected(held: int, key: bytes, expected: FileState) -> FileState | None:
    """What is held, if it is not the expected object, or a folder that holds something; else None."""
    found = os.stat(key, dir_fd=held, follow_symlinks=False)
    if is_still(expected, held, key) and not (stat.S_ISDIR(found.st_mode) and _entries(held, key)):
        return None
    return state_of(found)


def _entries(at: int, name: bytes) -> list[str]:
    fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    try:
        return os.listdir(fd)
    finally:
        os.close(fd)


def _is(state: FileState, at: int, name: bytes) -> bool:
    """It is that object, whatever was written to it since, or one just like it."""
    found = lstat_at(at, name)
    if found is not None and type_of(found) == state.type and found.st_ino == state.inode:
        return True
    return is_still(state, at, name)


def _inode(at: int, name: bytes) -> int | None:
    found = lstat_at(at, name)
    return None if found is None else found.st_ino
