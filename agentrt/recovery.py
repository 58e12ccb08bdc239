"""When a workspace is opened after a crash: the real workspace is made to agree with what the journal says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agentrt import applied as outside
from agentrt import sending
from agentrt.errors import AgentrtError
from agentrt.history.store import Store
from agentrt.notices import lasts
from agentrt.records import Observation, Operation
from agentrt.records.operations import Review
from agentrt.settling import settle_databases, settle_outward

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

_TOUCHES_WORKSPACE = frozenset({"apply", "undo", "redo", "restore"})
_TELLS = _TOUCHES_WORKSPACE | {"revert", "reject", "note"}
"""They say their notice to the planner before they settle."""


async def recover(runtime: Runtime) -> tuple[str, ...]:
    """What was done about operations that were cut off, of whatever session: lines for a person.

    Only a session's last operation can have been. Its intent stays an intent, and what is settled once needs nothing
    more. An act leaves nothing behind, as its layer was never part of a view, but for what it had sent: that stands,
    and is taken back by people, where anything takes it back.
    Raises ``OSError``, ``JournalError``.
    """
    notes: list[str] = []
    for session in runtime.journal.cut_off():
        if session != runtime.session and session in runtime.opened.sessions:
            continue  # it is at work, beside this one
        operations = runtime.journal.operations(session)
        last, own = operations[-1], session == runtime.session
        found: list[str] = []
        if own and last.kind in _TELLS:
            runtime.forget_messages_of(last)
        if last.kind in _TOUCHES_WORKSPACE:
            found = await asyncio.to_thread(list, _settle_workspace(runtime.store, operations))
        if last.kind in ("act", "accept") or last.kind in _TELLS:
            found = [*found, *await settle_databases(runtime, session, operations)]
        if own:
            found = [*await _settle_outward(runtime, last), *found]
        if own or found:
            whose = "" if own else f" of session {session}"
            notes += [f"operation {last.id} ({last.kind}){whose} was cut off", *found]
    return tuple(notes)


async def _settle_outward(runtime: Runtime, cut_off: Operation) -> list[str]:
    """What an operation had sent when it was cut off is in the journal like that of any other; lines for a person.

    Where something takes an act's back, the act stands with that alone, so that it can be undone."""
    effects, lines = await settle_outward(runtime, cut_off)
    file = sending.place(runtime.store, runtime.layer(cut_off.id))
    if not effects:
        sending.forget(file)
        return lines
    stands = cut_off.kind == "act" and any(effect.resource for effect in effects)
    after = cut_off.before
    if stands:
        after = after.model_copy(update={"marks": (*after.marks, cut_off.id)})
    review: Review | None = "pending" if any(lasts(effect) for effect in effects) else None
    told = "".join(f"; {line}" for line in lines)
    runtime.settle(
        cut_off,
        status="settled" if stands else "failed",
        after=after,
        effects=effects,
        observation=Observation(error=f"{sending.CUT_SHORT}{told}"),
        review=review,
    )
    sending.forget(file)
    return [f"it had sent, or may have: {', '.join(f'{effect.method} {effect.url}' for effect in effects)}", *lines]


def _settle_workspace(store: Store, operations: Sequence[Operation]) -> Iterator[str]:
    """Of one session, whose last operation was cut off."""
    applies = {op.id: store.aside / f"{op.session}.{op.id}" for op in operations if op.kind == "apply"}
    root, standing = store.workspace, {}
    for op, aside in applies.items():
        found = outside.recover(aside, root)
        standing[op] = found.standing
        if found.undone is not None:
            yield f"what apply {op} had begun to change in {root} was put back"
        for conflict in found.left:
            yield f"{conflict.path}: {conflict.theirs}; left as it is ({conflict.ours})"
    applied = operations[-1].before.applied
    for op, aside in reversed(applies.items()):
        if standing[op] == "after" and op not in applied:
            yield from _turn(op, aside, root, "take_back")
    for op, aside in applies.items():
        if standing[op] == "before" and op in applied:
            yield from _turn(op, aside, root, "put_back")


def _turn(op: int, aside: Path, root: Path, way: str) -> Iterator[str]:
    try:
        (outside.take_back if way == "take_back" else outside.put_back)(aside, root)
    except AgentrtError as conflict:
        done = "taken out of" if way == "take_back" else "put into"
        yield f"apply {op} could not be {done} {root}: {conflict}; its files are left as they are"
    else:
        yield f"apply {op} was {'taken out of' if way == 'take_back' else 'put back into'} {root}"
