"""A database with ``hold``: what is done there is measured and waits, is there once it is released, and never after it was
dropped."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest
from database_steps import without_password

from agentrt import Runtime, UsageError
from agentrt.records import Operation, RowsEffect, SchemaEffect
from agentrt.testing import memory_sandbox

pytestmark = pytest.mark.anyio
SETUP = (
    "CREATE TABLE users (id integer PRIMARY KEY, name varchar(20), age integer)",
    "INSERT INTO users VALUES (1, 'Ann', 30), (2, 'Bob', 40), (3, 'Cid', 50)",
)
UPDATE = "UPDATE users SET age = age + 1 WHERE id < 3; DELETE FROM users WHERE id = 3"
BEFORE = [(1, "Ann", 30), (2, "Bob", 40), (3, "Cid", 50)]
AFTER = [(1, "Ann", 31), (2, "Bob", 41)]


class Client:
    """Somebody else's, of any engine; each statement is committed at once."""

    def __init__(self, url: str, connect: Callable[[], Any]) -> None:
        self.url, self._connect = url, connect

    def __call__(self, *statements: str) -> list[tuple[Any, ...]]:
        with closing(self._connect()) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def users(self) -> list[tuple[Any, ...]]:
        return self("SELECT id, name, age FROM users ORDER BY id")


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def app(request: pytest.FixtureRequest, tmp_path: Path, workspace: Path) -> Client:
    if request.param == "sqlite":
        file = tmp_path / "app.db"
        file.touch()
        client = Client(f"sqlite:///{file}", lambda: sqlite3.connect(file, isolation_level=None))
    elif request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
        client = Client(without_password(url), lambda: psycopg.connect(url, autocommit=True))
    else:
        url = request.getfixturevalue("mariadb")
        parts = urlsplit(url)
        at = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password}
        client = Client(
            without_password(url),
            lambda: pymysql.connect(**at, database=parts.path[1:], autocommit=True, ssl_disabled=True),
        )
    client(*SETUP)
    return client


def opened(workspace: Path, app: Client, hold: object = True) -> Any:
    databases = {"app": {"url": app.url, "hold": hold}}
    return Runtime.open(workspace, databases=databases, sandbox=memory_sandbox.open_sandbox)


async def sql(rt: Runtime, statement: str = UPDATE) -> Operation:
    operation = await rt.act("sql", database="app", statement=statement)
    assert operation.observation is not None and operation.observation.error is None, operation.observation
    return operation


async def test_it_waits_and_is_there_when_it_is_released(workspace: Path, app: Client) -> None:
    async with opened(workspace, app) as rt:
        held = await sql(rt)
        assert held.observation is not None and "(queued: nothing of it is in app until" in held.observation.output
        (effect,) = held.effects
        assert isinstance(effect, RowsEffect) and effect.queued and (effect.updated, effect.deleted) == (2, 1)
        assert held.review == "pending" and app.users() == BEFORE
        released = await rt.accept(1)
        assert released.note == "app has what operation 1 did there"
        assert [(e.kind, e.change) for e in released.effects] == [("rows", "modified")]
        assert app.users() == AFTER and rt.show(1).review == "accepted" and rt.to_review() == []
        assert "The user released: app has" in str(rt.conversation()[-1].body)
        assert (await rt.verify_undo()).ok
        await rt.undo()
        assert app.users() == BEFORE
        await rt.redo()
        assert app.users() == AFTER


async def test_what_only_reads_does_not_wait(workspace: Path, app: Client) -> None:
    async with opened(workspace, app) as rt:
        asked = await sql(rt, "SELECT name FROM users WHERE id = 1")
        assert asked.observation is not None and asked.observation.output == "name\nAnn\n(1 row)\n"
        assert asked.effects == () and asked.review is None


@pytest.mark.parametrize("how", ["reject", "undo", "revert", "restore"])
async def test_what_is_dropped_is_never_there(workspace: Path, app: Client, how: str) -> None:
    async with opened(workspace, app) as rt:
        await sql(rt)
        await (rt.restore(0) if how == "restore" else rt.undo() if how == "undo" else getattr(rt, how)(1))
        with pytest.raises(UsageError):
            await rt.accept(1)
        assert app.users() == BEFORE
        assert await rt.keep_review_deadline() is not None and app.users() == BEFORE
        assert (await rt.verify_undo()).ok


async def test_others_came_first(workspace: Path, app: Client) -> None:
    """It waits on, and is there once the way is free."""
    async with opened(workspace, app) as rt:
        await rt.act("bash", command="echo two > a.txt")
        await sql(rt)
        app("UPDATE users SET age = 99 WHERE id = 2")
        theirs = app.users()
        refused = await rt.accept(2)
        assert (
            "cannot be released: that would overwrite what somebody else changed since: app:users[id=2]" in refused.note
        )
        assert app.users() == theirs and [op.id for op in rt.to_review()] == [1, 2] and refused.effects == ()
        app("UPDATE users SET age = 40 WHERE id = 2")
        await rt.accept(2)
        assert app.users() == AFTER


async def test_actions_wait_each_by_itself(workspace: Path, app: Client) -> None:
    async with opened(workspace, app) as rt:
        await sql(rt, "UPDATE users SET age = 31 WHERE id = 1")
        await sql(rt, "UPDATE users SET age = 41 WHERE id = 2")
        await rt.accept(2)
        assert app.users() == [BEFORE[0], (2, "Bob", 41), BEFORE[2]]
        await rt.reject(1)
        assert app.users() == [BEFORE[0], (2, "Bob", 41), BEFORE[2]]


async def test_its_clock(workspace: Path, app: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(workspace, app, "10m") as rt:
        await sql(rt)
        assert await rt.keep_review_deadline() == () and app.users() == BEFORE
        later = time.time() + 601
        monkeypatch.setattr("agentrt.outbox.time.time", lambda: later)
        (line,) = await rt.keep_review_deadline()
        assert "its time in the outbox was over: app has what operation 1 did there" in line
        assert app.users() == AFTER and rt.show(1).review == "accepted"


async def test_another_process_releases_it(workspace: Path, app: Client) -> None:
    async with opened(workspace, app) as rt:
        await sql(rt)
    async with Runtime.open(workspace, sandbox=memory_sandbox.open_sandbox) as rt:
        assert [op.id for op in rt.to_review()] == [1]
        await sql(rt, "UPDATE users SET name = 'Eve' WHERE id = 1")  # it is held, too: the session knows
        assert app.users() == BEFORE
        await rt.accept(1)
        assert app.users() == AFTER


async def test_it_waits_on_where_databases_are_not_held_any_more(workspace: Path, app: Client) -> None:
    async with opened(workspace, app) as rt:
        await sql(rt)
    databases = {"app": app.url}
    async with Runtime.open(workspace, databases=databases, sandbox=memory_sandbox.open_sandbox) as rt:
        await sql(rt, "INSERT INTO users VALUES (4, 'Dan', 60)")
        assert app.users() == [*BEFORE, (4, "Dan", 60)]
        await rt.restore(0)
        assert app.users() == BEFORE
        await rt.restore(2)
        await rt.accept(1)
        assert app.users() == [*AFTER, (4, "Dan", 60)]


async def test_a_released_one_is_reverted(workspace: Path, app: Client) -> None:
    async with opened(workspace, app) as rt:
        await sql(rt)
        await rt.accept(1)
        await rt.act("bash", command="echo two > a.txt")
        app("INSERT INTO users VALUES (4, 'Dan', 60)")
        await rt.revert(1)
        assert app.users() == [*BEFORE, (4, "Dan", 60)]


async def test_definitions_wait_too(workspace: Path, app: Client) -> None:
    if app.url.startswith("mysql:"):
        pytest.skip("definitions are taken back on MariaDB only")
    async with opened(workspace, app) as rt:
        held = await sql(rt, "ALTER TABLE users ADD COLUMN town varchar(20); CREATE INDEX by_age ON users (age)")
        assert held.effects and all(isinstance(e, SchemaEffect) and e.queued for e in held.effects)
        assert app("SELECT * FROM users WHERE id = 1") == [BEFORE[0]]
        await rt.accept(1)
        assert app("SELECT * FROM users WHERE id = 1") == [(*BEFORE[0], None)]
        await rt.undo()
        assert app("SELECT * FROM users WHERE id = 1") == [BEFORE[0]]


def test_mistakes_are_said(workspace: Path) -> None:
    async def work(wrong: object) -> None:
        async with Runtime.open(workspace, databases={"app": wrong}):
            pass

    for wrong, why in (
        ({"hold": True}, "databases.app.url: Field required"),
        ({"url": "sqlite:///a.db", "hold": "soon"}, 'expected `true`, or a time such as 10m, not text "soon"'),
        ({"url": "sqlite:///a.db", "holds": True}, "databases.app.holds"),
    ):
        with pytest.raises(UsageError) as caught:
            asyncio.run(work(wrong))
        assert why in str(caught.value)
