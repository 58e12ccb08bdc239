"""What would happen, and what files were: nothing is touched."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from agentrt.collecting import check_kept
from agentrt.errors import UnknownOperation, UsageError
from agentrt.moves import Scope
from agentrt.records import FileEffect, Snapshot, Text
from agentrt.showing.sides import Sides

from .base import Method, Number, OfSession

if TYPE_CHECKING:
    from agentrt.hosting.host import Host

MOST = 32_000_000
"""Bytes of a file that is sent whole."""


class Preview(OfSession):
    kind: Literal["undo", "redo", "restore", "revert", "apply"]
    number: Number | None = None
    ops: list[Number] = Field(default_factory=list)
    paths: list[Text] | None = None
    scope: Scope = "both"
    with_dependents: bool = False


class OfFile(OfSession):
    op: Number | None = None
    path: Text
    pending: bool = False


class AsOf(OfSession):
    op: Number
    path: Text


async def preview(host: Host, params: Preview) -> dict[str, Any]:
    session = await host.runtimes.resolve(params.session)
    async with host.runtimes.lend(session, to_act=False) as runtime:
        if params.kind == "revert":
            found = await runtime.preview_revert(*params.ops, with_dependents=params.with_dependents)
        else:
            given: dict[str, Any] = {"scope": params.scope, "paths": params.paths, "ops": params.ops}
            found = await runtime.preview(params.kind, params.number, **given)
    return found.to_dict()


async def pending(host: Host, params: OfSession) -> list[dict[str, Any]]:
    """The effects that are not applied."""
    session = await host.runtimes.resolve(params.session)
    async with host.runtimes.lend(session, to_act=False) as runtime:
        return [effect.to_dict() for effect in await runtime.pending()]


async def sides(host: Host, params: OfFile) -> dict[str, Any]:
    """A file before and after, whatever goes on meanwhile; None where it is none, is larger than is compared line by
    line, or is nowhere to be found any more."""
    session = await host.runtimes.resolve(params.session)
    if params.pending == (params.op is not None):
        raise UsageError("sides: of an operation (`op`), or of what is `pending`", hint="one of the two")
    if params.op is None:
        async with host.runtimes.lend(session, to_act=False) as runtime:
            before, after = Snapshot(), runtime.view.snapshot
            effect = _of(await runtime.pending(), params.path)
    else:
        async with host.runtimes.lend(session, to_act=False) as runtime:
            operation = runtime.show(params.op)
            for view in (operation.before, operation.after):
                check_kept(runtime, operation.id, view)
        before, after = operation.before.snapshot, operation.after.snapshot
        effect = _of(operation.files, params.path)
    async with host.runtimes.look(session) as (runtime, sandbox):
        old, new = await Sides(runtime, before, after, sandbox=sandbox).of(effect)
    return {"before": _text(old), "after": _text(new)}


async def file(host: Host, params: AsOf) -> str:
    """All of a file as it was after an operation (0: at the start), in base64."""
    session = await host.runtimes.resolve(params.session)
    async with host.runtimes.look(session) as (runtime, sandbox):
        snapshot = runtime.view_after(params.op).snapshot
        try:
            with await sandbox.read_at(snapshot, params.path) as content:
                data = content.read(MOST + 1)
        except OSError as error:
            why = error.strerror or str(error)
            raise UnknownOperation(f"{params.path} after operation {params.op}: {why}") from error
    if len(data) > MOST:
        raise UsageError(f"{params.path} has more than {MOST:,} bytes", hint="agentrt diff and a shell can look at it")
    return b64encode(data).decode()


def _of(effects: Sequence[FileEffect], path: str) -> FileEffect:
    found = next((effect for effect in effects if effect.path == path), None)
    if found is None:
        raise UnknownOperation(f"nothing is known of a change of {path} there")
    return found


def _text(data: bytes | None) -> str | None:
    return None if data is None else b64encode(data).decode()


METHODS: dict[str, Method] = {
    "preview": (Preview, preview),
    "pending": (OfSession, pending),
    "sides": (OfFile, sides),
    "file": (AsOf, file),
}
