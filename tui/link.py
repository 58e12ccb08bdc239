"""The connection to the workspace's host: made again whenever it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentrt.errors import AgentrtError
from agentrt.hosting.client import Client

_AGAIN = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds before it is tried again; the last one from then on."""

Told = Callable[[dict[str, Any]], None]
"""Gets each of the host's events."""


class Link:
    """Starts a host where none is, as the app's work needs one."""

    def __init__(self, workspace: Path, told: Told, changed: Callable[[str], None]) -> None:
        """``changed`` is told why there is no host just now; "" when there is one."""
        self._workspace, self._told, self._changed = workspace, told, changed
        self._client: Client | None = None
        self._there = asyncio.Event()

    async def keep(self) -> None:
        """Until it is cancelled."""
        failed = 0
        while True:
            try:
                client = await Client.connect(self._workspace, start=True)
            except (AgentrtError, OSError) as error:
                self._changed(str(error))
                await asyncio.sleep(_AGAIN[min(failed, len(_AGAIN) - 1)])
                failed += 1
                continue
            failed, self._client = 0, client
            self._there.set()
            self._changed("")
            try:
                async for event in client.events():
                    self._told(event)
            except OSError:
                pass
            finally:
                self._client = None
                self._there.clear()
                await client.close()
            self._changed("it ended; another one is started")

    async def ask(self, method: str, **arguments: Any) -> Any:
        """The answer. Waits for a host. Raises what the host says went wrong, as ``AgentrtError``."""
        while (client := self._client) is None:  # it may be gone again by the time one hears that it is there
            await self._there.wait()
        return await client.ask(method, **arguments)
