"""What somebody else wrote to the database since is never lost: it stays, or nothing is touched."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from database_steps import plan, take
from sqlite_desk import Client, Desk

from agentrt.contracts import Step
from agentrt.errors import Conflict, ResourceError

USERS = """
    CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, mail TEXT UNIQUE, age INT);
    INSERT INTO users (mail, age) VALUES ('a@x', 1), ('b@x', 2), ('c@x', 3);
    CREATE TABLE loose (v);
    INSERT INTO loose VALUES ('one'), ('two');
    CREATE TABLE posts (id INTEGER PRIMARY KEY, by INT REFERENCES users);
    CREATE TABLE replaced (k TEXT PRIMARY KEY, u INT UNIQUE ON CONFLICT REPLACE);
    INSERT INTO replaced VALUES ('a', 1);
    CREATE VIEW grown AS SELECT * FROM users WHERE age > 17;
"""


@pytest.mark.parametrize(
    ("did", "theirs", "kept"),
    [
        ("UPDATE users SET age = 9 WHERE id = 1", "UPDATE users SET age = 8 WHERE id = 2", "SELECT age = 8 FROM users WHERE id = 2"),
        ("DELETE FROM users WHERE id = 1", "INSERT INTO users (mail) VALUES ('d@x')", "SELECT id = 4 FROM users WHERE mail = 'd@x'"),
        ("INSERT INTO users (mail) VALUES ('d@x')", "INSERT INTO users (mail) VALUES ('e@x')", "SELECT id = 5 FROM users WHERE mail = 'e@x'"),
        ("UPDATE loose SET v = 'x' WHERE rowid = 1", "INSERT INTO loose VALUES ('three')", "SELECT count(*) = 3 FROM loose"),
        ("ALTER TABLE users ADD COLUMN z", "INSERT INTO loose VALUES ('three')", "SELECT count(*) = 3 FROM loose"),
        ("DROP TABLE loose", "UPDATE users SET age = 8", "SELECT min(age) = 8 FROM users"),
        ("CREATE TABLE t (x)", "CREATE TABLE s (y)", "SELECT count(*) = 0 FROM s"),
        ("DELETE FROM replaced", "VACUUM", "SELECT count(*) = 3 FROM users"),
    ],
)  # fmt: skip
def test_other_rows_stay(did: str, theirs: str, kept: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, USERS)
        before = desk.dump()
        mark, _ = await desk.act(did)
        desk.client(theirs)
        both = desk.dump()
        await desk.back(mark)
        assert desk.ask(kept) == [(1,)]
        await desk.forth(mark)
        assert desk.dump() == both
        assert desk.ask(kept) == [(1,)]
        assert before != both

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("did", "theirs", "path", "said"),
    [
        ("UPDATE users SET age = 9 WHERE id = 1", "UPDATE users SET age = 8 WHERE id = 1", "app:users[id=1]", "age=8"),
        ("UPDATE users SET age = 9 WHERE id = 1", "UPDATE users SET age = '9x' WHERE id = 1", "app:users[id=1]", "age='9x'"),
        ("UPDATE users SET age = 9 WHERE id = 1", "DELETE FROM users WHERE id = 1", "app:users[id=1]", "no such row"),
        ("DELETE FROM users WHERE id = 1", "INSERT INTO users (id, mail) VALUES (1, 'new')", "app:users[id=1]", "mail='new'"),
        ("INSERT INTO users (mail) VALUES ('d@x')", "UPDATE users SET age = 5 WHERE mail = 'd@x'", "app:users[id=4]", "age=5"),
        ("DELETE FROM users WHERE id = 1", "INSERT INTO users (mail) VALUES ('a@x')", "app:users[id=1]", "UNIQUE"),
        ("UPDATE replaced SET u = 2", "INSERT INTO replaced VALUES ('b', 1)", "app:replaced[k='a']", "UNIQUE"),
        ("INSERT INTO users (mail) VALUES ('d@x')", "INSERT INTO posts VALUES (1, 4)", "app:posts[id=1]", "by=4"),
        ("CREATE TABLE t (x)", "INSERT INTO t VALUES (1)", "app:t", "1 rows, 1 of them other ones: x=1"),
        ("CREATE TABLE t (x); INSERT INTO t VALUES (2)", "UPDATE t SET x = 3", "app:t", "x=3"),
        ("CREATE TABLE t (x)", "CREATE INDEX i ON t (x)", "app:index i", "CREATE INDEX i"),
        ("CREATE TABLE t (x)", "ALTER TABLE t ADD COLUMN y", "app:t", "x, y"),
        ("CREATE TABLE t (x)", "DROP TABLE t", "app:t", "nothing of that name"),
        ("DROP TABLE loose", "CREATE TABLE loose (other)", "app:loose", "CREATE TABLE loose (other)"),
        ("ALTER TABLE users ADD COLUMN z", "INSERT INTO users (mail) VALUES ('d@x')", "app:users", "mail='d@x'"),
        ("ALTER TABLE users ADD COLUMN z", "CREATE TRIGGER g AFTER INSERT ON users BEGIN SELECT 1; END", "app:trigger g", "CREATE TRIGGER g"),
        ("UPDATE loose SET v = 'x' WHERE rowid = 1", "ALTER TABLE loose ADD COLUMN more", "app:loose", "columns v, more"),
        ("UPDATE loose SET v = 'x' WHERE rowid = 1", "DROP TABLE loose", "app:loose", "no such table"),
        ("DROP VIEW grown", "CREATE VIEW grown AS SELECT 1", "app:view grown", "SELECT 1"),
        ("PRAGMA user_version = 4", "PRAGMA user_version = 5", "app:user_version", "5"),
        ("DROP TABLE loose", "CREATE VIEW loose AS SELECT 1", "app:view loose", "SELECT 1"),
        ("DROP INDEX i2", "UPDATE users SET age = 1; INSERT INTO users (mail, age) VALUES ('d@x', 1)", "app:index i2", "UNIQUE"),
    ],
)  # fmt: skip
def test_the_same_thing_is_a_conflict_and_nothing_is_touched(
    did: str, theirs: str, path: str, said: str, tmp_path: Path
) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, USERS + ("CREATE UNIQUE INDEX i2 ON users (age);" if "i2" in did else ""))
        mark, _ = await desk.act(did)
        desk.client(theirs)
        ((_, ours, found),) = (each for each in await desk.conflicts(mark) if each[0] == path)
        assert said in found
        assert ours

    asyncio.run(whole())


def test_every_conflict_is_told(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, USERS)
        first, _ = await desk.act("UPDATE users SET age = age + 10")
        second, _ = await desk.act("DELETE FROM loose WHERE v = 'one'")
        desk.client("UPDATE users SET age = 0 WHERE id <> 2; INSERT INTO loose (rowid, v) VALUES (1, 'mine')")
        planned = await plan(desk.database, [Step(second, "back"), Step(first, "back")])
        assert [each.path for each in planned.conflicts] == [
            "app:loose[rowid=1]",
            "app:users[id=1]",
            "app:users[id=3]",
        ]
        assert planned.conflicts[1].ours == "age=1"
        assert planned.conflicts[1].theirs == "age=0"

    asyncio.run(whole())


def test_an_older_action_goes_and_a_later_one_stays(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, USERS)
        first, _ = await desk.act("UPDATE users SET age = 10 WHERE id = 1; INSERT INTO users (mail) VALUES ('d@x')")
        second, _ = await desk.act("UPDATE users SET age = 20 WHERE id = 2; INSERT INTO users (mail) VALUES ('e@x')")
        both = desk.dump()
        await desk.back(first)
        assert desk.ask("SELECT id, mail, age FROM users") == [
            (1, "a@x", 1), (2, "b@x", 20), (3, "c@x", 3), (5, "e@x", None),
        ]  # fmt: skip
        assert await desk.database.stands(first) is False
        assert await desk.database.stands(second) is True
        await desk.forth(first)
        assert desk.dump() == both
        third, _ = await desk.act("UPDATE users SET age = 30 WHERE id = 1")
        with pytest.raises(Conflict):
            await desk.back(first)
        assert await desk.database.stands(first) is None
        assert await desk.database.stands(third) is True

    asyncio.run(whole())


def test_several_steps_are_one(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, USERS)
        states = [desk.dump()]
        marks = []
        for statements in (
            "UPDATE users SET age = age + 1",
            "ALTER TABLE users ADD COLUMN z DEFAULT 1",
            "UPDATE users SET z = id; DELETE FROM users WHERE id = 3",
            "CREATE TABLE t AS SELECT * FROM users",
            "DROP TABLE t",
            "ALTER TABLE users RENAME TO people",
        ):
            mark, _ = await desk.act(statements)
            marks.append(mark)
            states.append(desk.dump())
        effects = await desk.back(*reversed(marks))
        assert desk.dump() == states[0]
        assert not [effect for effect in effects if getattr(effect, "name", "") == "t"]  # came and went
        await desk.forth(*marks[:3])
        assert desk.dump() == states[3]
        await take(
            desk.database,
            [Step(marks[2], "back"), Step(marks[2], "forth"), *(Step(mark, "forth") for mark in marks[3:])],
        )
        assert desk.dump() == states[-1]
        desk.client("UPDATE people SET age = 77 WHERE id = 1")
        there = desk.dump()
        with pytest.raises(Conflict):
            await desk.back(*reversed(marks))
        assert desk.dump() == there

    asyncio.run(whole())


def test_a_plan_touches_nothing_and_says_what_undo_does(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, USERS)
        mark, _ = await desk.act("UPDATE users SET age = 9 WHERE id = 1; DROP TABLE loose")
        there = desk.dump()
        planned = await plan(desk.database, [Step(mark, "back")])
        assert desk.dump() == there
        assert planned.conflicts == ()
        assert planned.effects == tuple(await desk.back(mark))
        assert desk.dump() != there

    asyncio.run(whole())


def test_a_lock_of_another_program_is_waited_for_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, "PRAGMA journal_mode = wal;" + USERS)
        mark, _ = await desk.act("UPDATE users SET age = 9")
        with Client(desk.file) as other:
            other("BEGIN IMMEDIATE")
            assert (await desk.run("SELECT count(*) FROM users"))[0].rows == ((3,),)
            with monkeypatch.context() as patch:
                patch.setattr("agentrt.tools.databases.sqlite.file.PATIENCE_S", 0.2)
                with pytest.raises(ResourceError, match="locked by another program") as caught:
                    await desk.run("UPDATE users SET age = 10")
                assert caught.value.hint
                with pytest.raises(ResourceError, match="locked by another program"):
                    await desk.back(mark)
            other("UPDATE users SET age = 50 WHERE id = 1")
            waiting = asyncio.ensure_future(desk.run("UPDATE users SET age = age + 1"))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            other("COMMIT")
            await waiting
        assert desk.ask("SELECT age FROM users") == [(51,), (10,), (10,)]

    asyncio.run(whole())


def test_a_commit_that_a_reader_keeps_from_happening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentrt.tools.databases.sqlite.file.PATIENCE_S", 0.2)

    async def whole() -> None:
        desk = Desk(tmp_path, "PRAGMA journal_mode = delete;" + USERS)
        there = desk.dump()
        with Client(desk.file) as reader:
            reader("BEGIN")
            reader("SELECT * FROM users")
            await desk.database.begin("m")
            await desk.database.execute("UPDATE users SET age = 10", rows=1)
            await desk.database.seal()
            with pytest.raises(ResourceError, match="locked by another program"):
                await desk.database.commit()
        assert desk.dump() == there
        assert await desk.database.stands("m") is False
        assert not (desk.aside / "m/app.json").exists()

    asyncio.run(whole())


@pytest.mark.parametrize("what", ["commit", "undo"])
def test_cancelled_while_it_is_put_in_place_it_is_there_all_the_same(what: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, "PRAGMA journal_mode = delete;" + USERS)
        before = desk.dump()
        if what == "undo":
            await desk.act("DELETE FROM users")
        with Client(desk.file) as reader:
            reader("BEGIN")
            reader("SELECT * FROM users")
            if what == "commit":
                await desk.database.begin("m1")
                await desk.database.execute("DELETE FROM users", rows=1)
                await desk.database.seal()
            waiting = asyncio.ensure_future(desk.database.commit() if what == "commit" else desk.back("m1"))
            await asyncio.sleep(0.2)
            waiting.cancel()
            await asyncio.sleep(0.1)
            assert not waiting.done()
            reader("COMMIT")
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert await desk.database.stands("m1") is (what == "commit")
        if what == "commit":
            await desk.back("m1")
        assert desk.dump() == before

    asyncio.run(whole())


def test_nobody_sees_what_is_not_committed(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, "PRAGMA journal_mode = wal;" + USERS)
        with Client(desk.file) as other:
            await desk.database.begin("m")
            await desk.database.execute("DELETE FROM users", rows=1)
            assert await desk.database.seal()
            assert other("SELECT count(*) FROM users") == [[3]]
            await desk.database.commit()
            assert other("SELECT count(*) FROM users") == [[0]]

    asyncio.run(whole())


def test_what_was_read_first_does_not_keep_from_writing(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, "PRAGMA journal_mode = wal;" + USERS)
        await desk.database.begin("m")
        await desk.database.execute("SELECT * FROM users", rows=5)
        with Client(desk.file) as other:
            other("UPDATE users SET age = 100 WHERE id = 2")
        await desk.database.execute("UPDATE users SET age = age + 1 WHERE id = 2", rows=5)
        await desk.database.seal()
        await desk.database.commit()
        assert desk.ask("SELECT age FROM users WHERE id = 2") == [(101,)]
        await desk.back("m")
        assert desk.ask("SELECT age FROM users WHERE id = 2") == [(100,)]

    asyncio.run(whole())
