"""What differs between two layered directories: the measured effect of an action on files.

Only what the given layers mention is looked at, so the cost is that of the change, not of the tree. Content is
compared: a file that was opened for writing and left as it was is no effect.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any

from .layered import Entry, Layered, attributes, is_opaque, is_whiteout

_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
_DIGEST_BEFORE = 1 << 20
"""Before-images up to this size are hashed even when the size alone tells that they differ."""

Pair = tuple[bytes, Entry | None, Entry | None]
Found = tuple[dict[str, Any], Entry | None]
"""The fields of an effect, and the entry that was there before."""


def pairs(a: Layered, b: Layered, uppers: Sequence[bytes]) -> Iterator[Pair]:
    """Relative path and entry on either side, for every path below ``uppers`` that may differ."""
    yield from _walk(b"", a, b, list(uppers))


def _walk(prefix: bytes, a: Layered | None, b: Layered | None, uppers: list[bytes] | None) -> Iterator[Pair]:
    """``uppers`` None: everything below is looked at, because something hides a whole directory here."""
    if a is not None and b is not None and a.places == b.places:
        return
    names: set[bytes] = set()
    if uppers is None or a is None or b is None:
        uppers = None
        for side in (a, b):
            if side is not None:
                names |= side.names()
    else:
        for upper in uppers:
            names.update(os.listdir(upper))
    for name in sorted(names):
        before = a.look(name) if a is not None else None
        after = b.look(name) if b is not None else None
        if before is None and after is None:
            continue
        if before is not None and after is not None and before.path == after.path and not before.is_directory:
            continue
        path = prefix + name
        yield path, before, after
        inner_a = a.enter(before) if a is not None and before is not None and before.is_directory else None
        inner_b = b.enter(after) if b is not None and after is not None and after.is_directory else None
        if inner_a is not None or inner_b is not None:
            yield from _walk(path + b"/", inner_a, inner_b, _below(uppers, name))


def _below(uppers: list[bytes] | None, name: bytes) -> list[bytes] | None:
    if uppers is None:
        return None
    inner = []
    for upper in uppers:
        path = upper + b"/" + name
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            continue
        if not stat.S_ISDIR(status.st_mode):
            if is_whiteout(path, status) or len(uppers) > 1:
                return None
            continue
        if is_opaque(path):
            return None
        inner.append(path)
    return inner


def effect(path: bytes, before: Entry | None, after: Entry | None) -> dict[str, Any] | None:
    """The difference as the fields of a ``FileEffect`` (without ``kind``); None when there is none to report."""
    if before is not None and after is not None and not _differs(before, after):
        return None
    old = None if before is None else state(before, hashed=_hash_before(before, after))
    new = None if after is None else state(after, hashed=True)
    if old is None:
        change = "created"
    elif new is None:
        change = "deleted"
    elif all(old[key] == new[key] for key in ("type", "size", "digest", "target")):
        change = "mode"
    else:
        change = "modified"
    note = ""
    if before is not None and before.is_base and not before.is_directory and before.status.st_nlink > 1:
        note = f"one of {before.status.st_nlink} hard links; the other names keep the old content"
    elif change == "mode" and old is not None and new is not None and old["mode"] == new["mode"]:
        note = "owner or extended attributes"
    return {"path": os.fsdecode(path), "change": change, "before": old, "after": new, "note": note}


def _hash_before(before: Entry, after: Entry | None) -> bool:
    size = before.status.st_size
    return size <= _DIGEST_BEFORE or (after is not None and after.status.st_size == size)


def touched(before: Entry | None, after: Entry | None) -> bool:
    """Is there anything an undo would have to put back, times of files included?"""
    if before is None or after is None:
        return True
    if before.is_directory and after.is_directory:
        return _meta(before) != _meta(after)
    return before.status.st_mtime_ns != after.status.st_mtime_ns or _differs(before, after)


def _differs(before: Entry, after: Entry) -> bool:
    if _meta(before) != _meta(after):
        return True
    old, new = before.status, after.status
    kind = stat.S_IFMT(old.st_mode)
    if kind == stat.S_IFREG:
        return old.st_size != new.st_size or _digest(before.path) != _digest(after.path)
    if kind == stat.S_IFLNK:
        return os.readlink(before.path) != os.readlink(after.path)
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        return old.st_rdev != new.st_rdev
    return False


def _meta(entry: Entry) -> tuple[object, ...]:
    status = entry.status
    return status.st_mode, status.st_uid, status.st_gid, _attributes(entry)


def _attributes(entry: Entry) -> list[tuple[str, bytes]]:
    return [] if stat.S_ISLNK(entry.status.st_mode) else attributes(entry.path)


def state(entry: Entry, *, hashed: bool) -> dict[str, Any]:
    """The fields of a ``FileState``."""
    status = entry.status
    kind = _TYPES[stat.S_IFMT(status.st_mode)]
    target = os.readlink(entry.path) if kind == "symlink" else None
    digest = None
    if target is not None:
        digest = hashlib.sha256(target).hexdigest()
    elif kind == "file" and hashed:
        with contextlib.suppress(PermissionError):  # of another user: it can be deleted, but not read
            digest = _digest(entry.path)
    return {
        "type": kind,
        "mode": stat.S_IMODE(status.st_mode),
        "size": status.st_size if kind in ("file", "symlink") else 0,
        "mtime_ns": status.st_mtime_ns,
        "inode": status.st_ino if entry.is_base else 0,
        "digest": digest,
        "target": None if target is None else os.fsdecode(target),
    }


def _digest(path: bytes) -> str:
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pair_renames(found: list[Found]) -> list[dict[str, Any]]:
    """A file that went and an equal one that came are one rename; ambiguous pairs stay as they are."""
    gone: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    came: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    sizes = {effect["after"]["size"] for effect, _ in found if effect["change"] == "created"}
    for effect, entry in found:
        if effect["change"] not in ("deleted", "created"):
            continue
        side, group = (effect["before"], gone) if effect["change"] == "deleted" else (effect["after"], came)
        if side["type"] != "file" or not side["size"] or side["size"] not in sizes:
            continue
        if side["digest"] is None and entry is not None:
            side["digest"] = state(entry, hashed=True)["digest"]
        outside = effect["path"].startswith("/")  # what leaves the workspace is deleted there
        group.setdefault((outside, side["size"], side["digest"], side["mode"]), []).append(effect)
    dropped = set()
    for key, new in came.items():
        old = gone.get(key, [])
        if len(old) == len(new) == 1:
            new[0].update(change="renamed", before=old[0]["before"], renamed_from=old[0]["path"])
            dropped.add(id(old[0]))
    return [effect for effect, _ in found if id(effect) not in dropped]
