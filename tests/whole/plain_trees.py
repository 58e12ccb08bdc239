"""Trees of files as plain mappings, and what a merge of three of them comes to, path by path.

No two lines that are ever written are alike, so there is one way to read what was changed from one text to another.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

CONTEXT = 3


class Node(NamedTuple):
    kind: str
    mode: int
    content: str = ""
    """A file's, or where a link points."""


Tree = dict[str, Node]
Sides = tuple[Node | None, Node | None]


def text(content: str, mode: int = 0o644) -> Node:
    return Node("file", mode, content)


def link(target: str) -> Node:
    return Node("link", 0o777, target)


FOLDER = Node("folder", 0o755)


def above(path: str) -> list[str]:
    """The folders it lies in, outermost first."""
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]


def is_folder(node: Node | None) -> bool:
    return node is not None and node.kind == "folder"


def has_room(tree: Mapping[str, Node], path: str) -> bool:
    """Its folder is there."""
    return all(is_folder(tree.get(folder)) for folder in above(path))


def is_tree(tree: Mapping[str, Node]) -> bool:
    """Everything in it lies in a folder."""
    return all(has_room(tree, path) for path in tree)


def with_sides(tree: Mapping[str, Node], sides: Mapping[str, Node | None]) -> Tree:
    both = {**tree, **sides}
    return {path: node for path, node in both.items() if node is not None}


def differing(before: Mapping[str, Node], after: Mapping[str, Node]) -> dict[str, Sides]:
    """What is different, by path: what was there and what is there."""
    paths = sorted(before.keys() | after.keys())
    return {path: (before.get(path), after.get(path)) for path in paths if before.get(path) != after.get(path)}


def read(root: Path | str) -> Tree:
    """What really lies in a folder."""
    return dict(_walk(str(root), ""))


def _walk(root: str, folder: str) -> Iterator[tuple[str, Node]]:
    for entry in os.scandir(os.path.join(root, folder)):
        path, mode = os.path.join(folder, entry.name), entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            yield path, Node("folder", stat.S_IMODE(mode))
            yield from _walk(root, path)
        elif stat.S_ISLNK(mode):
            yield path, link(os.readlink(entry.path))
        else:
            with open(entry.path, encoding="utf-8", newline="") as file:
                yield path, text(file.read(), stat.S_IMODE(mode))


def blend(base: Node | None, here: Node | None, brought: Node | None) -> Node | None:
    """``here`` with what leads from ``base`` to ``brought``: of files, content and mode each for itself.

    None: that cannot be told, or they are no files.
    """
    if base is None or here is None or brought is None or {base.kind, here.kind, brought.kind} != {"file"}:
        return None
    modes = {here.mode, brought.mode} - {base.mode}
    content = merged(base.content, here.content, brought.content)
    if len(modes) > 1 or content is None:
        return None
    return text(content, modes.pop() if modes else base.mode)


def merged(base: str, ours: str, theirs: str) -> str | None:
    """Between two lines that all three have, the side that differs from ``base`` counts; None: they both do."""
    if theirs in (base, ours):
        return ours
    if ours == base:
        return theirs
    if "\0" in base + ours + theirs:
        return None
    sides = [side.splitlines(keepends=True) for side in (base, ours, theirs)]
    found = []
    for old, mine, other in _between(*sides):
        if mine != old != other and mine != other:
            return None
        found += mine if other == old else other
    return "".join(found)


def hunks(before: str, after: str) -> int:
    """How many hunks a diff of the two shows."""
    return max((number for number, _, _ in _numbered(before, after)), default=0)


def without(before: str, after: str, numbers: Collection[int]) -> str:
    """``after``, with these hunks as in ``before``."""
    return "".join(
        line for number, old, new in _numbered(before, after) for line in (old if number in numbers else new)
    )


def _numbered(before: str, after: str) -> list[tuple[int, list[str], list[str]]]:
    """Stretches of both, each with its hunk's number; what is the same has 0."""
    found, hunk, same = list[tuple[int, list[str], list[str]]](), 0, 2 * CONTEXT + 1
    for old, new in _between(before.splitlines(keepends=True), after.splitlines(keepends=True)):
        if old == new:
            same += len(old)
            found.append((0, old, new))
        else:
            hunk += same > 2 * CONTEXT
            same = 0
            found.append((hunk, old, new))
    return found


def _between(*sides: list[str]) -> Iterator[tuple[list[str], ...]]:
    """The stretches of several texts between lines they all have, and these lines."""
    common = [line for line in sides[0] if all(line in side for side in sides)]
    assert all([line for line in side if line in common] == common for side in sides), "lines changed places"
    rest = [list(side) for side in sides]
    for line in common:
        cuts = [side.index(line) for side in rest]
        yield tuple(side[:cut] for side, cut in zip(rest, cuts, strict=True))
        yield tuple([line] for _ in rest)
        rest = [side[cut + 1 :] for side, cut in zip(rest, cuts, strict=True)]
    yield tuple(rest)
