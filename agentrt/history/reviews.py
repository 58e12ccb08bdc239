"""What of an operation was reviewed, part by part.

The journal keeps the review of whole operations. A verdict on some files, or some hunks of one, is in the ``action``
of the operation that gave it (kind ``accept`` or ``reject``): ``{"parts": {path: [hunk, …]}}``, no hunks meaning all
of the file.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Protocol

from agentrt.records import Operation, View
from agentrt.records.operations import Kind, Review, Status

from .bases import lineage
from .revert import Parts, sides_of

__all__ = ["Review", "Verdicts", "add", "counts", "gathered", "parts_in", "verdicts", "whole"]

Verdicts = dict[str, dict[int, Review]]
"""By path and hunk; hunk 0 is all of the file."""


def parts_in(operation: Operation) -> Parts:
    """What a verdict was about; nothing where it was about whole operations."""
    parts = (operation.action or {}).get("parts", {})
    return parts if isinstance(parts, Mapping) else {}


def verdicts(target: Operation, view: View, operations: Sequence[Operation]) -> Verdicts:
    """The parts of an operation that have one. ``operations``: the session's, oldest first, of which no reject counts
    that is not in ``view``: it was undone."""
    line = {operation.id for operation in lineage(view, operations)}
    return gathered(target, (operation for operation in operations if counts(operation, target.id, line)))


class _Said(Protocol):
    """Of an operation, what says whether it is a verdict on another one."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def status(self) -> Status: ...
    @property
    def target(self) -> tuple[int, ...]: ...


def counts(operation: _Said, target: int, standing: Container[int]) -> bool:
    """Whether it is a verdict on ``target``, and none that was undone."""
    given = operation.kind == "accept" or (operation.kind == "reject" and operation.id in standing)
    return given and operation.status == "settled" and target in operation.target


def gathered(target: Operation, given: Iterable[Operation]) -> Verdicts:
    """What the verdicts on an operation that count, oldest first, come to."""
    found: Verdicts = {}
    everything: Parts = dict.fromkeys(sides_of(target.files), ())
    for operation in given:
        said: Review = "accepted" if operation.kind == "accept" else "rejected"
        add(found, parts_in(operation) or everything, said)
    return found


def add(found: Verdicts, parts: Parts, review: Review) -> None:
    """A later word on all of a file is the only one on it."""
    for path, hunks in parts.items():
        if hunks:
            found.setdefault(path, {}).update(dict.fromkeys(hunks, review))
        else:
            found[path] = {0: review}


def whole(operation: Operation, found: Verdicts, hunks: Mapping[str, int]) -> Review:
    """What the verdicts on its parts come to for an operation. ``hunks``: how many a path has, where that is known."""
    words: set[Review] = set()
    for path in sides_of(operation.files):
        given = found.get(path, {})
        if 0 not in given and len(given) < max(hunks.get(path, 1), 1):
            return "pending"
        words |= set(given.values())
    return "rejected" if words == {"rejected"} else "accepted"
