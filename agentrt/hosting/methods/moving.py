"""Undo and its like, review, apply, fork."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from agentrt.errors import UsageError
from agentrt.history.timeline import Step
from agentrt.moves import Scope, move, step_of
from agentrt.records import Operation, Text
from agentrt.records.operations import Kind
from agentrt.runtime import Runtime
from agentrt.showing.words import operation_json

from .base import Method, Number, OfSession

if TYPE_CHECKING:
    from agentrt.hosting.host import Host

Ops = Annotated[list[Number], Field(min_length=1)]
Parts = dict[Text, list[Number]]
"""Paths, each with the numbers of its hunks that are meant; none: all of it."""


class Move(OfSession):
    scope: Scope = "both"


class Redo(Move):
    step: Number | None = None
    """The operation that is meant: refused where it is another one by now."""


class Undo(Redo):
    """``step`` is the last of them."""

    n: Annotated[int, Field(ge=1, le=2**53)] = 1


class Restore(Move):
    op: Number


class Revert(OfSession):
    ops: Ops
    with_dependents: bool = False
    because: Text = ""


class Accept(OfSession):
    ops: Ops
    parts: Parts | None = None


class Reject(Accept):
    because: Text = ""


class Apply(OfSession):
    ops: list[Number] = Field(default_factory=list)
    paths: list[Text] | None = None
    rest: bool = False
    as_of: Number | None = None


class Fork(OfSession):
    op: Number


async def undo(host: Host, params: Undo) -> dict[str, Any]:
    return await _moved(host, params, "undo", params.n, params.step)


async def redo(host: Host, params: Redo) -> dict[str, Any]:
    return await _moved(host, params, "redo", None, params.step)


async def restore(host: Host, params: Restore) -> dict[str, Any]:
    return await _moved(host, params, "restore", params.op, None)


async def revert(host: Host, params: Revert) -> dict[str, Any] | None:
    given: dict[str, Any] = {"with_dependents": params.with_dependents, "because": params.because}
    return await _done(host, params, "revert", lambda runtime: runtime.revert(*params.ops, **given))


async def accept(host: Host, params: Accept) -> dict[str, Any] | None:
    return await _done(host, params, "accept", lambda runtime: runtime.accept(*params.ops, parts=params.parts))


async def reject(host: Host, params: Reject) -> dict[str, Any] | None:
    given: dict[str, Any] = {"parts": params.parts, "because": params.because}
    return await _done(host, params, "reject", lambda runtime: runtime.reject(*params.ops, **given))


async def apply(host: Host, params: Apply) -> dict[str, Any] | None:
    given: dict[str, Any] = {"ops": params.ops, "rest": params.rest, "as_of": params.as_of}
    return await _done(host, params, "apply", lambda runtime: runtime.apply(params.paths, **given))


async def fork(host: Host, params: Fork) -> dict[str, Any]:
    session = await host.runtimes.resolve(params.session)
    made = await host.runtimes.fork(session, params.op)
    host.journal_changed()
    return {"session": made}


async def _moved(
    host: Host, params: Move, kind: Literal["undo", "redo", "restore"], number: int | None, meant: int | None
) -> dict[str, Any]:
    """A run is interrupted first: it would go on from where nothing of what it knows is true."""
    session = await host.runtimes.resolve(params.session)

    def step(runtime: Runtime) -> Step:
        found = step_of(runtime, kind, number)
        if meant not in (None, found.target[0]):
            raise UsageError(
                f"to {kind} is about operation {found.target[0]} by now, not about {meant}", hint="look at it first"
            )
        return found

    async with host.runtimes.lend(session, to_act=False) as runtime:
        step(runtime)  # nothing is interrupted for what cannot be done
        async with host.runs.stopped(session), runtime.turn:
            operation = await move(runtime, step(runtime), params.scope, "user")
    host.journal_changed()
    return operation_json(operation)


async def _done(
    host: Host, params: OfSession, kind: Kind, work: Callable[[Runtime], Awaitable[Operation | None]]
) -> dict[str, Any] | None:
    session = await host.runtimes.resolve(params.session)
    async with host.runtimes.lend(session, to_act=False) as runtime:
        last = max(runtime.operations, default=0)
        try:
            operation = await work(runtime)
        except asyncio.CancelledError:
            # Called off, and yet done: what was begun goes on to its end.
            mine = (op for op in runtime.log() if op.id > last and (op.kind, op.actor) == (kind, "user"))
            if (operation := next(mine, None)) is None:
                raise
    host.journal_changed()
    return None if operation is None else operation_json(operation)


METHODS: dict[str, Method] = {
    "undo": (Undo, undo),
    "redo": (Redo, redo),
    "restore": (Restore, restore),
    "revert": (Revert, revert),
    "accept": (Accept, accept),
    "reject": (Reject, reject),
    "apply": (Apply, apply),
    "fork": (Fork, fork),
}
