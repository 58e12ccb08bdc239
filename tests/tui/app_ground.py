"""The whole app without a terminal: on a real session, with a real host and sandbox, an agent that follows a script."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from screens import AT_LEAST, screen_text
from textual.pilot import Pilot

from agentrt.history.store import create, locate
from agentrt.hosting.client import Client
from agentrt.hosting.serving import serve
from agentrt.hosting.setup import Setup
from agentrt.reader import open_reader
from agentrt.records import Operation
from agentrt.settings import load_settings
from agentrt.tui.app import AgentrtApp
from agentrt.tui.choice import Choice
from agentrt.tui.keys import chosen
from agentrt.tui.lists.panes import Inbox, Timeline
from agentrt.tui.lists.rows import Key
from agentrt.tui.pane import Pane
from agentrt.tui.prompt import Prompt

PATIENCE = 60
"""Seconds after which something hangs."""
Work = Callable[["Driven"], Awaitable[None]]
P = ParamSpec("P")
_acted: set[str] = set()
"""Whose keys the running test has pressed."""


def presses(*names: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """A test of these actions of ``keys.ACTS``; it fails where it does not press their keys (``Driven.act``)."""

    def testing(test: Callable[P, None]) -> Callable[P, None]:
        @wraps(test)
        def tested(*args: P.args, **kwargs: P.kwargs) -> None:
            _acted.clear()
            test(*args, **kwargs)
            assert _acted.issuperset(names), f"not pressed: {set(names) - _acted}"

        return tested

    return testing


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
        self._notes: dict[str, None] = {}

    async def press(self, *keys: str) -> None:
        while self.choice.shown and not self.choice.listens:  # it came late, and a person takes a moment, too
            await asyncio.sleep(0.02)
        await self.pilot.press(*keys)
        for _ in range(2):  # what is told may be told on
            await self.pilot.pause()

    async def act(self, name: str) -> None:
        """Press the key of an action, whichever it is."""
        _acted.add(name)
        await self.press(self.app.keys[name][0])

    async def until(self, what: Callable[[], bool], told: str = "") -> None:
        """Waits as long as it takes."""
        for _ in range(PATIENCE * 12):
            self._notes |= dict.fromkeys(note.message for note in self.app._notifications)
            if what():
                await self.pilot.pause()
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{told or 'it'} never came; {self.app.current}; said {self.notes}\n{self.screen}")

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
        timeline = self.app.query_one(Timeline)
        timeline.focus()
        timeline.select(Key("operation", number))
        await self.until(lambda: self.app.current == Key("operation", number), f"operation {number}")

    async def read_diff(self, number: int) -> None:
        """Go into the diff of an operation, as soon as it is there."""
        await self.select(number)
        await self.act("open")
        rows = self.app.query_one(Pane).diff
        await self.until(lambda: all(rows.rows[n].kind != "wait" for n in range(len(rows.rows))), "the diff")

    async def file(self, path: str) -> str:
        """In the sandbox, as it is now."""
        self.app.book.poll()
        return b64decode(await self.app.ask("file", op=self.app.book.head, path=path)).decode()

    async def said(self, *texts: str) -> None:
        """In a note at the side, or above the prompt."""
        await self.until(lambda: all(any(text in note for note in self.notes) for text in texts), " + ".join(texts))

    @property
    def notes(self) -> list[str]:
        """What was said to the person so far."""
        self._notes |= dict.fromkeys(note.message for note in self.app._notifications)
        return list(self._notes)

    @property
    def focus(self) -> str:
        """The id of what has it; of the transcript that of what it is in."""
        focused = self.app.screen.focused
        return next((node.id for node in focused.ancestors_with_self if node.id), "") if focused else ""

    @property
    def log(self) -> list[Operation]:
        """From the journal on disk."""
        with open_reader(self.app.book.workspace, session=self.app.book.session) as reader:
            return reader.log()

    @property
    def kinds(self) -> list[str]:
        """Of what is over."""
        return [operation.kind for operation in self.log if operation.status != "intent"]

    @property
    def heard(self) -> str:
        """All that the agent would read, as the journal has it."""
        with open_reader(self.app.book.workspace, session=self.app.book.session) as reader:
            return "\n".join(json.dumps(message.body, ensure_ascii=False) for message in reader.conversation())

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Of the host, whether or not the app is still there."""
        client = await Client.connect(self.app.book.workspace, start=False)
        try:
            yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[Driven]:
        """Another app on the same session."""
        app = AgentrtApp(self.app.book.workspace, self.app.book.session, self.app.settings, self.app.keys)
        async with app.run_test(size=AT_LEAST, notifications=True) as pilot:
            await pilot.pause()
            yield Driven(app, pilot)
            await _rested(app)

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
                await _rested(app)
        finally:
            host.cancel()
            await asyncio.wait([host])
        if not host.cancelled():
            host.result()

    asyncio.run(driven())


async def _rested(app: AgentrtApp) -> None:
    """Its work beside ends before its screen goes, as where it runs in a terminal; Textual's harness forgets that."""
    app.workers.cancel_all()
    await asyncio.sleep(0)
