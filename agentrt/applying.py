"""From the session to the user's real workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentrt import applied
from agentrt.errors import AgentrtError, Conflict, UsageError
from agentrt.fetching import Fetching
from agentrt.history import apply as history
from agentrt.history.bases import ancestry, based_paths, bases_of, paths_of
from agentrt.history.contents import Contents, based_on, keep_bases
from agentrt.history.planning import Wanted
from agentrt.history.states import alike
from agentrt.preview import Preview, Refused
from agentrt.records import FileEffect, FileState, Operation, PathConflict, Snapshot
from agentrt.repository.made import Made
from agentrt.selecting import Asked, selected
from agentrt.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

Compare = Callable[[Path, Sequence[Wanted], history.Sources], history.Plan]
"""From effects with their bases to what is to be done in a workspace."""


@dataclass(frozen=True)
class Applying:
    """What would be applied and what would not."""

    plan: history.Plan
    left: tuple[FileEffect, ...]
    """Stays in the sandbox: not asked for, in a ``.git`` folder, or refused."""
    git: tuple[str, ...]
    """Of that, the paths that were left because they are in a ``.git`` folder."""
    source: Snapshot
    """The view it is taken from."""
    ops: tuple[int, ...]
    """The operations that were asked for; none: whatever they come from."""
    partial: tuple[str, ...]
    """Paths that are applied, and of which more is left."""
    lapsed: tuple[str, ...]
    """Paths the session touched and of which nothing is applied and nothing left: they are the user's again."""
    lineage: tuple[Operation, ...]
    """The operations whose work stands in the view, oldest first; also of sessions it was forked from."""
    session: str

    @property
    def conflicts(self) -> tuple[PathConflict, ...]:
        """Each with the operations that touched its path."""
        return self.with_operations(self.plan.conflicts)

    def with_operations(self, conflicts: Sequence[PathConflict]) -> tuple[PathConflict, ...]:
        """The same, each with the operations that touched its path."""
        touched = {(op.session, op.id): paths_of(op.files) for op in self.lineage}
        found = []
        for conflict in conflicts:
            by = [name for name, paths in touched.items() if conflict.path in paths]
            own = tuple(op for session, op in by if session == self.session)
            others = ", ".join(f"operation {op} of {session}" for session, op in by if session != self.session)
            ours = f"{conflict.ours}, by {others}" if others and not own else conflict.ours
            found.append(conflict.model_copy(update={"operations": own, "ours": ours}))
        return tuple(found)


async def preview(runtime: Runtime, asked: Asked) -> Preview:
    """What ``apply`` would do; nothing is touched. Raises ``UsageError``, and ``Conflict`` as ``selected`` does."""
    async with selected(runtime, asked) as source:
        planned = await plan_of(runtime, asked, source)
    return Preview(
        kind="apply",
        target=accepted_by(planned),
        effects=tuple(sorted((s.effect for s in planned.plan.steps if not s.implied), key=lambda e: e.path)),
        merged=planned.plan.merged,
        conflicts=planned.conflicts,
        left=tuple(effect.path for effect in planned.left),
        as_of=max(runtime.operations, default=0),
        refused=tuple(Refused(path=path, because=because) for path, because in planned.plan.refused),
    )


async def apply(runtime: Runtime, asked: Asked, actor: str) -> Operation | None:
    """See ``Runtime.apply``. The caller holds ``runtime.turn``."""
    async with selected(runtime, asked) as source:
        planned = await plan_of(runtime, asked, source)
        check(runtime, planned, asked)
        if not planned.plan.steps:
            return None
        return await uninterrupted(carry_out(runtime, planned, actor))


def check(runtime: Runtime, planned: Applying, asked: Asked) -> None:
    """Raises ``Conflict`` where something stands against it: what changed underneath, or may not be written at all."""
    if conflicts := planned.conflicts:
        raise Conflict(
            f"{_first(conflicts)}: changed in {runtime.store.workspace} since the agent first touched it",
            conflicts=conflicts,
            hint="name the paths to apply without it, or put it back as it was and apply again",
        )
    if planned.plan.refused and not asked.rest:
        refused = [PathConflict(path=path, ours="not written", theirs=why) for path, why in planned.plan.refused]
        raise Conflict(
            f"{_first(refused)}: {refused[0].theirs}",
            conflicts=planned.with_operations(refused),
            hint="agentrt apply --rest leaves this in the sandbox and applies all else",
        )


def _first(conflicts: Sequence[PathConflict]) -> str:
    more = f" and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
    return f"{conflicts[0].path}{more}"


async def carry_out(
    runtime: Runtime, planned: Applying, actor: str, made: Made | None = None, note: str = ""
) -> Operation:
    """Write the files and, with ``made``, move the branch they are committed on."""
    before = runtime.view
    accepted = accepted_by(planned)
    asked = {**action_of(planned, made), **({"lapsed": planned.lapsed} if planned.lapsed else {})}
    op = runtime.intend("apply", actor=actor, target=accepted, action=asked or None)
    aside, root = runtime.store.aside / runtime.layer(op.id), runtime.store.workspace
    carried_out = False
    try:
        kept = await runtime.sandbox.keep(before.snapshot, planned.left, runtime.layer(op.id))
        async with Fetching(runtime.sandbox, planned.source, planned.plan.fetched) as content:
            effects = await asyncio.to_thread(history.carry_out, planned.plan, content, aside)
        carried_out = True
        if made is not None:
            await asyncio.to_thread(applied.commit, aside, root, made)
        await runtime.sandbox.restore(kept)
        after = before.model_copy(update={"snapshot": kept, "applied": (*before.applied, op.id)})
        operation = runtime.settle(op, status="settled", after=after, effects=effects, note=note_of(planned, note))
    except BaseException as error:
        if carried_out:
            await asyncio.to_thread(applied.take_back, aside, root)
        await runtime.sandbox.restore(before.snapshot)
        if isinstance(error, AgentrtError | OSError):
            runtime.settle(op, status="failed", after=before, note=str(error))
        raise
    if wanted := based_on(operation):
        await asyncio.to_thread(keep_bases, runtime.store.bases, root, wanted)
    for accepted_op in accepted:
        runtime.journal.set_review(runtime.session, accepted_op, "accepted", by=actor)
    return operation


async def plan_of(runtime: Runtime, asked: Asked, source: Snapshot, compare: Compare = history.plan) -> Applying:
    """What is asked for of the view ``source``, compared with what is there. Raises ``UsageError``."""
    differing_here = await _differing(runtime, runtime.view.snapshot)
    of_source = differing_here if not asked.ops else await _differing(runtime, source)
    line = _line(runtime, [*differing_here, *of_source])
    bases = bases_of(line)
    changed, of_source = ([e for e in found if _unapplied(e, bases)] for found in (differing_here, of_source))
    wanted, git = _chosen(of_source, asked)
    with_base = [(effect, bases.get(effect.renamed_from or effect.path)) for effect in wanted]
    async with Fetching(runtime.sandbox, source) as agents:
        sources = history.Sources(Contents(runtime.store.bases), agents)
        plan = await asyncio.to_thread(compare, runtime.store.workspace, with_base, sources)
    refused = {path for path, _ in plan.refused}
    applied = {place for effect in wanted for place in _places(effect)} - refused
    differing: set[str] = set()
    if asked.ops:
        others = await runtime.sandbox.changes(source, runtime.view.snapshot)
        differing = {place for effect in others for place in _places(effect)}
    left = tuple(e for e in changed if e.path not in applied or differing.intersection(_places(e)))
    partial = tuple(sorted(applied & differing))
    done = paths_of(left) | paths_of(step.effect for step in plan.steps)
    lapsed = tuple(sorted(based_paths(runtime.journal, line) - done))
    return Applying(plan, left, git, source, tuple(asked.ops), partial, lapsed, tuple(line), runtime.session)


async def pending(runtime: Runtime) -> list[FileEffect]:
    """All that could be applied, sorted."""
    found = await _differing(runtime, runtime.view.snapshot)
    bases = bases_of(_line(runtime, found))
    return [effect for effect in found if _unapplied(effect, bases)]


async def _differing(runtime: Runtime, snapshot: Snapshot) -> list[FileEffect]:
    """What of the workspace is otherwise in a snapshot than it really is."""
    return [effect for effect in await runtime.sandbox.changes(Snapshot(), snapshot) if effect.in_workspace]


def _line(runtime: Runtime, found: Sequence[FileEffect]) -> list[Operation]:
    """The operations whose work stands in the view, as far as they are about these paths."""
    places = {place for effect in found for place in _places(effect)}
    return ancestry(runtime.journal, runtime.session, runtime.view, places)


def _unapplied(effect: FileEffect, bases: Mapping[str, FileState | None]) -> bool:
    """What differs but was never an effect is the user's own, under a copy or a folder that the agent replaced."""
    return any(place in bases for place in _places(effect)) and not _returned(effect, bases)


def _returned(effect: FileEffect, bases: Mapping[str, FileState | None]) -> bool:
    """In the end the agent left the path as it had found it: whatever differs there is the user's doing."""
    return effect.renamed_from is None and effect.path in bases and alike(effect.after, bases[effect.path])


def _chosen(changed: list[FileEffect], asked: Asked) -> tuple[list[FileEffect], tuple[str, ...]]:
    """What to apply of all that changed, and what stays only because it is in a ``.git`` folder."""
    if asked.paths is None:
        git = {e.path for e in changed if not asked.include_git and in_git(e)}
        return [e for e in changed if e.path not in git], tuple(git)
    chosen: dict[str, FileEffect] = {}
    for path in asked.paths:
        named = path.rstrip("/")
        found = [e for e in changed if any(_under(p, named) for p in _places(e))]
        if not found:
            raise UsageError(f"nothing to apply at {path}", hint="agentrt diff --stat shows what there is")
        chosen |= {e.path: e for e in found}
    # A new file needs the new folders it is in.
    folders = [e for e in changed if e.after is not None and e.after.type == "directory"]
    needed = [e for e in folders if any(_under(path, e.path) for path in chosen)]
    chosen |= {e.path: e for e in needed}
    return sorted(chosen.values(), key=lambda e: e.path), ()


def _places(effect: FileEffect) -> tuple[str, ...]:
    return (effect.path,) if effect.renamed_from is None else (effect.path, effect.renamed_from)


def _under(path: str, folder: str) -> bool:
    return folder in ("", ".") or path == folder or path.startswith(folder + "/")


def in_git(effect: FileEffect) -> bool:
    """Whether it is in a git folder, which the user's own git takes hooks and configuration from."""
    return any(".git" in path.lower().split("/") for path in _places(effect))


def accepted_by(planned: Applying) -> tuple[int, ...]:
    """To apply is to accept: the session's acts of which something is applied and nothing else is left to apply."""
    applied = paths_of(step.effect for step in planned.plan.steps)
    left = paths_of(planned.left) - set(planned.git)
    if planned.ops:
        return tuple(op.id for op in planned.lineage if op.id in planned.ops and op.session == planned.session)
    return tuple(
        op.id
        for op in planned.lineage
        if op.session == planned.session
        and op.review == "pending"
        and paths_of(op.files) & applied
        and not paths_of(op.files) & left
    )


def action_of(planned: Applying, made: Made | None) -> dict[str, object]:
    """What the journal keeps of what was asked."""
    asked: dict[str, object] = {} if made is None else dict(made.action())
    if planned.ops:
        asked |= {"ops": planned.ops, "partial": planned.partial}
    return asked


def note_of(planned: Applying, more: str = "") -> str:
    """What a person should know of what was left."""
    notes = [more] if more else []
    if planned.git:
        notes.append(f"left in the sandbox: .git ({len(planned.git)} path{'s' * (len(planned.git) > 1)})")
    notes += [f"refused: {path} ({because})" for path, because in planned.plan.refused]
    return "; ".join(notes)
