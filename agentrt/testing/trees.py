"""The state of whole trees, complete enough to say that an undo was one.

This file needs nothing but the standard library, because it also runs *inside* a sandbox: ``view_command`` gives the
argv that prints what processes there see, ``parse_view`` reads it. So what is compared is what the mounts show, not
what our own code believes about layers.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple


class Node(NamedTuple):
    """One path."""

    type: str
    mode: int
    uid: int
    gid: int
    size: int
    content: str
    """SHA-256 of a file or of a link's target; "" for the rest, "unreadable" where reading is refused."""
    target: str
    mtime_ns: int
    attributes: tuple[tuple[str, str], ...]
    """Extended attributes of users, values in hex."""
    same_as: str
    """The first name of the same file in this tree, where it has several; "" where it has one."""


Tree = dict[bytes, Node]
_TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo",
          stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}  # fmt: skip


def tree_state(root: str | bytes | os.PathLike[str], *, leave_out: bytes = b"") -> Tree:
    """Relative path → node for everything below ``root``; b"." is the root itself. ``leave_out`` is not entered,
    and where it is given, neither is what else is mounted there (the host's own tools change while we look)."""
    top = os.fsencode(root)
    first_names: dict[tuple[int, int], bytes] = {}
    tree: Tree = {}
    for path, status in sorted(_walk(top, leave_out)):
        same = b""
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            same = first_names.setdefault((status.st_dev, status.st_ino), path)
        tree[path] = _node(top + b"/" + path, status, os.fsdecode(same))
    lone = {node.same_as for path, node in tree.items() if node.same_as} - {
        node.same_as for path, node in tree.items() if node.same_as and os.fsdecode(path) != node.same_as
    }
    return {path: node._replace(same_as="") if node.same_as in lone else node for path, node in tree.items()}


def differences(expected: Tree, found: Tree, *, mtimes: bool = True) -> list[str]:
    """A line for each path and field that is not what it should be; empty for equal trees."""
    lines = []
    for path in sorted(expected.keys() | found.keys()):
        want, have = expected.get(path), found.get(path)
        if want is None or have is None:
            lines.append(f"{path!r}: {'is there' if want is None else 'is missing'}")
            continue
        for field in Node._fields:
            if getattr(want, field) != getattr(have, field) and (mtimes or field != "mtime_ns"):
                lines.append(f"{path!r}: {field} is {getattr(have, field)!r}, not {getattr(want, field)!r}")
    return lines


def view_command(root: str, *places: str) -> list[str]:
    """The argv that prints, inside a sandbox, the state of ``root`` and (with absolute paths) of ``places``."""
    with open(__file__, encoding="utf-8") as file:
        return ["python3", "-I", "-S", "-c", file.read(), root, *places]


def parse_view(printed: bytes) -> Tree:
    """What ``view_command`` printed."""
    return {
        os.fsencode(path): Node(*fields)._replace(attributes=tuple((name, value) for name, value in fields[8]))
        for path, fields in json.loads(printed).items()
    }


def _walk(top: bytes, leave_out: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    device = os.lstat(top).st_dev
    yield b".", os.lstat(top)
    pending = [b""]
    while pending:
        folder = pending.pop()
        try:
            names = os.listdir(top + b"/" + folder)
        except PermissionError:
            continue
        for name in names:
            path = folder + name
            status = os.lstat(top + b"/" + path)
            other = stat.S_ISDIR(status.st_mode) and status.st_dev != device
            if leave_out and (other or top + b"/" + path == leave_out):
                continue
            yield path, status
            if stat.S_ISDIR(status.st_mode):
                pending.append(path + b"/")


def _node(path: bytes, status: os.stat_result, same_as: str) -> Node:
    kind = _TYPES[stat.S_IFMT(status.st_mode)]
    content = target = ""
    if kind == "file":
        content = _digest(path)
    elif kind == "symlink":
        target = os.fsdecode(os.readlink(path))
        content = hashlib.sha256(os.fsencode(target)).hexdigest()
    return Node(
        type=kind,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        size=status.st_size if kind in ("file", "symlink") else 0,
        content=content,
        target=target,
        mtime_ns=status.st_mtime_ns,
        attributes=_attributes(path),
        same_as=same_as,
    )


def _digest(path: bytes) -> str:
    digest = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            while data := file.read(1 << 20):
                digest.update(data)
    except PermissionError:
        return "unreadable"
    return digest.hexdigest()


def _attributes(path: bytes) -> tuple[tuple[str, str], ...]:
    try:
        names = [name for name in os.listxattr(path, follow_symlinks=False) if name.startswith("user.")]
        return tuple((name, os.getxattr(path, name, follow_symlinks=False).hex()) for name in sorted(names))
    except OSError:
        return ()


def _print(root: str, places: list[str]) -> None:
    tree: Mapping[bytes, Node] = tree_state(root)
    for place in map(os.path.expanduser, places):
        below = tree_state(place, leave_out=os.fsencode(root))
        tree = {**tree, **{os.fsencode(place) + b"/" + path: node for path, node in below.items()}}
    print(json.dumps({os.fsdecode(path): list(node) for path, node in tree.items()}))


if __name__ == "__main__":
    _print(sys.argv[1], sys.argv[2:])
