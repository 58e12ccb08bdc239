"""Undo and its like, review, apply, fork."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from agentrt.errors import UsageError
from agentrt.moves import Scope, step_of
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


class Redo(OfSession):
    scope: Scope = "both"
    step: Number | None = None
    """The step that is meant; where it is another one by now, nothing is done."""


class Undo(Redo):
    n: Annotated[int, Field(ge=1, le=2**53)] = 1


class Restore(OfSession):
    scope: Scope = "both"
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
    given = {"with_dependents": params.with_dependents, "because": params.because}
    return await _done(host, params, "revert", lambda runtime: runtime.revert(*params.ops, **given))  # type: ignore[arg-type]


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
    host: Host, params: Redo | Restore, kind: Literal["undo", "redo", "restore"], number: int | None, step: int | None
) -> dict[str, Any]:
    """A run is interrupted first: it would go on from where nothing of what it knows is true."""
    session = await host.runtimes.resolve(params.session)
    async with host.runtimes.lend(session, to_act=False) as runtime:
        _check(runtime, kind, number, step)  # nothing is interrupted for what cannot be done
        async with host.runs.stopped(session):
            _check(runtime, kind, number, step)
            if kind == "undo":
                operation = await runtime.undo(number or 1, scope=params.scope)
            elif kind == "redo":
                operation = await runtime.redo(scope=params.scope)
            else:
                operation = await runtime.restore(number or 0, scope=params.scope)
    host.journal_changed()
    return operation_json(operation)


def _check(runtime: Runtime, kind: Literal["undo", "redo", "restore"], number: int | None, step: int | None) -> None:
    """Raises ``UnknownOperation``, and ``UsageError`` where the step that is meant is not the next one to go."""
    first = step_of(runtime, kind, number).target[0]
    if step is not None and first != step:
        raise UsageError(
            f"operation {step} is not what {kind} would be about any more: that is operation {first} now",
            hint="nothing was done; look again",
        )


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
