"""A shell as of an operation, at the terminal of whoever asks: it ends when that one is gone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pydantic import Field

from agentrt.contracts import ExecResult
from agentrt.errors import UsageError
from agentrt.records import Text
from agentrt.shell import Shell, into, open_shell

from .base import Caller, Method, Number, OfCaller

if TYPE_CHECKING:
    from agentrt.hosting.host import Host

_HINT = "one end of a pty; or with `commands` two pipes, for what they print"


class Try(OfCaller):
    op: Number | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    """What there is to know of the terminal."""
    commands: Text | None = None
    """To be run without one."""


async def shell(host: Host, params: Try, caller: Caller) -> dict[str, Any]:
    """How it ended."""
    files = list(caller.files)
    if [os.isatty(file) for file in files] != ([True] if params.commands is None else [False, False]):
        raise UsageError("shell: the files that came with it are not those it needs", hint=_HINT)
    session = await host.runtimes.resolve(params.session, make=True)
    async with host.runtimes.lend(session, to_act=False) as runtime:
        opened = await open_shell(runtime, params.op)
    try:
        with host.away(caller.channel):
            result = await caller.keep(_run(opened, params, files))
    finally:
        await opened.close()
    return {"exit_code": result.exit_code, "exceeded": result.exceeded}


async def _run(opened: Shell, params: Try, files: list[int]) -> ExecResult:
    if params.commands is None:
        return await opened.interact(files[0], params.environment)
    commands = params.commands.encode("utf-8", "surrogateescape")
    return await opened.run(commands, into(files[0]), into(files[1]))


METHODS: dict[str, Method] = {"shell": (Try, shell)}
