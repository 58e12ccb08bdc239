"""Databases in transactions: what an act changes there is measured, undone and reverted with all else it did."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from agentrt import Conflict, JournalError, Operation, Runtime, UsageError
from agentrt.records import RowsEffect, SchemaEffect

SCHEMA = """
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, age INTEGER);
INSERT INTO users (name, age) VALUES ('Ann', 30), ('Bob', 40), ('Cid', 50);
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A database beside the workspace."""
    file = tmp_path / "app.db"
    with closing(sqlite3.connect(file)) as db:
        db.executescript(SCHEMA)
    return file


def dump(file: Path) -> list[str]:
    """Schema, rows and sequences, as SQLite's own dump has them."""
    with closing(sqlite3.connect(file)) as db:
        return list(db.iterdump())


def write(file: Path, statement: str) -> None:
    """By somebody else."""
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(statement)


def run(workspace: Path, app: Path, work: Callable[[Runtime], Awaitable[None]], **how: Any) -> None:
    async def opened() -> None:
        async with Runtime.open(workspace, databases={"app": f"sqlite:///{app}"}, **how) as rt:
            await work(rt)

    asyncio.run(opened())


async def sql(rt: Runtime, statement: str, *parameters: Any) -> Operation:
    operation = await rt.act("sql", database="app", statement=statement, parameters=list(parameters))
    assert operation.observation is not None and operation.observation.error is None, operation.observation
    return operation


def test_rows_are_measured_and_undone(workspace: Path, app: Path, box: Any) -> None:
    before = dump(app)

    async def work(rt: Runtime) -> None:
        op = await sql(rt, "UPDATE users SET age = age + 1 WHERE age >= ?", 40)
        assert (op.status, op.review, op.after.marks) == ("settled", "pending", (1,))
        (effect,) = op.effects
        assert isinstance(effect, RowsEffect)
        assert (effect.database, effect.table, effect.change, effect.updated) == ("app", "users", "modified", 2)
        assert effect.rows[0].before == {"id": 2, "name": "Bob", "age": 40}
        assert effect.rows[0].after == {"id": 2, "name": "Bob", "age": 41}
        assert rt.show(1) == op and op.resources == ("app",)
        after = dump(app)
        assert after != before
        back = await rt.undo()
        assert dump(app) == before and rt.view.marks == ()
        assert [(e.kind, e.change) for e in back.effects] == [("rows", "modified")]
        await rt.redo()
        assert dump(app) == after and rt.view.marks == (1,)
        await rt.restore(0)
        assert dump(app) == before

    run(workspace, app, work, sandbox=box)


def test_what_only_reads_changes_nothing(workspace: Path, app: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        op = await sql(rt, "SELECT name, age FROM users ORDER BY id")
        assert op.observation is not None
        assert op.observation.output == "name\tage\nAnn\t30\nBob\t40\nCid\t50\n(3 rows)\n"
        assert (op.effects, op.review, op.after) == ((), None, op.before)

    run(workspace, app, work, sandbox=box)


def test_a_mistake_is_told_and_all_of_the_action_is_rolled_back(workspace: Path, app: Path) -> None:
    before = dump(app)

    async def work(rt: Runtime) -> None:
        two = "INSERT INTO users (name) VALUES ('Dan'); INSERT INTO users (name) VALUES ('Ann')"
        op = await rt.act("sql", database="app", statement=two)
        assert op.observation is not None and "UNIQUE" in str(op.observation.error) and op.effects == ()
        assert dump(app) == before
        other = await rt.act("sql", database="apq", statement="SELECT 1")
        assert other.observation is not None and "did you mean" in str(other.observation.error).lower()
        # In a string it is no second statement.
        await sql(rt, "UPDATE users SET name = 'x; DROP TABLE users' WHERE id = 1")
        assert (await sql(rt, "SELECT name FROM users WHERE id = 1")).observation.output.startswith("name\nx; DROP")

    run(workspace, app, work)


def test_without_databases_the_tool_is_not_there(workspace: Path, app: Path) -> None:
    async def without() -> None:
        async with Runtime.open(workspace) as rt:
            assert "sql" not in rt.tools
            op = await rt.act("sql", database="app", statement="SELECT 1")
            assert op.observation is not None and "no databases" in str(op.observation.error)

    async def work(rt: Runtime) -> None:
        assert "`app` (sqlite)" in rt.tools["sql"].description

    asyncio.run(without())
    run(workspace, app, work)


def test_an_old_act_is_reverted_and_the_later_ones_stay(workspace: Path, app: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await sql(rt, "UPDATE users SET age = 0 WHERE name = 'Ann'")
        await rt.act("bash", command="echo new > new; echo two > a.txt")
        await sql(rt, "DELETE FROM users WHERE name = 'Bob'")
        stood = dump(app)
        preview = await rt.preview_revert(1, 2)
        assert [e.change for e in preview.outside] == ["modified"] and len(preview.effects) == 2
        assert dump(app) == stood
        op = await rt.revert(1, 2)
        assert [e.kind for e in op.effects] == ["file", "file", "rows"] and op.after.marks == (1, 3, 4)
        with closing(sqlite3.connect(app)) as db:
            assert db.execute("SELECT name, age FROM users").fetchall() == [("Ann", 30), ("Cid", 50)]
        assert [o.review for o in rt.log()] == ["rejected", "rejected", "pending", None]
        reverted = dump(app)
        await rt.undo()
        assert dump(app) == stood
        await rt.redo()
        assert dump(app) == reverted
        await rt.revert(4)  # of the revert
        assert dump(app) == stood
        await rt.restore(0)
        with closing(sqlite3.connect(app)) as db:
            assert db.execute("SELECT name, age FROM users").fetchall() == [("Ann", 30), ("Bob", 40), ("Cid", 50)]

    run(workspace, app, work, sandbox=box)


def test_what_somebody_else_changed_since_is_a_conflict_and_nothing_is_touched(workspace: Path, app: Path) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo two > a.txt")
        await sql(rt, "UPDATE users SET age = age + 1")
        write(app, "UPDATE users SET age = 99 WHERE name = 'Bob'")
        stood, log = dump(app), rt.log()
        preview = await rt.preview("undo", 2)
        with pytest.raises(Conflict) as caught:
            await rt.undo(2)
        assert caught.value.conflicts == preview.conflicts
        (conflict,) = preview.conflicts
        assert conflict.path == "app:users[id=2]" and "40" in conflict.ours and "99" in conflict.theirs
        with pytest.raises(Conflict):
            await rt.revert(2)
        assert dump(app) == stood and rt.log() == log
        found = await rt.verify_undo()
        assert found.ok and [d.operations for d in found.databases] == [(2,)]
        assert [c.path for c in found.databases[0].changed] == ["app:users[id=2]"]
        write(app, "UPDATE users SET age = 41 WHERE name = 'Bob'")  # put right
        write(app, "INSERT INTO users (name, age) VALUES ('Eve', 1)")  # and this stands in nobody's way
        assert (await rt.verify_undo()).databases[0].changed == ()
        await rt.undo(2)
        with closing(sqlite3.connect(app)) as db:
            ages = db.execute("SELECT age FROM users ORDER BY id").fetchall()
        assert ages == [(30,), (40,), (50,), (1,)]

    run(workspace, app, work)


def test_the_policy_judges_rows(workspace: Path, app: Path) -> None:
    before = dump(app)

    async def work(rt: Runtime) -> None:
        op = await rt.act("sql", database="app", statement="DELETE FROM users")
        assert op.status == "rolled_back" and op.judgement is not None
        assert "changed 3 rows of databases; the limit is 2" in op.judgement.because
        assert dump(app) == before and rt.view.marks == ()
        op = await rt.act("sql", database="app", statement="DELETE FROM users WHERE id = 1")
        assert op.status == "settled" and dump(app) != before

    run(workspace, app, work, policy={"limits": {"rows_changed": 2}})


def test_a_verification_keeps_no_row(workspace: Path, app: Path) -> None:
    before = dump(app)

    async def work(rt: Runtime) -> None:
        op = await rt.verify("sql", database="app", statement="DELETE FROM users RETURNING id")
        assert op.observation is not None and op.observation.output == "id\n1\n2\n3\n(3 rows)\n"
        assert dump(app) == before and rt.view.marks == ()

    run(workspace, app, work)


def test_schema_and_rows_come_back(workspace: Path, app: Path) -> None:
    before = dump(app)

    async def work(rt: Runtime) -> None:
        op = await sql(rt, "ALTER TABLE users ADD COLUMN mail TEXT; CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        assert {(e.object, e.name, e.change) for e in op.effects if isinstance(e, SchemaEffect)} == {
            ("table", "users", "modified"), ("table", "t", "created"),
        }  # fmt: skip
        altered = dump(app)
        await sql(rt, "DROP TABLE users")
        await rt.undo(2)
        assert dump(app) == before
        await rt.redo()
        assert dump(app) == altered

    run(workspace, app, work)


def test_a_session_goes_on_with_its_databases(workspace: Path, app: Path) -> None:
    before = dump(app)

    async def work(rt: Runtime) -> None:
        await sql(rt, "DELETE FROM users")

    async def later(to_act: bool) -> None:
        async with Runtime.open(workspace, to_act=to_act) as rt:
            await (rt.undo if to_act else rt.redo)()

    run(workspace, app, work)
    after = dump(app)
    asyncio.run(later(to_act=True))
    assert dump(app) == before
    asyncio.run(later(to_act=False))
    assert dump(app) == after


def test_a_fork_takes_back_nothing_of_the_other(workspace: Path, app: Path) -> None:
    async def work(rt: Runtime) -> None:
        await sql(rt, "UPDATE users SET age = 1 WHERE id = 1")
        async with await rt.fork(1) as branch:
            assert branch.view.marks == ()
            await sql(branch, "UPDATE users SET age = 2 WHERE id = 2")
            stood = dump(app)
            with pytest.raises(UsageError):
                await branch.revert(2)
            await branch.undo()
            await rt.undo()
            assert dump(app) != stood
        with closing(sqlite3.connect(app)) as db:
            assert db.execute("SELECT age FROM users").fetchall() == [(30,), (40,), (50,)]

    run(workspace, app, work)


def test_a_rejected_act_is_taken_out_and_an_accepted_one_stays(workspace: Path, app: Path) -> None:
    async def work(rt: Runtime) -> None:
        await sql(rt, "DELETE FROM users WHERE id = 1")
        kept = dump(app)
        await sql(rt, "DELETE FROM users WHERE id = 2")
        assert [op.id for op in rt.to_review()] == [1, 2]
        await rt.accept(1)
        await rt.reject(2, because="Bob is needed")
        assert dump(app) == kept and [op.id for op in rt.to_review()] == []
        await rt.undo()
        assert [op.id for op in rt.to_review()] == [2]

    run(workspace, app, work)


def test_what_is_kept_for_undo_is_not_garbage(workspace: Path, app: Path) -> None:
    before = dump(app)

    async def work(rt: Runtime) -> None:
        await sql(rt, "DELETE FROM users")
        await rt.act("bash", command="echo x > x")

    async def later() -> None:
        async with Runtime.open(workspace) as rt:
            await rt.undo(2)

    run(workspace, app, work)
    done = subprocess.run([sys.executable, "-m", "agentrt", "gc", "--workspace", str(workspace)], capture_output=True)
    assert done.returncode == 0, done.stderr
    asyncio.run(later())
    assert dump(app) == before


@pytest.mark.parametrize(
    ("databases", "says"),
    [
        ({"app": "sqlit:///x.db"}, "sqlit"),
        ({"app": "app.db"}, "needs a URL"),
        ({"App": "sqlite:///x.db"}, "cannot be a database's name"),
        ({"app": "sqlite://u:secret@h/x.db"}, "has a password in it"),
        ({"app": "sqlite:///:memory:"}, "not in a file"),
    ],
)
def test_what_cannot_be_right_is_said_before_anything_is_opened(
    workspace: Path, databases: dict[str, str], says: str
) -> None:
    async def opened() -> None:
        async with Runtime.open(workspace, databases=databases):
            pass

    with pytest.raises(UsageError, match=says) as caught:
        asyncio.run(opened())
    assert "secret" not in str(caught.value)


def test_a_database_that_is_not_known_any_more_is_said(workspace: Path, app: Path) -> None:
    async def work(rt: Runtime) -> None:
        await sql(rt, "DELETE FROM users")

    async def later() -> None:
        async with Runtime.open(workspace, databases={"other": f"sqlite:///{app}"}) as rt:
            with pytest.raises(UsageError, match="the database app was changed"):
                await rt.undo()
            found = await rt.verify_undo()
            assert not found.ok and "app" in found.databases[0].damage

    run(workspace, app, work)
    asyncio.run(later())


def test_what_could_not_be_settled_is_taken_back(workspace: Path, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dump(app)

    async def work(rt: Runtime) -> None:
        settle, failed = rt.settle, []

        def breaks(*given: Any, **how: Any) -> Operation:
            if not failed:
                failed.append(dump(app))
                raise OSError("the disk is gone")
            return settle(*given, **how)

        monkeypatch.setattr(rt, "settle", breaks)
        op = await rt.act("sql", database="app", statement="UPDATE users SET age = 0")
        assert op.status == "failed" and op.effects == () and failed[0] != before
        assert op.observation is not None and "the disk is gone" in str(op.observation.error)
        assert dump(app) == before and rt.view.marks == ()

    run(workspace, app, work)


def test_what_cannot_be_taken_back_any_more_is_said(
    workspace: Path, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(rt: Runtime) -> None:
        settle, failed = rt.settle, []

        def breaks(*given: Any, **how: Any) -> Operation:
            if not failed:
                failed.append(1)
                write(app, "UPDATE users SET age = 77 WHERE id = 2")  # somebody, in that very moment
                raise OSError("the disk is gone")
            return settle(*given, **how)

        monkeypatch.setattr(rt, "settle", breaks)
        op = await rt.act("sql", database="app", statement="UPDATE users SET age = 0")
        assert (op.status, op.review) == ("failed", "pending")
        assert [e.reversibility for e in op.effects] == ["unknown"]
        assert op.observation is not None and "may stand" in str(op.observation.error)
        assert rt.view.marks == ()

    run(workspace, app, work)


def test_rules_speak_of_tables(workspace: Path, app: Path) -> None:
    write(app, "CREATE TABLE payments (n)")
    policy = {
        "judge": [
            {"verdict": "roll_back", "tables": ["app.payments"], "because": "money", "match": ["deleted rows of app.payments"]},
            {"verdict": "accept", "tables": ["*.users"], "change": ["modified"], "not_match": ["deleted rows of app.users"]},
        ]
    }  # fmt: skip

    async def work(rt: Runtime) -> None:
        paid = await rt.act("sql", database="app", statement="INSERT INTO payments VALUES (1)")
        assert paid.status == "rolled_back" and paid.judgement is not None
        assert paid.judgement.because == "1 row of app: payments changed: money"
        assert (await sql(rt, "UPDATE users SET age = 1")).review == "accepted"
        assert (await sql(rt, "DELETE FROM users WHERE id = 1")).review == "pending"
        assert (await sql(rt, "CREATE TABLE t (x)")).review == "pending"

    run(workspace, app, work, policy=policy)


def test_a_policy_says_who_may_use_sql(workspace: Path, app: Path) -> None:
    async def work(rt: Runtime) -> None:
        assert (await rt.act("sql", database="app", statement="SELECT 1")).status == "denied"

    run(workspace, app, work, policy={"decide": [{"verdict": "deny", "actions": ["sql"]}]})


def test_an_apply_leaves_rows_and_can_be_taken_back_across_them(workspace: Path, app: Path, box: Any) -> None:
    before = dump(app)

    async def work(rt: Runtime) -> None:
        await sql(rt, "DELETE FROM users WHERE id = 1")
        await rt.act("bash", command="echo two > a.txt")
        after = dump(app)
        await rt.apply()
        assert rt.view.marks == (1,) and dump(app) == after
        await rt.undo()
        assert rt.view.marks == (1,) and dump(app) == after and (workspace / "a.txt").read_text() == "one\n"
        await rt.redo()
        await rt.revert(1)  # from under the apply
        assert dump(app) == before and (workspace / "a.txt").read_text() == "two\n"
        await rt.restore(1)
        assert dump(app) == after and (workspace / "a.txt").read_text() == "one\n"

    run(workspace, app, work, sandbox=box)


def test_where_the_journal_cannot_be_read_no_lock_is_left(
    workspace: Path, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(app)

    async def work(rt: Runtime) -> None:
        def unread(*_: Any, **__: Any) -> Operation:
            raise JournalError("the journal cannot be read")

        with monkeypatch.context() as patch:
            patch.setattr(rt.journal, "operation", unread)
            op = await rt.act("sql", database="app", statement="DELETE FROM users")
        assert op.status == "rolled_back"
        connection = apsw.Connection(str(app))  # the same copy of SQLite: Python's own is not kept apart
        connection.execute("BEGIN IMMEDIATE")
        connection.close()

    run(workspace, app, work, policy={"limits": {"rows_changed": 2}})
    assert dump(app) == before
