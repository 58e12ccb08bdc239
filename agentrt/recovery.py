"""When a session is opened after a crash: the real workspace is made to agree with what the journal says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from agentrt.errors import Conflict
from agentrt.history import apply

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

_TOUCHES_WORKSPACE = frozenset({"apply", "undo", "redo", "restore"})
_TELLS_FIRST = _TOUCHES_WORKSPACE | {"revert", "reject"}
"""They say their notice before they settle."""


async def recover(runtime: Runtime) -> tuple[str, ...]:
    """What was done about the operation that was cut off, if the last one was: lines for a person.

    Its intent stays an intent. An act leaves nothing behind: its layer was never part of a view. Raises ``OSError``,
    ``JournalError``.
    """
    if not runtime.operations:
        return ()
    last = runtime.operations[max(runtime.operations)]
    if last.status != "intent":
        return ()
    notes = [f"operation {last.id} ({last.kind}) was cut off"]
    if last.kind in _TELLS_FIRST:
        runtime.forget_messages_of(last)
    if last.kind in _TOUCHES_WORKSPACE:
        applies = [op.id for op in runtime.operations.values() if op.kind == "apply"]
        notes += await asyncio.to_thread(lambda: list(_settle_workspace(runtime, applies)))
    return tuple(notes)


def _settle_workspace(runtime: Runtime, applies: list[int]) -> Iterator[str]:
    root, standing = runtime.store.workspace, {}
    for op in applies:
        aside = runtime.store.aside / runtime.layer(op)
        found = apply.recover(aside, root)
        standing[op] = found.standing
        if found.undone is not None:
            yield f"what apply {op} had begun to change in {root} was put back"
        for conflict in found.left:
            yield f"{conflict.path}: {conflict.theirs}; left as it is ({conflict.ours})"
    applied = runtime.view.applied
    for op in reversed(applies):
        if standing[op] == "after" and op not in applied:
            yield from _turn(runtime, op, "take_back")
    for op in applies:
        if standing[op] == "before" and op in applied:
            yield from _turn(runtime, op, "put_back")


def _turn(runtime: Runtime, op: int, way: str) -> Iterator[str]:
    aside, root = runtime.store.aside / runtime.layer(op), runtime.store.workspace
    try:
        (apply.take_back if way == "take_back" else apply.put_back)(aside, root)
    except Conflict as conflict:
        done = "taken out of" if way == "take_back" else "put into"
        yield f"apply {op} could not be {done} {root}: {conflict}; its files are left as they are"
    else:
        yield f"apply {op} was {'taken out of' if way == 'take_back' else 'put back into'} {root}"
