"""What of an operation was reviewed, part by part.

The journal keeps the review of whole operations. A verdict on some files, or some hunks of one, is in the ``action``
of the operation that gave it (kind ``accept`` or ``reject``): ``{"parts": {path: [hunk, …]}}``, no hunks meaning all
of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentrt.records import Operation, View
from agentrt.records.operations import Review

from .bases import lineage
from .revert import Parts, sides_of

__all__ = ["Review", "Verdicts", "add", "parts_in", "verdicts", "whole"]

Verdicts = dict[str, dict[int, Review]]
"""By path and hunk; hunk 0 is all of the file."""


def parts_in(operation: Operation) -> Parts:
    """What a verdict was about; nothing where it was about whole operations."""
    parts = (operation.action or {}).get("parts", {})
    return parts if isinstance(parts, Mapping) else {}


def verdicts(target: Operation, view: View, operations: Sequence[Operation]) -> Verdicts:
    """The parts of an operation that have one. ``operations``: the session's, oldest first, of which no reject counts
    that is not in ``view``: it was undone."""
    found: Verdicts = {}
    everything: Parts = dict.fromkeys(sides_of(target.files), ())
    line = {operation.id for operation in lineage(view, operations)}
    for operation in operations:
        counts = operation.kind == "accept" or (operation.kind == "reject" and operation.id in line)
        if counts and operation.status == "settled" and target.id in operation.target:
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
