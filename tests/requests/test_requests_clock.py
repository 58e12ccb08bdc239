"""What waits with a time goes out at that time, while somebody has the workspace open and nobody does anything."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from rest_ground import Rest
from test_requests_outbox import held, post

from agentrt import Runtime
from agentrt.history.journal import Journal
from agentrt.history.store import locate
from agentrt.hosting.client import Client
from agentrt.hosting.serving import serve
from agentrt.hosting.setup import Setup
from agentrt.reader import open_reader
from agentrt.records import Operation

pytestmark = pytest.mark.anyio
PATIENCE = 30
"""Seconds after which something hangs."""


@asynccontextmanager
async def looked_at(workspace: Path) -> AsyncIterator[Client]:
    """An app is open."""
    store = locate(workspace)
    work = asyncio.create_task(serve(store, Setup(workspace)))
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(ConnectionError):
                    client = await Client.connect(workspace, start=False)
                    break
                await asyncio.sleep(0.01)
            async with client:
                yield client
    finally:
        work.cancel()
        await asyncio.wait([work])


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.05)


def log(workspace: Path) -> list[Operation]:
    with open_reader(workspace) as reader:
        return reader.log()


def waits(workspace: Path) -> list[tuple[int, float]]:
    with Journal.open(locate(workspace).journal, read_only=True) as journal:
        return [(op, due) for _, op, due in journal.due()]


async def test_a_request(workspace: Path, rest: Rest) -> None:
    rules = {**held(rest, "2s"), "budget": {"irreversible": 1}}
    async with Runtime.open(workspace, policy=rules, sandbox="local") as rt:
        queued = await post(rt, rest)
        await post(rt, rest, "dropped")
        await rt.reject(2)
    assert waits(workspace) == [(1, queued.requests[0].due)]
    async with looked_at(workspace) as client:
        assert rest.seen == []
        await until(lambda: rest.unsafe == ["POST /things"])
        await until(lambda: log(workspace)[0].review == "accepted")
        async for event in client.events():
            if event["event"] == "notes":
                assert "operation 4: its time in the outbox was over" in event["notes"][0]
                break
    assert waits(workspace) == [] and rest.unsafe == ["POST /things"]
    sent = log(workspace)[-1]
    assert (sent.kind, sent.actor, sent.target) == ("accept", "agentrt", (1,))
    async with Runtime.open(workspace, policy=rules, sandbox="local") as rt:
        await rt.revert(1)
        assert rest.things == {}


async def test_rows(workspace: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "app.db")) as app, app:
        app.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
        app.execute("INSERT INTO users VALUES (1, 'Ann')")
    databases = {"app": {"url": f"sqlite:///{tmp_path}/app.db", "hold": "2s"}}

    def name() -> str:
        with closing(sqlite3.connect(tmp_path / "app.db")) as app:
            return str(app.execute("SELECT name FROM users").fetchone()[0])

    async with Runtime.open(workspace, databases=databases, sandbox="local") as rt:
        done = await rt.act("sql", database="app", statement="UPDATE users SET name = 'Bob'")
        assert done.observation is not None
        assert "nothing of it is in app for 2 seconds, and then unless it is dropped" in done.observation.output
    async with looked_at(workspace):
        assert name() == "Ann"
        await until(lambda: name() == "Bob")
        await until(lambda: log(workspace)[0].review == "accepted")


async def test_what_cannot_go_is_tried_once(workspace: Path, rest: Rest) -> None:
    """The budget is not enough: it waits for a person, and nothing is done over and over."""
    async with Runtime.open(workspace, policy=held(rest, "1s"), sandbox="local") as rt:
        await post(rt, rest)
    async with looked_at(workspace):
        await until(lambda: len(log(workspace)) == 2)
        await asyncio.sleep(2)  # as long as it would take it to do it again
    assert len(log(workspace)) == 2 and log(workspace)[0].review == "pending" and rest.seen == []


async def test_what_waits_for_a_person_is_never_due(workspace: Path, rest: Rest) -> None:
    async with Runtime.open(workspace, policy=held(rest), sandbox="local") as rt:
        await post(rt, rest)
    assert waits(workspace) == []
