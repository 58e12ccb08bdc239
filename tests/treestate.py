"""The complete state of a folder, and a comparison a person can read.

``tree_state`` sees everything an undo must put back: path, type, mode, owner, content, link target, times, extended
attributes, and which names are the same file.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    type: str
    mode: int
    uid: int
    gid: int
    size: int
    content: str | None
    """SHA-256 of a regular file; None for what may not be read and for the rest."""
    target: bytes | None
    mtime_ns: int | None
    attributes: tuple[tuple[str, bytes], ...]
    names: tuple[bytes, ...]
    """All names of the same file in this tree, if there are several."""


def tree_state(root: Path, *, mtimes: bool = True) -> dict[bytes, Entry]:
    """Every path below ``root`` as bytes, and ``b"."`` for the folder itself."""
    top = os.fsencode(root)
    found: dict[bytes, os.stat_result] = {b".": os.lstat(top)}
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            found[os.path.relpath(path, top)] = os.lstat(path)
    names: dict[int, list[bytes]] = {}
    for path, info in sorted(found.items()):
        if not stat.S_ISDIR(info.st_mode) and info.st_nlink > 1:
            names.setdefault(info.st_ino, []).append(path)
    return {path: _entry(os.path.join(top, path), info, names, mtimes) for path, info in sorted(found.items())}


def assert_same_tree(found: dict[bytes, Entry], expected: dict[bytes, Entry]) -> None:
    """Raises ``AssertionError`` that lists every difference, field by field."""
    lines = []
    for path in sorted(found.keys() | expected.keys()):
        a, b = found.get(path), expected.get(path)
        if a is None or b is None:
            lines.append(f"{path!r}: {'missing' if a is None else 'should not be there'}")
            continue
        lines += [
            f"{path!r}: {field} is {getattr(a, field)!r}, should be {getattr(b, field)!r}"
            for field in Entry._fields
            if getattr(a, field) != getattr(b, field)
        ]
    assert not lines, "trees differ:\n" + "\n".join(lines)


def _entry(path: bytes, info: os.stat_result, names: dict[int, list[bytes]], mtimes: bool) -> Entry:
    kind = stat.S_IFMT(info.st_mode)
    content = None
    if kind == stat.S_IFREG and os.access(path, os.R_OK):
        with open(path, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    same = names.get(info.st_ino, [])
    return Entry(
        type=_TYPES.get(kind, "other"),
        mode=stat.S_IMODE(info.st_mode),
        uid=info.st_uid,
        gid=info.st_gid,
        size=0 if kind == stat.S_IFDIR else info.st_size,
        content=content,
        target=os.readlink(path) if kind == stat.S_IFLNK else None,
        mtime_ns=info.st_mtime_ns if mtimes else None,
        attributes=tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in _attributes(path)),
        names=tuple(same) if len(same) > 1 else (),
    )


def _attributes(path: bytes) -> list[str]:
    try:
        return sorted(os.listxattr(path, follow_symlinks=False))
    except OSError:
        return []


_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
