"""``shell``: in the sandbox, and back without a trace."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from agentrt.contracts import ExecResult
from agentrt.errors import UsageError
from agentrt.showing.plain import plain

from .options import HERE, WHOLE, Where, sandbox_name
from .render import say

if TYPE_CHECKING:
    from agentrt.shell import Shell


def shell(
    op: Annotated[int | None, WHOLE, Parameter(help="As of this operation; 0 is the start. Now by default.")] = None,
    /,
    *,
    policy: Annotated[str, Parameter(help="A pack's name, or a file.")] = "default",
    where: Where = HERE,
) -> int:
    """A shell in the sandbox, in the workspace's folder. Without a terminal commands are read from standard input."""
    from .interrupting import run

    if where.json:
        raise UsageError("shell has no --json", hint="agentrt exec --json -- COMMAND tells what a command did")
    result = run(_at_terminal(op, policy, where) if os.isatty(0) else _of_script(op, policy, where))
    if result.exceeded:
        say(f"stopped: it {result.exceeded}")
    say("the shell has ended; nothing it changed is kept")
    return result.exit_code


async def _at_terminal(op: int | None, policy: str, where: Where) -> ExecResult:
    from agentrt.terminal import lend

    shell = await _open(op, policy, where)
    try:
        return await lend(partial(shell.interact, environment=os.environ))
    finally:
        await shell.close()


async def _of_script(op: int | None, policy: str, where: Where) -> ExecResult:
    commands = sys.stdin.buffer.read()
    shell = await _open(op, policy, where)
    try:
        return await shell.run(commands, _to(1), _to(2))
    finally:
        await shell.close()


async def _open(op: int | None, policy: str, where: Where) -> Shell:
    """The workspace is let go of again at once: others may go on with it while the shell is open."""
    from agentrt.runtime import Runtime
    from agentrt.shell import open_shell

    async with Runtime.open(
        where.workspace, policy=policy, sandbox=sandbox_name(), session=where.session, to_act=False
    ) as runtime:
        shell = await open_shell(runtime, op)
        for note in runtime.notes:
            say(plain(note))
    as_of = "now" if op is None else f"operation {op}" if op else "the start"
    say(f"a shell in the sandbox, as of {as_of}; nothing it changes is kept")
    return shell


def _to(stream: int) -> Callable[[bytes], None]:
    """What is printed, as it is. When nobody reads on, that is the end of it."""

    def put(data: bytes) -> None:
        while data:
            data = data[os.write(stream, data) :]

    return put
