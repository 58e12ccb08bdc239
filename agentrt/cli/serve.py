"""``serve``: the terminal app in a browser."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

from cyclopts import Parameter

from agentrt.errors import UsageError
from agentrt.history.store import locate
from agentrt.reader import open_reader
from agentrt.serving.server import Server
from agentrt.showing.plain import plain

from .interrupting import run
from .options import HERE, WHOLE, Where
from .render import put, put_json


def serve(
    *,
    port: Annotated[int | None, WHOLE, Parameter(help="The port to listen on; a free one by default.")] = None,
    where: Where = HERE,
) -> int:
    """Put the app into a browser, on this machine only, for whoever has the address that is printed."""
    if port is not None and not 0 < port < 65536:
        raise UsageError(f"{port} is no port", hint="a port is a number from 1 to 65535")
    workspace = locate(where.workspace).workspace
    if where.session is not None:
        open_reader(workspace, session=where.session).journal.close()
    # -P: what lies in the current folder, which an agent may have written, is not imported.
    argv = [sys.executable, "-P", "-m", "agentrt", "tui", "--workspace", str(workspace)]
    argv += ["--session", where.session] if where.session is not None else []
    return run(until_interrupted(Server(argv, title=f"{plain(workspace.name)} — agentrt"), port, where))


async def until_interrupted(server: Server, port: int | None, where: Where) -> int:
    """Say where it is, and serve. Raises ``UsageError`` where the port is not to be had."""
    try:
        await server.start(port)
        if where.json:
            put_json({"url": server.url, "port": server.port})
        else:
            put(server.url)
            put("whoever has this address has the app; ctrl-C ends it")
            put(f"from another machine: ssh -L {server.port}:127.0.0.1:{server.port} HERE, then the same address there")
        sys.stdout.flush()
        await asyncio.Event().wait()
    finally:
        await server.close()
    return 0
