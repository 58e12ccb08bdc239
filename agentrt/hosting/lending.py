"""A shell of the host's, at the terminal of this process, or with commands that are given to it."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from agentrt.contracts import ExecResult
from agentrt.shell import into, of_terminal
from agentrt.terminal import lend

from .client import Client

_CHUNK = 1 << 16


async def shell_at_terminal(client: Client, session: str | None, op: int | None) -> ExecResult:
    """See ``terminal.lend``. It ends with the connection: a client of its own is what it wants. Raises what
    ``open_shell`` raises, ``OSError`` as ``lend``, and ``HostGone``."""

    async def work(terminal: int) -> ExecResult:
        about = {"session": session, "op": op, "environment": of_terminal(os.environ)}
        return _ended(await client.ask_with([terminal], "shell", **about))

    return await lend(work)


async def shell_of_commands(client: Client, session: str | None, op: int | None, commands: bytes) -> ExecResult:
    """What they print is on this process's standard output and error. Raises as the other one."""
    text = commands.decode("utf-8", "surrogateescape")
    pipes = [os.pipe(), os.pipe()]
    ends = [end for _, end in pipes]
    pumps = [asyncio.to_thread(_pump, source, stream) for stream, (source, _) in enumerate(pipes, 1)]
    passing = asyncio.gather(*pumps)
    try:
        return _ended(await client.ask_with(ends, "shell", session=session, op=op, commands=text))
    finally:
        for end in ends:
            os.close(end)
        await client.close()  # else, cancelled, it would go on there, and hold the pipes
        await passing


def _ended(answer: dict[str, Any]) -> ExecResult:
    return ExecResult(exit_code=answer["exit_code"], exceeded=answer["exceeded"])


def _pump(source: int, stream: int) -> None:
    """All of it; who reads no more ends what writes it."""
    put = into(stream)
    with os.fdopen(source, "rb", buffering=0) as file:
        while data := file.read(_CHUNK):
            try:
                put(data)
            except OSError:
                return
