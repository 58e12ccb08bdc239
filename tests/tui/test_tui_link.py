"""The app's connection to its host, whatever becomes of that one."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

from agentrt.history.store import create, locate
from agentrt.hosting.address import Address
from agentrt.tui.link import Link


def test_a_host_that_is_gone_as_soon_as_it_is_there(workspace: Path) -> None:
    store = locate(workspace)
    create(store)
    address = Address.take(store)
    why: list[str] = []

    async def answer(client: socket.socket, result: Any) -> None:
        """The next request."""
        asked = json.loads(await asyncio.get_running_loop().sock_recv(client, 65536))
        client.send(json.dumps({"id": asked["id"], "result": result}).encode() + b"\n")

    async def work() -> None:
        link = Link(workspace, lambda event: None, why.append)
        keeping, asked = asyncio.create_task(link.keep()), asyncio.create_task(link.ask("state"))
        accept = asyncio.get_running_loop().sock_accept
        with (await accept(address.sock))[0] as first:
            await answer(first, {})  # and it ends before the app has heard that
        with (await accept(address.sock))[0] as second:
            await answer(second, {})
            answering = asyncio.create_task(answer(second, "idle"))
            assert await asked == "idle"
            await answering
            keeping.cancel()
            await asyncio.wait([keeping])

    try:
        asyncio.run(work())
    finally:
        address.close()
    assert why[:3] == ["", "it ended; another one is started", ""]
