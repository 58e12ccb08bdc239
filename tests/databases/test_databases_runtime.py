"""A whole session over a server: files and rows together, the password a secret, and nobody gets to see it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from database_steps import without_password

from agentrt import Conflict, Runtime
from agentrt.testing import memory_sandbox


def test_rows_of_a_server_are_undone_with_files(workspace: Path, postgresql: str) -> None:
    import psycopg

    url = without_password(postgresql)
    with psycopg.connect(postgresql, autocommit=True) as other:
        other.execute("CREATE TABLE users (id int PRIMARY KEY, name text, age int)")
        other.execute("INSERT INTO users VALUES (1, 'Ann', 30), (2, 'Bob', 40)")

        def rows() -> object:
            return other.execute("SELECT * FROM users ORDER BY id").fetchall()

        async def work() -> None:
            async with Runtime.open(workspace, sandbox=memory_sandbox.open_sandbox, databases={"app": url}) as rt:
                before = rows()
                statement = "UPDATE users SET age = age + $1 WHERE name = $2"
                op = await rt.act("sql", database="app", statement=statement, parameters=[1, "Bob"])
                assert op.observation is not None and op.observation.output == "(1 row changed)\n", op.observation
                assert [(e.kind, e.change) for e in op.effects] == [("rows", "modified")]
                await rt.act("bash", command="echo two > a.txt")
                after = rows()
                await rt.undo(2)
                assert rows() == before
                await rt.restore(1)
                assert rows() == after
                other.execute("UPDATE users SET age = 99 WHERE id = 2")
                with pytest.raises(Conflict) as caught:
                    await rt.undo()
                assert caught.value.conflicts[0].path == "app:users[id=2]"
                other.execute("UPDATE users SET age = 41 WHERE id = 2")
                assert (await rt.verify_undo()).ok

        async def later() -> None:
            async with Runtime.open(workspace, sandbox=memory_sandbox.open_sandbox) as rt:
                await rt.restore(0)
                assert rows() == [(1, "Ann", 30), (2, "Bob", 40)]

        asyncio.run(work())
        asyncio.run(later())
    kept = [file for file in (workspace.parent / "state").rglob("*") if file.is_file()]
    password = urlsplit(postgresql).password or ""
    assert kept and not any(password.encode() in file.read_bytes() for file in kept)
