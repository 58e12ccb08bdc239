"""After a crash: databases are made to agree with what the journal says, like the real workspace is, and the journal
with what is known of what left this machine: nothing is sent to take that back, or once more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agentrt import outside, resources, sending
from agentrt.contracts import HTTP, PUSH, Step
from agentrt.databases import choice_of
from agentrt.errors import AgentrtError
from agentrt.holding import SessionDatabase
from agentrt.records import Operation, RequestEffect, View
from agentrt.ways import pushing

if TYPE_CHECKING:
    from agentrt.runtime import Runtime


async def settle_databases(runtime: Runtime, session: str, operations: Sequence[Operation]) -> list[str]:
    """Of one session, whose last operation was cut off: what was done about it, in lines for a person.

    A database commits at once or not at all, so either all of it stands or nothing; which, it is asked.
    """
    own = session == runtime.session
    databases = runtime.databases if own else _of(runtime, session)
    try:
        last = operations[-1]
        match last.kind:
            case "act":
                lines = _of_act(databases, last)
            case "accept":
                lines = _of_release(databases, last)
            case _:
                lines = _of_move(databases, _steps(runtime, operations))
        return [line async for line in lines]
    finally:
        if not own:
            await resources.close(databases)


async def settle_outward(runtime: Runtime, last: Operation) -> tuple[list[RequestEffect], list[str]]:
    """Of the own session: what an operation had sent when it was cut off, or may have, as far as it is known, and lines
    for a person."""
    left = list(sending.left(sending.place(runtime.store, runtime.layer(last.id))))
    going = {one.kept: one for one in left if one.kept}
    known: dict[str, RequestEffect | None] = {}
    lines: list[str] = []
    # What a verification does is not in the view: nothing there takes it back.
    targets = () if last.is_verification else {"act": (last.id,), "accept": last.target}.get(last.kind, ())
    outboxes = (resources.open_http(runtime.store.aside), pushing(runtime, sending.Sends())) if targets else ()
    for target in targets:
        for outbox in outboxes:
            try:
                found = await outbox.cut_off(runtime.layer(target), going, since=last.started)
            except AgentrtError as error:
                lines.append(
                    f"what became of {resources.called(outbox.name)} by operation {target} is unknown: {error}"
                )
            else:
                known |= found.effects
                lines += found.lines
    effects = [known.pop(one.kept) if one.kept in known else sending.unknown(one.effect) for one in left]
    return [effect for effect in (*effects, *known.values()) if effect is not None], lines


def _of(runtime: Runtime, session: str) -> Mapping[str, SessionDatabase]:
    return choice_of(runtime.journal, session, None, Path()).open(runtime.store.aside)


async def _of_act(databases: Mapping[str, SessionDatabase], last: Operation) -> AsyncIterator[str]:
    mark = f"{last.session}.{last.id}"
    for name, database in databases.items():
        try:
            stands = await database.stands(mark)
            if stands:
                await resources.take(database, [Step(mark, "back")])
                yield f"what it had changed in the database {name} was taken back"
            elif stands is None:
                yield f"what it changed in the database {name} may stand, in part, with changes of others: look at it"
        except AgentrtError as error:
            yield f"whether it changed the database {name} is not known: {error}"


async def _of_release(databases: Mapping[str, SessionDatabase], last: Operation) -> AsyncIterator[str]:
    for target in last.target:
        for database in databases.values():
            try:
                if (line := await database.settle(f"{last.session}.{target}")) is not None:
                    yield f"operation {target}: {line}"
            except AgentrtError as error:
                yield f"operation {target}: {error}"


async def _of_move(databases: Mapping[str, SessionDatabase], steps: outside.Steps) -> AsyncIterator[str]:
    for name, its in steps.items():
        if name == PUSH:
            yield "whether it took back what was pushed, or pushed it again, the remote says: take the same step again"
            continue
        if name == HTTP:
            yield "requests of it may have been sent: look at what they are about, nothing is sent again by itself"
            continue
        try:
            database, back = resources.of(databases, name), resources.inverse(its)
            try:
                if not (await database.plan_undo(its)).conflicts:
                    continue  # it had not come to that
                if (await database.plan_undo(back)).conflicts:
                    yield f"whether it changed the database {name} is not known, as others changed it since: look at it"
                    continue
                await database.undo()
                yield f"what it had changed in the database {name} was taken back"
            finally:
                await database.discard()
        except AgentrtError as error:
            yield f"whether it changed the database {name} is not known: {error}"


def _steps(runtime: Runtime, operations: Sequence[Operation]) -> outside.Steps:
    """What the last of them was to do in databases, where it went that far."""
    last, by_id = operations[-1], {operation.id: operation for operation in operations}
    if last.kind in ("revert", "reject") and "parts" not in (last.action or {}):
        return outside.taking_out([by_id[target] for target in last.target], by_id.__getitem__)
    there: View | None = None
    if last.kind == "undo":
        there = by_id[last.target[-1]].before
    elif last.kind in ("redo", "restore"):
        to = last.target[0]
        there = by_id[to].after if to else runtime.journal.session(last.session).start
    return {} if there is None else outside.between(last.before, there, by_id.__getitem__)
