"""From the session to the user's real workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from agentrt.errors import AgentrtError, Conflict, UsageError
from agentrt.history import apply as history
from agentrt.history.bases import ancestry, bases_of, paths_of
from agentrt.history.contents import Contents
from agentrt.history.states import alike
from agentrt.preview import Preview, Refused
from agentrt.records import FileEffect, FileState, Operation, PathConflict, Snapshot, View
from agentrt.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from agentrt.runtime import Runtime


@dataclass(frozen=True)
class Applying:
    """What would be applied and what would not."""

    plan: history.Plan
    left: tuple[FileEffect, ...]
    """Stays in the sandbox: not asked for, in a ``.git`` folder, or refused."""
    git: tuple[str, ...]
    """Of that, the paths that were left because they are in a ``.git`` folder."""
    lineage: tuple[Operation, ...]
    """The operations whose work stands in the view, oldest first; also of sessions it was forked from."""
    session: str

    @property
    def conflicts(self) -> tuple[PathConflict, ...]:
        """Each with the operations that touched its path."""
        touched = {(op.session, op.id): paths_of(op.effects) for op in self.lineage}
        found = []
        for conflict in self.plan.conflicts:
            by = [name for name, paths in touched.items() if conflict.path in paths]
            own = tuple(op for session, op in by if session == self.session)
            others = ", ".join(f"operation {op} of {session}" for session, op in by if session != self.session)
            ours = f"{conflict.ours}, by {others}" if others and not own else conflict.ours
            found.append(conflict.model_copy(update={"operations": own, "ours": ours}))
        return tuple(found)


async def preview(runtime: Runtime, paths: Sequence[str] | None, include_git: bool) -> Preview:
    """What ``apply`` would do; nothing is touched. Raises ``UsageError``."""
    planned = await _plan(runtime, paths, include_git)
    return Preview(
        kind="apply",
        target=_accepted(planned),
        effects=tuple(sorted((s.effect for s in planned.plan.steps if not s.implied), key=lambda e: e.path)),
        merged=planned.plan.merged,
        conflicts=planned.conflicts,
        left=tuple(effect.path for effect in planned.left),
        refused=tuple(Refused(path=path, because=because) for path, because in planned.plan.refused),
    )


async def apply(runtime: Runtime, paths: Sequence[str] | None, include_git: bool, actor: str) -> Operation | None:
    """See ``Runtime.apply``. The caller holds ``runtime.turn``."""
    planned = await _plan(runtime, paths, include_git)
    if conflicts := planned.conflicts:
        more = f" and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
        raise Conflict(
            f"{conflicts[0].path}{more}: changed in {runtime.store.workspace} since the agent first touched it",
            conflicts=conflicts,
            hint="name the paths to apply without it, or put it back as it was and apply again",
        )
    if not planned.plan.steps:
        return None
    return await uninterrupted(_carry_out(runtime, planned, actor))


async def _carry_out(runtime: Runtime, planned: Applying, actor: str) -> Operation:
    before = runtime.view
    accepted = _accepted(planned)
    op = runtime.intend("apply", actor=actor, target=accepted)
    aside, root = runtime.store.aside / runtime.layer(op.id), runtime.store.workspace
    carried_out = False
    try:
        kept = await runtime.sandbox.keep(before.snapshot, planned.left, runtime.layer(op.id))
        content = _content(runtime, before.snapshot)
        effects = await asyncio.to_thread(history.carry_out, planned.plan, content, aside)
        carried_out = True
        await runtime.sandbox.restore(kept)
        after = View(snapshot=kept, conversation=before.conversation, applied=(*before.applied, op.id))
        operation = runtime.settle(op, status="settled", after=after, effects=effects, note=_note(planned))
    except BaseException as error:
        if carried_out:
            await asyncio.to_thread(history.take_back, aside, root)
        await runtime.sandbox.restore(before.snapshot)
        if isinstance(error, AgentrtError | OSError):
            runtime.settle(op, status="failed", after=before, note=str(error))
        raise
    for accepted_op in accepted:
        runtime.journal.set_review(runtime.session, accepted_op, "accepted", by=actor)
    return operation


def _content(runtime: Runtime, snapshot: Snapshot) -> Callable[[str], BinaryIO]:
    """Reads files of the snapshot, from a worker thread."""
    loop = asyncio.get_running_loop()
    return lambda path: asyncio.run_coroutine_threadsafe(runtime.sandbox.read_at(snapshot, path), loop).result()


async def _plan(runtime: Runtime, paths: Sequence[str] | None, include_git: bool) -> Applying:
    line = ancestry(runtime.journal, runtime.session, runtime.view)
    bases = bases_of(line)
    changed = await _unapplied(runtime, bases)
    wanted, git = _chosen(changed, paths, include_git)
    with_base = [(effect, bases.get(effect.renamed_from or effect.path)) for effect in wanted]
    sources = history.Sources(Contents(runtime.store.bases), _content(runtime, runtime.view.snapshot))
    plan = await asyncio.to_thread(history.plan, runtime.store.workspace, with_base, sources)
    refused = {path for path, _ in plan.refused}
    asked = {effect.path for effect in wanted} - refused
    left = tuple(effect for effect in changed if effect.path not in asked)
    return Applying(plan, left, git, tuple(line), runtime.session)


async def pending(runtime: Runtime) -> list[FileEffect]:
    """All that could be applied, sorted."""
    return await _unapplied(runtime, bases_of(ancestry(runtime.journal, runtime.session, runtime.view)))


async def _unapplied(runtime: Runtime, bases: Mapping[str, FileState | None]) -> list[FileEffect]:
    # What differs but was never an effect is the user's own doing, under a copy or a folder that the agent replaced.
    return [
        effect
        for effect in await runtime.sandbox.changes(Snapshot(), runtime.view.snapshot)
        if effect.in_workspace and any(place in bases for place in _places(effect)) and not _returned(effect, bases)
    ]


def _returned(effect: FileEffect, bases: Mapping[str, FileState | None]) -> bool:
    """In the end the agent left the path as it had found it: whatever differs there is the user's doing."""
    return effect.renamed_from is None and effect.path in bases and alike(effect.after, bases[effect.path])


def _chosen(
    changed: list[FileEffect], paths: Sequence[str] | None, include_git: bool
) -> tuple[list[FileEffect], tuple[str, ...]]:
    """What to apply of all that changed, and what stays only because it is in a ``.git`` folder."""
    if paths is None:
        git = {e.path for e in changed if not include_git and in_git(e)}
        return [e for e in changed if e.path not in git], tuple(git)
    chosen: dict[str, FileEffect] = {}
    for path in paths:
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


def _accepted(planned: Applying) -> tuple[int, ...]:
    """To apply is to accept: the session's acts of which something is applied and nothing else is left to apply."""
    applied = paths_of(step.effect for step in planned.plan.steps)
    left = paths_of(planned.left) - set(planned.git)
    return tuple(
        op.id
        for op in planned.lineage
        if op.session == planned.session
        and op.review == "pending"
        and paths_of(op.effects) & applied
        and not paths_of(op.effects) & left
    )


def _note(planned: Applying) -> str:
    notes = []
    if planned.git:
        notes.append(f"left in the sandbox: .git ({len(planned.git)} path{'s' * (len(planned.git) > 1)})")
    notes += [f"refused: {path} ({because})" for path, because in planned.plan.refused]
    return "; ".join(notes)
