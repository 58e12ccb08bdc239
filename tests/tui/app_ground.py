"""The whole app without a terminal: on a real session, with a real host and sandbox, an agent that follows a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from screens import AT_LEAST, screen_text
from textual.pilot import Pilot

from agentrt.history.store import create, locate
from agentrt.hosting.serving import serve
from agentrt.hosting.setup import Setup
from agentrt.settings import load_settings
from agentrt.tui.app import AgentrtApp
from agentrt.tui.choice import Choice
from agentrt.tui.keys import chosen
from agentrt.tui.lists.panes import Inbox, Timeline
from agentrt.tui.prompt import Prompt

PATIENCE = 60
"""Seconds after which something hangs."""
Work = Callable[["Driven"], Awaitable[None]]


def bash(command: str, text: str = "") -> dict[str, Any]:
    """A turn of the script."""
    return {"text": text, "actions": [{"bash": {"command": command}}]}


SUBMIT: dict[str, Any] = {"actions": [{"submit": {"text": "all done"}}]}


def script(config: Path, *turns: dict[str, Any]) -> None:
    """Who plans what is typed: the user's settings say so. JSON is YAML, too."""
    folder = config / "agentrt"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "script.yaml").write_text(json.dumps({"turns": turns}))
    (folder / "settings.yaml").write_text("planner: {script: script.yaml}\n")


class Driven:
    """The app and who uses it."""

    def __init__(self, app: AgentrtApp, pilot: Pilot[Any]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, what: Callable[[], bool], told: str = "") -> None:
        """Waits as long as it takes."""
        for _ in range(PATIENCE * 50):
            if what():
                await self.pilot.pause()
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{told or 'it'} never came\n{self.screen}")

    async def sees(self, *texts: str) -> None:
        await self.until(lambda: all(text in self.screen for text in texts), " + ".join(texts))

    async def idle(self, operations: int) -> None:
        """So many operations are there, and nothing goes on."""
        await self.until(
            lambda: len(self.app.book.entries) >= operations and self.app.state.phase == "idle",
            f"operation {operations}",
        )

    async def type(self, text: str) -> None:
        """A task or a command."""
        self.app.query_one(Prompt).focus()
        self.app.query_one(Prompt).insert(text)
        await self.press("enter")

    async def select(self, number: int) -> None:
        """An operation, in the timeline."""
        from agentrt.tui.lists.rows import Key

        timeline = self.app.query_one(Timeline)
        timeline.focus()
        timeline.select(Key("operation", number))
        await self.until(lambda: self.app.current == Key("operation", number), f"operation {number}")

    @property
    def screen(self) -> str:
        return screen_text(self.app)

    @property
    def choice(self) -> Choice:
        return self.app.query_one(Choice)

    @property
    def inbox(self) -> Inbox:
        return self.app.query_one(Inbox)


def drive(
    workspace: Path,
    work: Work,
    *,
    size: tuple[int, int] = AT_LEAST,
    session: str | None = None,
    task: Path | None = None,
) -> None:
    """Opens the app on ``workspace``, with a host of its own in this process, and does ``work``."""

    async def driven() -> None:
        store = locate(workspace)
        create(store)
        host = asyncio.create_task(serve(store, Setup(store.workspace)))
        try:
            settings = load_settings()
            app = AgentrtApp(workspace, session, settings, chosen(settings), task)
            async with asyncio.timeout(PATIENCE), app.run_test(size=size, notifications=True) as pilot:
                await pilot.pause()
                await work(Driven(app, pilot))
        finally:
            host.cancel()
            await asyncio.wait([host])
        if not host.cancelled():
            host.result()

    asyncio.run(driven())
