"""Undo, redo, restore: operations whose view is one that was there before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agentrt import applied, outside, resources, reverting
from agentrt.collecting import check_kept
from agentrt.errors import AgentrtError, Conflict, Unanswered, UsageError
from agentrt.history.timeline import Step
from agentrt.notices import dropped, stays_sent, words
from agentrt.preview import Preview
from agentrt.purging import not_brought_back, note_of
from agentrt.records import FileEffect, Operation, PathConflict, View
from agentrt.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

Scope = Literal["both", "files", "conversation"]
"""What moves along; the rest stays as it is."""


@dataclass(frozen=True)
class Move:
    """A step in time, and what it means for sandbox, conversation and real workspace."""

    step: Step
    view: View
    """Where it leads, before its notice."""
    take_back: tuple[int, ...]
    """Applies to take out of the real workspace, newest first."""
    put_back: tuple[int, ...]
    """Applies to put into it again, oldest first."""
    outside: outside.Steps
    """What to take back and to put again in databases."""


def step_of(runtime: Runtime, kind: Literal["undo", "redo", "restore"], number: int | None) -> Step:
    """Raises ``UnknownOperation``, ``UsageError``."""
    if kind == "redo":
        return runtime.timeline.redo()
    if kind == "undo":
        return runtime.timeline.undo(1 if number is None else number)
    if number is None:
        raise UsageError("restore needs an operation", hint="0 is the start of the session")
    return runtime.timeline.restore(number)


async def preview(runtime: Runtime, step: Step, scope: Scope) -> Preview:
    """What ``move`` would do; nothing is touched."""
    planned = _plan(runtime, step, scope)
    changes, conflicts = await outside.plan(runtime, planned.outside)
    return Preview(
        kind=step.kind,
        target=step.target,
        effects=tuple(await runtime.sandbox.changes(runtime.view.snapshot, planned.view.snapshot)),
        outside=tuple(changes),
        stays=_sent(runtime, step),
        take_back=planned.take_back,
        put_back=planned.put_back,
        merged=_merges(runtime, planned),
        conflicts=(*_obstacles(runtime, planned), *conflicts),
    )


async def go(
    runtime: Runtime, kind: Literal["undo", "redo", "restore"], number: int | None, scope: Scope, actor: str
) -> Operation:
    """See ``Runtime.undo``."""
    async with runtime.turn:
        return await move(runtime, step_of(runtime, kind, number), scope, actor)


async def move(runtime: Runtime, step: Step, scope: Scope, actor: str) -> Operation:
    """Go there. The caller holds ``runtime.turn``. Raises ``Conflict``: nothing is touched."""
    planned = _plan(runtime, step, scope)
    if planned.take_back or planned.put_back:
        await runtime.turn.alone()
    if found := _obstacles(runtime, planned):
        raise Conflict(
            f"{step.kind} would overwrite what changed since in {runtime.store.workspace}",
            conflicts=found,
            hint=f"put these files back as they were, or: agentrt {step.kind} --conversation",
        )
    async with outside.Turning(runtime, planned.outside, actor) as turning:
        await turning.check(step.kind)
        return await uninterrupted(_carry_out(runtime, planned, turning, actor))


async def _carry_out(runtime: Runtime, planned: Move, turning: outside.Turning, actor: str) -> Operation:
    step, start = planned.step, runtime.view
    op = runtime.intend(step.kind, actor=actor, target=step.target)
    real = _Workspace(runtime)
    try:
        # Both snapshots lie over the real workspace: they are compared while what is applied is in it.
        effects: list[FileEffect] = []
        if planned.take_back or not planned.put_back:
            effects = await runtime.sandbox.changes(start.snapshot, planned.view.snapshot)
        moved = await asyncio.to_thread(real.move, planned.take_back, planned.put_back)
        if planned.put_back and not planned.take_back:
            effects = await runtime.sandbox.changes(start.snapshot, planned.view.snapshot)
        await runtime.sandbox.restore(planned.view.snapshot)
        changed = await turning.turn(op)
        purged = note_of(not_brought_back(runtime, start, planned.view))
        notice = {"text": _notice(runtime, planned, actor, effects)}
        head = runtime.journal.say(runtime.session, planned.view.conversation, "notice", notice, op.id)
        after = planned.view.model_copy(update={"conversation": head})
        paths = {effect.path for effect in moved}
        shown = [*moved, *(effect for effect in effects if effect.path not in paths), *changed]
        settled = runtime.settle(
            op,
            status="settled",
            after=after,
            effects=shown,
            reviews=reverting.reviews(runtime, start, after),
            note="; ".join(filter(None, (_note(runtime, planned, moved), purged))),
        )
        turning.settled()
        return settled
    except BaseException as error:
        stays = await turning.back()
        await asyncio.to_thread(real.back)
        await runtime.sandbox.restore(start.snapshot)
        if isinstance(error, AgentrtError | OSError):
            note = f"{error}{stays}"
            runtime.settle(op, status="failed", after=start, effects=await turning.sent(), note=note)
            turning.settled()
            if stays:
                raise Unanswered(note) from error
        raise


class _Workspace:
    """The real one, and what of a move was already done to it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._taken: list[int] = []
        self._put: list[int] = []

    def move(self, take_back: Sequence[int], put_back: Sequence[int]) -> list[FileEffect]:
        """What that changed. Raises ``Conflict``, ``DiskFull``, ``OSError``: call ``back``."""
        changed: dict[str, FileEffect] = {}
        for op in take_back:
            found = applied.take_back(*self._at(op))
            self._taken.append(op)
            changed |= {effect.path: effect for effect in found}
        for op in put_back:
            found = applied.put_back(*self._at(op))
            self._put.append(op)
            changed |= {effect.path: effect for effect in found}
        return sorted(changed.values(), key=lambda effect: effect.path)

    def back(self) -> None:
        while self._put:
            applied.take_back(*self._at(self._put.pop()))
        while self._taken:
            applied.put_back(*self._at(self._taken.pop()))

    def _at(self, op: int) -> tuple[Path, Path]:
        store = self._runtime.store
        return store.aside / self._runtime.layer(op), store.workspace


def _plan(runtime: Runtime, step: Step, scope: Scope) -> Move:
    now, there = runtime.view, step.view
    if step.kind != "undo":
        there = there.model_copy(update={"conversation": told_by(runtime, step.target[0], there)})
    if scope == "files":
        there = there.model_copy(update={"conversation": now.conversation})
    elif scope == "conversation":
        there = now.model_copy(update={"conversation": there.conversation})
    check_kept(runtime, step.target[0], there)
    take_back, put_back = across(now, there)
    steps = outside.between(now, there, runtime.show)
    return Move(step, there, take_back=take_back, put_back=put_back, outside=steps)


def across(now: View, there: View) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The applies that going from one view to another takes out of the real workspace, and those it puts in again."""
    return (
        tuple(op for op in reversed(now.applied) if op not in there.applied),
        tuple(op for op in there.applied if op not in now.applied),
    )


def told_by(runtime: Runtime, op: int, view: View) -> int:
    """The conversation after an operation, with what the planner was told of it if it was told anything.

    An answer, or a verification's notice, is said when the operation is over: it is not yet in its own view.
    """
    following = runtime.operations.get(op + 1)
    head = following.before.conversation if following is not None else runtime.view.conversation
    seen = view.conversation == 0
    for message in runtime.journal.conversation(head):
        if seen and message.role in ("observation", "notice") and message.operation == op:
            return message.id
        seen = seen or message.id == view.conversation
    return view.conversation


def _obstacles(runtime: Runtime, planned: Move) -> tuple[PathConflict, ...]:
    """What is known to stand against it: only the first apply of several can be looked at before it is done."""
    store = runtime.store
    for op in (*planned.take_back, *planned.put_back)[:1]:
        found = applied.obstacles(store.aside / runtime.layer(op), store.workspace)
        return tuple(conflict.model_copy(update={"operations": (op,)}) for conflict in found)
    return ()


def _merges(runtime: Runtime, planned: Move) -> tuple[str, ...]:
    """Of the first apply, as with ``_obstacles``."""
    store = runtime.store
    for op in (*planned.take_back, *planned.put_back)[:1]:
        return applied.merges(store.aside / runtime.layer(op), store.workspace)
    return ()


def _notice(runtime: Runtime, planned: Move, actor: str, effects: Sequence[FileEffect]) -> str:
    """What the planner is told."""
    step = planned.step
    if step.kind == "restore":
        where = f"operation {step.target[0]}" if step.target[0] else "its start"
        said = f"The {actor} restored the session to where it stood after {where}"
        said = said.replace("after its start", "at its start")
    else:
        what = ", ".join(f"operation {op} ({words(runtime.show(op))})" for op in step.target)
        said = f"The {actor} {'undid' if step.kind == 'undo' else 'redid'} {what}"
    sent = f" Note: {sent}." if (sent := _sent(runtime, step)) else ""
    if planned.outside:
        said += f", also {', '.join(map(resources.called, planned.outside))}"
    if effects:
        return f"{said}. Files are now as they were then; what you know of later changes does not hold.{sent}"
    return f"{said}. The files you see did not change by it.{sent}"


def _sent(runtime: Runtime, step: Step) -> str:
    """What an undo or a restore leaves as it is, out of reach, and what will not be sent any more."""
    if step.kind == "redo":
        return ""
    gone = step.target if step.kind == "undo" else [op for op in runtime.timeline.done if op > step.target[0]]
    sent = stays_sent(runtime.show(op) for op in sorted(runtime.sent_for(gone)))
    return "; ".join(filter(None, (dropped(runtime.show(op) for op in gone if op in runtime.view.marks), sent)))


def _note(runtime: Runtime, planned: Move, moved: Sequence[FileEffect]) -> str:
    ops = (*planned.take_back, *planned.put_back)
    notes = [applied.told(runtime.store.aside / runtime.layer(op)) for op in ops]
    notes.append(_sent(runtime, planned.step))
    if moved:
        done = "taken out of" if planned.take_back else "put back into"
        notes.insert(0, f"{len(moved)} path{'s' * (len(moved) > 1)} {done} the real workspace")
    return "; ".join(filter(None, notes))
