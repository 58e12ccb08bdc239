"""A workspace with a host of its own in this process, in the real sandbox, and clients of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agentrt.history.store import Store
from agentrt.hosting.client import Client
from agentrt.hosting.serving import serve
from agentrt.hosting.setup import Setup

PATIENCE = 60
"""Seconds after which something hangs."""


def script(workspace: Path, *turns: dict[str, Any], **task: Any) -> None:
    """The workspace's ``task.yaml``, planned by a script: JSON is YAML, too."""
    (workspace / "script.yaml").write_text(json.dumps({"turns": turns}))
    given = {"objective": "as you are told", "planner": {"script": "script.yaml"}, **task}
    (workspace / "task.yaml").write_text(json.dumps(given))


def task_file(client: Client) -> str:
    """What ``script`` wrote."""
    return str(Path(client.hello["workspace"], "task.yaml"))


def bash(command: str, **more: Any) -> dict[str, Any]:
    return {"actions": [{"bash": {"command": command}}], **more}


SUBMIT = {"actions": [{"submit": {"text": "all done"}}]}


class Hosted:
    """A host, as its clients see it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.workspace = store.workspace

    async def client(self) -> Client:
        while True:
            try:
                return await Client.connect(self.workspace, start=False)
            except ConnectionError:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def hosted(store: Store) -> AsyncIterator[Hosted]:
    """One that lives as long as the block; what was begun in it ends with it."""
    work = asyncio.create_task(serve(store, Setup(store.workspace)))
    try:
        async with asyncio.timeout(PATIENCE):
            yield Hosted(store)
    finally:
        work.cancel()
        await asyncio.wait([work])
        if not work.cancelled():
            work.result()


async def until(look: Callable[[], Awaitable[Any]], holds: Callable[[Any], Any]) -> Any:
    """What ``look`` gives once it ``holds``."""
    while not holds(found := await look()):
        await asyncio.sleep(0.02)
    return found


async def idle(client: Client, session: str | None = None) -> dict[str, Any]:
    """The state of a session whose run is over."""
    found: dict[str, Any] = await until(lambda: client.ask("state", session=session), lambda s: s["phase"] == "idle")
    return found


async def phase(client: Client, *wanted: str, session: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = await until(lambda: client.ask("state", session=session), lambda s: s["phase"] in wanted)
    return found
