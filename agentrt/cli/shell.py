"""``shell``: in the sandbox, and back without a trace."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from agentrt.contracts import ExecResult
from agentrt.errors import HostGone, UsageError
from agentrt.showing.plain import plain

from .options import HERE, WHOLE, Where
from .render import say

if TYPE_CHECKING:
    from agentrt.hosting.client import Client
    from agentrt.shell import Shell


def shell(
    op: Annotated[int | None, WHOLE, Parameter(help="As of this operation; 0 is the start. Now by default.")] = None,
    /,
    *,
    policy: Annotated[str | None, Parameter(help="A pack's name, or a file.")] = None,
    where: Where = HERE,
) -> int:
    """A shell in the sandbox, in the workspace's folder. Without a terminal commands are read from standard input."""
    from .interrupting import run

    if where.json:
        raise UsageError("shell has no --json", hint="agentrt exec --json -- COMMAND tells what a command did")
    commands = None if os.isatty(0) else sys.stdin.buffer.read()
    result = run(_run(op, policy, where, commands))
    how = f"stopped: it {result.exceeded}" if result.exceeded else "the shell has ended"
    say(f"{how}; nothing it changed is kept")
    return result.exit_code


async def _run(op: int | None, policy: str | None, where: Where, commands: bytes | None) -> ExecResult:
    """Whoever works on the workspace has it open already."""
    from agentrt.hosting.client import Client

    try:
        client = await Client.connect(where.workspace, start=False)
    except HostGone:  # nobody does
        return await _own(op, policy, where, commands)
    async with client:
        if policy is not None:
            raise UsageError(
                "another process works on the workspace, and its policy holds", hint="leave --policy out, or wait"
            )
        return await _of_host(client, op, where, commands)


async def _of_host(client: Client, op: int | None, where: Where, commands: bytes | None) -> ExecResult:
    from agentrt.hosting.lending import shell_at_terminal, shell_of_commands

    _begin(op)
    if commands is None:
        return await shell_at_terminal(client, where.session, op)
    return await shell_of_commands(client, where.session, op, commands)


async def _own(op: int | None, policy: str | None, where: Where, commands: bytes | None) -> ExecResult:
    from agentrt.shell import into
    from agentrt.terminal import lend

    shell = await _open(op, policy or "default", where)
    try:
        _begin(op)
        if commands is None:
            return await lend(partial(shell.interact, environment=os.environ))
        return await shell.run(commands, into(1), into(2))
    finally:
        await shell.close()


async def _open(op: int | None, policy: str, where: Where) -> Shell:
    """The workspace is let go of again at once: others may go on with it while the shell is open."""
    from agentrt.runtime import Runtime
    from agentrt.shell import open_shell

    async with Runtime.open(where.workspace, policy=policy, session=where.session, to_act=False) as runtime:
        shell = await open_shell(runtime, op)
        for note in runtime.notes:
            say(plain(note))
    return shell


def _begin(op: int | None) -> None:
    as_of = "now" if op is None else f"operation {op}" if op else "the start"
    say(f"a shell in the sandbox, as of {as_of}; nothing it changes is kept")
