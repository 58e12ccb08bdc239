"""Killed at every step of an action, an undo and a revert in a database: afterwards journal and database agree."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agentrt import Runtime

_PROGRAM = """
import asyncio, os, signal, sys
from agentrt import Runtime
from agentrt.history.journal import Journal
from agentrt.tools.databases.sqlite import SqliteDatabase

place, doing = sys.argv[1], sys.argv[2]

def die_at(owner, name, after=False):
    real = getattr(owner, name)
    def synchronous(*given, **named):
        if not armed: return real(*given, **named)
        if after: real(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    async def asynchronous(*given, **named):
        if not armed: return await real(*given, **named)
        if after: await real(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, asynchronous if asyncio.iscoroutinefunction(real) else synchronous)

armed = False
where = {
    "seal": (SqliteDatabase, "seal"), "sealed": (SqliteDatabase, "seal", True), "commit": (SqliteDatabase, "commit"),
    "committed": (SqliteDatabase, "commit", True), "undo": (SqliteDatabase, "undo"), "undone": (SqliteDatabase, "undo", True),
    "shelve": (SqliteDatabase, "shelve"), "shelved": (SqliteDatabase, "shelve", True),
    "settle": (Journal, "settle"), "settled": (Journal, "settle", True),
}
die_at(*where[place])

async def main():
    global armed
    async with Runtime.open(os.environ["WORKSPACE"]) as rt:
        armed = True
        if doing == "act":
            await rt.act("sql", database="app", statement="UPDATE users SET age = age + 1; DELETE FROM users WHERE id = 3")
        elif doing == "accept":
            await rt.accept(2)
        elif doing == "undo":
            await rt.undo()
        elif doing == "redo":
            await rt.redo()
        else:
            await rt.revert(1)

asyncio.run(main())
"""


def dump(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as db:
        return list(db.iterdump())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database of three rows."""
    file = tmp_path / "app.db"
    with closing(sqlite3.connect(file)) as db:
        db.executescript(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, age INTEGER); INSERT INTO users VALUES (1, 1), (2, 2), (3, 3)"
        )
    return file


def die(workspace: Path, place: str, doing: str) -> None:
    given = {**os.environ, "WORKSPACE": str(workspace)}
    died = subprocess.run([sys.executable, "-c", _PROGRAM, place, doing], env=given, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()


@pytest.mark.parametrize(
    ("doing", "place"),
    [
        *(("act", place) for place in ("seal", "sealed", "commit", "committed", "settle", "settled")),
        *((doing, place) for doing in ("undo", "redo", "revert") for place in ("undo", "undone", "settle", "settled")),
    ],
)
def test_killed(workspace: Path, file: Path, doing: str, place: str) -> None:
    untouched = dump(file)

    async def prepare() -> None:
        async with Runtime.open(workspace, databases={"app": f"sqlite:///{file}"}) as rt:
            await rt.act("sql", database="app", statement="UPDATE users SET age = 9 WHERE id = 2")
            if doing == "redo":
                await rt.undo()

    asyncio.run(prepare())
    before = dump(file)
    die(workspace, place, doing)
    left = dump(file)
    assert (left != before) == (place in ("committed", "undone", "settle", "settled")), place

    async def later() -> None:
        async with Runtime.open(workspace) as rt:
            told = "\n".join(rt.notes)
            assert ("was taken back" in told) == (place in ("committed", "undone", "settle")), told
            assert dump(file) == (left if place == "settled" else before)
            assert (await rt.verify_undo()).ok
            await rt.restore(0)
            assert dump(file) == untouched

    asyncio.run(later())


@pytest.mark.parametrize(
    ("doing", "place"),
    [
        *(("act", place) for place in ("seal", "sealed", "shelve", "shelved", "settle", "settled")),
        *(("accept", place) for place in ("undo", "undone", "settle", "settled")),
    ],
)
def test_killed_where_it_waits(workspace: Path, file: Path, doing: str, place: str) -> None:
    """What was to wait is never there by itself; what was released is there once, and can be taken back."""
    untouched = dump(file)

    async def prepare() -> None:
        async with Runtime.open(workspace, databases={"app": {"url": f"sqlite:///{file}", "hold": True}}) as rt:
            await rt.act("bash", command="echo changed > a.txt")
            if doing == "accept":
                await rt.act("sql", database="app", statement="DELETE FROM users WHERE id = 3")

    asyncio.run(prepare())
    die(workspace, place, doing)
    left = dump(file)
    assert (left != untouched) == (doing == "accept" and place != "undo"), place

    async def later() -> None:
        async with Runtime.open(workspace) as rt:
            told = "\n".join(rt.notes)
            assert dump(file) == left, told
            if doing == "accept":
                assert ("operation 2: what waited for the database app is there" in told) == (
                    place in ("undone", "settle")
                ), told
                assert ("operation 2: what waits for the database app is not there yet" in told) == (place == "undo")
                assert [op.id for op in rt.to_review()] == ([1] if place == "settled" else [1, 2])
                if place != "settled":
                    await rt.accept(2)
                assert dump(file) != untouched
            elif place == "settled":
                await rt.accept(2)
                assert dump(file) != untouched
            assert (await rt.verify_undo()).ok
            await rt.restore(0)
            assert dump(file) == untouched

    asyncio.run(later())
