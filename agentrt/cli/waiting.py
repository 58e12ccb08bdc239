"""The questions that wait for a person, as whoever works on the workspace has them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentrt.errors import AgentrtError

_SECONDS = 1.0
"""Until it is looked again whether somebody works there."""


class Waiting:
    """``questions`` of ``session`` while ``watch`` runs; none where nobody works on the workspace."""

    def __init__(self, workspace: Path) -> None:
        self.session: str | None = None
        self._workspace = workspace
        self._found: dict[str, Sequence[dict[str, Any]]] = {}

    @property
    def questions(self) -> Sequence[dict[str, Any]]:
        return self._found.get(self.session or "", ())

    async def watch(self) -> None:
        """For good. Nothing is ever started for it."""
        from agentrt.hosting.client import Client

        while True:
            try:
                async with await Client.connect(self._workspace, start=False) as client:
                    if self.session is not None:
                        self._take(self.session, await client.ask("state", session=self.session))
                    async for event in client.events():
                        if event["event"] == "state":
                            self._take(event["session"], event["state"])
            except AgentrtError:
                pass  # it goes on without
            self._found.clear()
            await asyncio.sleep(_SECONDS)

    def _take(self, session: str, state: dict[str, Any]) -> None:
        self._found[session] = state["questions"]
