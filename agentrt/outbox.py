"""The outbox: requests, pushes and changes of databases that were held back wait there until somebody releases them, or
drops them.

What waits belongs to the action that asked for it: to accept that is to release it, to reject or to undo it drops it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from agentrt import resources
from agentrt.contracts import HTTP, PUSH, Waiting
from agentrt.errors import Conflict, ResourceError, UsageError
from agentrt.records import Effect, Operation, Released
from agentrt.records.effects import is_queued
from agentrt.resources import OUT
from agentrt.ways import Ways

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

_ACTOR = "agentrt"


class Sent(NamedTuple):
    """What came of a release."""

    effects: tuple[Effect, ...]
    lines: tuple[str, ...]
    """One a request, for people and for the planner."""
    waiting: frozenset[int]
    """Operations of which something could not be sent, and waits on."""


def queues(operation: Operation) -> bool:
    """It asked for something that was held back."""
    return any(map(is_queued, operation.effects))


def waiting(runtime: Runtime) -> list[Operation]:
    """Operations of which something may be released, oldest first."""
    return [op for op in runtime.to_review() if queues(op) and op.id in runtime.view.marks]


async def release(runtime: Runtime, targets: Sequence[Operation], op: Operation, by: Released) -> Sent:
    """Send what waits of ``targets``, as part of ``op``, which is written down already. Each is sent once.

    Raises ``ResourceError`` where there is no way out, ``UsageError`` for a secret that is not there: nothing was sent.
    """
    held = [target for target in targets if queues(target) and target.id in runtime.view.marks]
    if not held:
        return Sent((), (), frozenset())
    ways = Ways(runtime, op.actor)
    kinds = {name: ways.outbox(name) for name in OUT if any(name in target.resources for target in held)}
    ways.write(op)
    lines: list[str] = []
    left: set[int] = set()
    effects: list[Effect] = []
    for target in held:
        mark = f"{target.session}.{target.id}"
        try:
            changed, said = await _put_there(runtime, target, mark)
            effects += changed
            lines += said
            for kind in (kinds[name] for name in target.resources if name in kinds):
                lines += await kind.release(mark, by)
                left |= {target.id} if kind.waiting(mark) else set()
        except (Conflict, ResourceError, UsageError) as error:
            lines.append(f"what operation {target.id} has in the outbox cannot be released: {error}")
            left.add(target.id)
    return Sent((*effects, *await ways.end()), tuple(lines), frozenset(left))


async def _put_there(runtime: Runtime, target: Operation, mark: str) -> tuple[list[Effect], list[str]]:
    """What waits for databases: all of it, or where something stands against it nothing, and ``Conflict``."""
    waits = [resources.of(runtime.databases, name) for name in target.resources if name not in OUT]
    effects: list[Effect] = []
    lines: list[str] = []
    try:
        planned = [(database, await database.plan_release(mark)) for database in waits]
        if conflicts := [conflict for _, plan in planned for conflict in plan.conflicts]:
            raise resources.against("that", conflicts)
        for database, plan in planned:
            await database.release()
            effects += plan.effects
            lines += [f"{database.name} has what operation {target.id} did there"] if plan.effects else []
    finally:
        for database in waits:
            await database.discard()
    return effects, lines


async def release_due(runtime: Runtime, to_send: bool) -> tuple[str, ...]:
    """What waited as long as its rule says; lines for a person. The caller holds ``runtime.turn``. ``to_send`` as for
    ``reviewing.keep_times``."""
    to_send = to_send or runtime.outward is not None
    due = [op.id for op in waiting(runtime) if _is_due(runtime, op, to_send)]
    if not due:
        return ()
    from agentrt import reviewing

    done = await reviewing.accept(runtime, due, None, _ACTOR, by="time")
    return (f"operation {done.id}: its time in the outbox was over: {done.note}",)


def _is_due(runtime: Runtime, operation: Operation, to_send: bool) -> bool:
    mark = f"{operation.session}.{operation.id}"
    waits: list[Waiting] = []
    for name in operation.resources:
        if name == PUSH or (name == HTTP and not to_send):
            return False  # a person releases it, or nothing is to be sent here
        if name == HTTP:
            waits += resources.open_http(runtime.store.aside).waiting(mark)
        else:
            waits += resources.of(runtime.databases, name).waiting(mark)
    now = time.time()
    return bool(waits) and all(one.due is not None and one.due <= now for one in waits)
