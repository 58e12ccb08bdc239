"""What the quota may take: kept on disk, named by the journal, and reached by no step that is still offered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from agentrt.records import Operation, View

from .bases import lineage
from .garbage import owner, stored
from .journal import Journal
from .removals import layer_names
from .store import Store
from .timeline import Timeline


@dataclass(frozen=True)
class Item:
    """One layer, output or aside."""

    kind: Literal["layer", "output", "aside"]
    name: str
    since: float
    """When the operation it is of began."""
    why: str
    """Why it may go, for a person."""


@dataclass
class Protected:
    """Names that must stay, by kind."""

    layers: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    aside: set[str] = field(default_factory=set)

    def add(self, session: str, view: View) -> None:
        self.layers |= layer_names(view.snapshot.layers)
        self.aside |= {f"{session}.{op}" for op in (*view.applied, *view.marks)}


def collectable(store: Store, journal: Journal) -> list[Item]:
    """Oldest first. What is pending, in a session's current view or within its undo and redo is not among it."""
    kept = Protected()
    whole: dict[str, tuple[Operation, str]] = {}
    for session in journal.sessions():
        operations = journal.operations(session.id)
        timeline = Timeline.of(session.start, operations)
        kept.add(session.id, timeline.view)
        pending = {op.id for op in lineage(timeline.view, operations) if op.review == "pending"}
        offered = {*timeline.done, *timeline.undone, *pending}
        for operation in operations:
            name = f"{session.id}.{operation.id}"
            whole[name] = operation, _why(operation)
            if operation.status == "intent":
                for names in (kept.layers, kept.outputs, kept.aside):
                    names.add(name)
            if operation.id in offered:
                kept.outputs.add(name)
                kept.add(session.id, operation.before)
                kept.add(session.id, operation.after)
    return sorted(_items(store, kept, whole), key=lambda item: (item.since, item.kind, item.name))


def _items(store: Store, kept: Protected, whole: Mapping[str, tuple[Operation, str]]) -> Iterator[Item]:
    kinds: tuple[tuple[Literal["layer", "output", "aside"], list[str], set[str]], ...] = (
        ("layer", stored(store.layers), kept.layers),
        ("output", stored(store.outputs), kept.outputs),
        ("aside", stored(store.aside), kept.aside),
    )
    for kind, names, needed in kinds:
        for name in names:
            found = whole.get(owner(name))
            if found is not None and owner(name) not in needed:
                yield Item(kind, name, found[0].started, found[1])


def _why(operation: Operation) -> str:
    if operation.review == "rejected":
        return "rejected"
    if operation.is_verification:
        return "a verification"
    if operation.status != "settled":
        return operation.status.replace("_", " ")
    return "undone, and new work followed"
