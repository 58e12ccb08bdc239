"""What an agent saw at a path when it first touched it: what an apply compares the real workspace with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from agentrt.records import FileEffect, FileState, Operation, View

from .journal import Journal
from .timeline import Timeline

WORK = frozenset({"act", "revert", "reject"})


def ancestry(journal: Journal, session: str, view: View, effects_at: Collection[str] | None = None) -> list[Operation]:
    """``lineage`` of a session's view, and before it that of the views it was forked from.

    Operations are numbered anew in each session: mind ``Operation.session``. ``effects_at``: see
    ``Journal.operations``. Raises ``UnknownOperation``.
    """
    lines = [lineage(view, journal.operations(session, effects_at=effects_at))]
    info = journal.session(session)
    while info.parent is not None:
        forked_at, info = info.parent_operation, journal.session(info.parent)
        view = journal.operation(info.id, forked_at).after if forked_at else info.start
        lines.append(lineage(view, journal.operations(info.id, effects_at=effects_at)))
    return [operation for line in reversed(lines) for operation in line]


def lineage(view: View, operations: Sequence[Operation]) -> list[Operation]:
    """The operations whose work is in ``view``, oldest first: acts, what took acts out, and applies.

    Snapshots grow layer by layer, so an act's work is in a view when the view's layers begin with those after it.
    An apply starts a new list of layers, with what it left; what came before it is in its own ``before``. Only
    operations of the session itself are found: see ``ancestry``. Those whose changes to resources stand are in the
    view itself.
    """
    by_id = {operation.id: operation for operation in operations}
    found = [by_id[mark] for mark in view.marks]
    while True:
        last = by_id[view.applied[-1]] if view.applied else None
        layers = view.snapshot.layers
        since = last.id if last is not None else 0
        found += [
            operation
            for operation in reversed(operations)
            if operation.id > since
            and operation.kind in WORK
            and operation.status == "settled"
            and operation.after.applied == view.applied
            and _grew(operation.before.snapshot.layers, operation.after.snapshot.layers, layers)
        ]
        if last is None:
            return sorted({operation.id: operation for operation in found}.values(), key=lambda operation: operation.id)
        found.append(last)
        view = last.before


def kept(start: View, operations: Sequence[Operation]) -> frozenset[int]:
    """The operations of a session whose work is there: in the files as they are after the last one, or, of those that
    changed none, the steps that are not undone. Raises ``JournalError``."""
    timeline = Timeline.of(start, operations)
    line = {operation.id for operation in lineage(timeline.view, operations)}
    worked = {
        operation.id
        for operation in operations
        if operation.kind == "apply"
        or (operation.kind in WORK and operation.before.snapshot.layers != operation.after.snapshot.layers)
    }
    return frozenset(timeline.done).union(line) - (worked - line)


def _grew(before: tuple[str, ...], after: tuple[str, ...], layers: tuple[str, ...]) -> bool:
    # Most layers make a list longer, which is seen at once.
    return (len(after) != len(before) or after != before) and layers[: len(after)] == after


def applied_paths(line: Iterable[Operation], operation: Operation) -> set[str]:
    """The paths of the workspace at which what an operation did is applied, as far as ``line`` tells."""
    found: set[str] = set()
    for later in line:
        if later.kind == "apply" and later.id > operation.id:
            asked = later.action or {}
            # An apply of some operations leaves the work of others, also on the same paths.
            others = set() if operation.id in asked.get("ops", ()) else set(later.partial)
            found |= paths_of(later.files) - others
    return found


def bases_of(line: Iterable[Operation]) -> dict[str, FileState | None]:
    """By path, what was there before the first of these operations that touched it; None: nothing was."""
    bases: dict[str, FileState | None] = {}
    for operation in line:
        if operation.kind == "apply":
            for path in (*paths_of(operation.files), *(operation.action or {}).get("lapsed", ())):
                bases.pop(path, None)
            # Where it wrote the work of some operations only, that is what the rest is on.
            bases |= {effect.path: effect.after for effect in operation.files if effect.path in operation.partial}
            continue
        for effect in operation.files:
            if effect.renamed_from is not None:
                bases.setdefault(effect.renamed_from, effect.before)
                bases.setdefault(effect.path, None)
            else:
                bases.setdefault(effect.path, effect.before)
    return bases


def based_paths(journal: Journal, line: Iterable[Operation]) -> set[str]:
    """The paths of the workspace that have a base, also where ``line`` is without the effects on them."""
    found: set[str] = set()
    named: dict[str, Mapping[int, set[str]]] = {}
    for operation in line:
        if operation.session not in named:
            named[operation.session] = journal.paths(operation.session)
        paths = named[operation.session].get(operation.id, set()) | paths_of(operation.files)
        if operation.kind == "apply":
            lapsed = set((operation.action or {}).get("lapsed", ()))
            found -= (paths - set(operation.partial)) | lapsed
        else:
            found |= paths
    return {path for path in found if not path.startswith("/")}


def paths_of(effects: Iterable[FileEffect]) -> set[str]:
    """Every path of the workspace these effects are about, old names included."""
    paths: set[str] = set()
    for effect in effects:
        if effect.in_workspace:
            paths.add(effect.path)
            paths |= {effect.renamed_from} if effect.renamed_from is not None else set()
    return paths
