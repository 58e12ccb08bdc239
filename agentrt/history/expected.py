"""What every view of a session must show, by what the journal says of it.

What operations recorded is laid over one another along the line that leads to a view; an undo, redo or restore goes
to a view that was there before. Paths the session never touched are the user's own, and not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agentrt.records import FileState, Operation, View

from .revert import sides_of
from .states import alike


@dataclass(slots=True)
class Expected:
    """A view, and what is known of its paths."""

    view: View
    operations: list[int] = field(default_factory=list)
    """The session stood on it after these; 0 is its start."""
    states: Mapping[str, FileState | None] = field(default_factory=dict)
    """By path, what the last operation that touched it left there; None: nothing."""
    covered: frozenset[str] = frozenset()
    """Of these paths, those the view's layers decide, whatever lies in the workspace."""
    kept: frozenset[str] = frozenset()
    """Those an apply may have left in the layers: there, or equal to what was in the workspace at that time."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """All of a session."""

    views: tuple[Expected, ...]
    """Each once, by the first operation that led to it."""
    bases: Mapping[str, list[FileState | None]]
    """By path, what was there where no operation had touched it yet; several where the user changed it meanwhile."""


def recorded(start: View, operations: Iterable[Operation], inherited: Iterable[Operation] = ()) -> Recorded:
    """What a session's operations, oldest first, say of its views. ``inherited``: what led to its start, in others."""
    bases: dict[str, list[FileState | None]] = {}
    here = Expected(start)
    for operation in inherited:
        here = _after(here, operation, bases)
    here = Expected(start, [0], here.states, here.covered, here.kept)
    found = {_key(start): here}
    for operation in operations:
        key = _key(operation.after)
        if key not in found:
            found[key] = _after(here, operation, bases)
        here = found[key]
        here.operations.append(operation.id)
    return Recorded(tuple(found.values()), bases)


def _after(before: Expected, operation: Operation, bases: dict[str, list[FileState | None]]) -> Expected:
    # Of these paths an apply wrote a part, and the view shows what it showed.
    sides = {path: sides for path, sides in sides_of(operation.files).items() if path not in operation.partial}
    for path, (was, _) in sides.items():
        known = bases.setdefault(path, [])
        if path not in before.states and not any(alike(was, base) for base in known):
            known.append(was)
    covered, kept = before.covered | sides.keys(), before.kept - sides.keys()
    if operation.kind == "apply":
        # What lies elsewhere in the sandbox stays; of the workspace's paths only what was not applied does.
        covered = frozenset(path for path in before.covered if path.startswith("/"))
        kept = (before.kept | before.covered) - covered - sides.keys()
    states = {**before.states, **{path: after for path, (_, after) in sides.items()}}
    return Expected(operation.after, [], states, covered, kept)


def _key(view: View) -> tuple[tuple[str, ...], tuple[int, ...]]:
    return view.snapshot.layers, view.applied
