"""One action on an SQLite database: what it gives, what it refuses, how it ends, and what a crash leaves."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from database_steps import plan, take
from sqlite_desk import Client, Desk

from agentrt.contracts import Answered, Step
from agentrt.errors import AgentrtError, ResourceError, UsageError
from agentrt.records import RowsEffect, SchemaEffect, dump_json
from agentrt.tools.databases.sqlite import open_database

SETUP = """
    CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, age INT CHECK (age < 1000));
    INSERT INTO users (name, age) VALUES ('Ann', 30), ('Bob', 40), ('Cyd', 50);
    CREATE TABLE posts (id INTEGER PRIMARY KEY, by INT REFERENCES users DEFERRABLE INITIALLY DEFERRED);
"""


def test_what_statements_give(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP)
        assert await desk.run("SELECT id, name AS who FROM users", rows=2) == [
            Answered(("id", "who"), ((1, "Ann"), (2, "Bob")), True, 0)
        ]
        assert await desk.run("SELECT id FROM users", rows=3) == [Answered(("id",), ((1,), (2,), (3,)), False, 0)]
        assert await desk.run("SELECT id FROM users WHERE 0", rows=0) == [Answered(("id",), (), False, 0)]
        assert await desk.run("UPDATE users SET age = 1 WHERE id < 3; -- and\n /* so on */ ;; DELETE FROM posts;") == [
            Answered((), (), False, 2),
            Answered((), (), False, 0),
        ]
        assert await desk.run("UPDATE users SET age = 2 RETURNING name", rows=1) == [
            Answered(("name",), (("Ann",),), True, 3)
        ]
        assert desk.ask("SELECT sum(age) FROM users") == [(6,)]
        values = ("a\0b", b"\0\xff", None, 1.5, float("inf"), 2**62, "日本")
        assert (await desk.run("SELECT ?, ?, ?, ?, ?, ?, ?", values))[0].rows == (values,)
        assert (await desk.run("SELECT :a || $b AS c", {"a": "x", "b": "y"}))[0].rows == (("xy",),)
        assert (await desk.run("EXPLAIN QUERY PLAN SELECT * FROM users"))[0].columns
        assert (await desk.run("PRAGMA table_info(users)"))[0].rows[0][:2] == (0, "id")

    asyncio.run(whole())


REFUSED = {
    "ATTACH 'other.db' AS o": "other files",
    "DETACH main": "other files",
    "VACUUM INTO 'copy.db'": "cannot VACUUM",
    "BEGIN IMMEDIATE": "one transaction",
    "BEGIN": "one transaction",
    "COMMIT": "one transaction",
    "END": "one transaction",
    "ROLLBACK": "one transaction",
    "SAVEPOINT s": "one transaction",
    "RELEASE s": "one transaction",
    "SELECT load_extension('x')": "load_extension",
    "ANALYZE": "cannot be put back",
    "PRAGMA journal_mode = delete": "journal_mode",
    "PRAGMA writable_schema = ON": "writable_schema",
    "PRAGMA foreign_keys = OFF": "foreign_keys",
    "PRAGMA wal_checkpoint": "wal_checkpoint",
    "PRAGMA optimize": "optimize",
    "PRAGMA encoding = 'UTF-16'": "encoding",
    "PRAGMA schema_version = 5": "schema_version",
    "VACUUM": "",
    "DROP TABLE sqlite_sequence": "",
    "UPDATE sqlite_schema SET sql = ''": "",
    "SELECT * FROM missing": "no such table: missing",
    "SELEC 1": 'near "SELEC": syntax error',
    "INSERT INTO users (name) VALUES ('Ann')": "UNIQUE constraint failed: users.name",
    "UPDATE users SET age = 5000": "CHECK constraint failed",
    "SELECT ?": "",
    "SELECT '\ud800'": "",
    "SELECT 1 \0": "",
    "": "no statement",
    " -- nothing\n;/* at all */": "no statement",
}


@pytest.mark.parametrize("statement", REFUSED)
def test_what_is_refused_takes_the_action_with_it(statement: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP)
        there = desk.dump()
        await desk.database.begin("m")
        await desk.database.execute("SELECT 1; UPDATE users SET age = 1", rows=1)
        with pytest.raises(UsageError) as caught:
            await desk.database.execute(statement, rows=1)
        assert REFUSED[statement] in caught.value.message
        desk.client("UPDATE users SET age = 30 WHERE id = 1")  # no lock is held
        with pytest.raises(UsageError, match="the transaction is over"):
            await desk.database.execute("SELECT 1", rows=1)
        assert await desk.database.seal() == ()
        await desk.database.commit()
        assert desk.dump() == there
        assert list(tmp_path.iterdir()) == [desk.file]

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        ("SELECT ?", (1, 2)),
        ("SELECT :a", {"b": 1}),
        ("SELECT ?", ([],)),
        ("SELECT ?", (2**64,)),
        ("SELECT ?", ("\ud800",)),
        ("SELECT ?; SELECT ?", (1, 2)),
        ("SELECT 1; SELECT ?", (1,)),
    ],
)
def test_parameters_that_do_not_fit(statement: str, parameters: object, tmp_path: Path) -> None:
    async def whole() -> None:
        with pytest.raises(UsageError) as caught:
            await Desk(tmp_path, SETUP).run(statement, parameters)
        assert str(caught.value)

    asyncio.run(whole())


def test_what_changes_nothing_leaves_nothing(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP)
        for statements in (
            "SELECT * FROM users",
            "UPDATE users SET age = age",
            "UPDATE users SET age = 1 WHERE id = 1; UPDATE users SET age = 30 WHERE id = 1",
            "DELETE FROM users WHERE id = 2; INSERT INTO users VALUES (2, 'Bob', 40)",
            "CREATE TABLE t (x); INSERT INTO t VALUES (1); DROP TABLE t",
            "CREATE TEMP TABLE t (x); INSERT INTO t SELECT id FROM users; SELECT * FROM t",
            "PRAGMA user_version = 4; PRAGMA user_version = 0",
        ):
            there = desk.dump()
            mark, effects = await desk.act(statements)
            assert effects == (), statements
            assert {**desk.dump(), "schema": 0} == {**there, "schema": 0}
            assert await desk.database.stands(mark) is False
            with pytest.raises(ResourceError, match="is gone"):  # never taken for something that was undone
                await desk.back(mark)
        assert not desk.aside.exists()

    asyncio.run(whole())


def test_the_effects_of_rows(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP + "CREATE TABLE data (k TEXT PRIMARY KEY, v); INSERT INTO data VALUES ('a', 9e999)")
        _, effects = await desk.act(
            "UPDATE users SET age = 31 WHERE id = 1; DELETE FROM users WHERE id = 2; INSERT INTO users (name) VALUES ('Dan')"
        )
        (effect,) = effects
        assert isinstance(effect, RowsEffect)
        assert (effect.database, effect.table, effect.change) == ("app", "users", "modified")
        assert (effect.inserted, effect.updated, effect.deleted) == (1, 1, 1)
        assert {"id": 2, "name": "Bob", "age": 40} in [row.before for row in effect.rows]
        assert [(row.before, row.after) for row in effect.rows if row.before and row.after] == [
            ({"id": 1, "name": "Ann", "age": 30}, {"id": 1, "name": "Ann", "age": 31})
        ]
        _, (effect,) = await desk.act(
            "UPDATE data SET v = zeroblob(500)", "INSERT INTO data VALUES (hex(zeroblob(500)), 1)"
        )
        assert isinstance(effect, RowsEffect)
        (changed, came) = effect.rows
        assert changed.before == {"k": "a", "v": "inf"}
        assert changed.after == {"k": "a", "v": f"x'{'0' * 200}…'"}
        assert came.after == {"k": "0" * 200 + "…", "v": 1}
        json.loads(dump_json(effect), parse_constant=pytest.fail)
        _, (effect,) = await desk.act(
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO posts SELECT i, 1 FROM n"
        )
        assert isinstance(effect, RowsEffect)
        assert (effect.change, effect.count, len(effect.rows)) == ("created", 100, 20)

    asyncio.run(whole())


def test_the_effects_of_definitions(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP + "CREATE INDEX by_age ON users (age);")
        _, effects = await desk.act("DROP TABLE users")
        told = {(each.object, each.name): each for each in effects if isinstance(each, SchemaEffect)}
        assert told[("table", "users")].change == "deleted"
        assert told[("table", "users")].rows == 3
        assert told[("index", "by_age")].before == "CREATE INDEX by_age ON users (age)"
        _, (effect,) = await desk.act("CREATE TABLE t (x)")
        assert isinstance(effect, SchemaEffect)
        assert (effect.change, effect.before, effect.after, effect.rows) == (
            "created",
            None,
            "CREATE TABLE t (x)",
            None,
        )
        await desk.act("INSERT INTO t VALUES (1), (2)")
        _, (effect,) = await desk.act("ALTER TABLE t RENAME TO s")
        assert isinstance(effect, SchemaEffect)
        assert (effect.name, effect.change, effect.rows, effect.note) == ("s", "modified", 2, "renamed from t")
        _, (effect,) = await desk.act("PRAGMA user_version = 3")
        assert isinstance(effect, SchemaEffect)
        assert (effect.object, effect.name, effect.before, effect.after) == ("pragma", "user_version", "0", "3")
        _, effects = await desk.act("ALTER TABLE s ADD COLUMN y DEFAULT 1; UPDATE s SET x = 5 WHERE x = 1")
        assert [each.kind for each in effects] == ["schema", "rows"]
        assert isinstance(effects[1], RowsEffect)
        assert (effects[1].updated, effects[1].count) == (1, 1)

    asyncio.run(whole())


def test_what_is_discarded_does_not_stand(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP)
        there = desk.dump()
        await desk.database.discard()
        for sealed in (False, True):
            await desk.database.begin("m")
            await desk.database.execute("DROP TABLE users", rows=1)
            if sealed:
                assert await desk.database.seal()
                assert (desk.aside / "m/app.json").exists()
            await desk.database.discard()
            assert desk.dump() == there
            assert await desk.database.stands("m") is False
            assert not list(desk.aside.glob("m/*"))
        await desk.database.begin("m")
        await desk.database.execute("DELETE FROM posts; DELETE FROM users", rows=1)
        await desk.database.close()
        assert desk.dump() == there
        await desk.act("DELETE FROM users")
        await desk.database.discard()
        assert desk.ask("SELECT count(*) FROM users") == [(0,)]

    asyncio.run(whole())


def test_only_what_is_sealed_is_committed_and_nothing_is_done_after(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP)
        there = desk.dump()
        await desk.database.begin("m")
        await desk.database.execute("DELETE FROM users", rows=1)
        with pytest.raises(ResourceError, match="nothing is kept"):
            await desk.database.commit()
        assert desk.dump() == there
        await desk.database.begin("m")
        await desk.database.execute("DELETE FROM users WHERE id = 1", rows=1)
        await desk.database.seal()
        with pytest.raises(UsageError, match="the transaction is over"):
            await desk.database.execute("DELETE FROM users", rows=1)
        await desk.database.commit()
        assert desk.ask("SELECT count(*) FROM users") == [(2,)]
        with pytest.raises(UsageError, match="the transaction is over"):
            await desk.database.execute("DELETE FROM users", rows=1)

    asyncio.run(whole())


def test_a_reference_that_dangles_in_the_end_is_told_before_anything_is_kept(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP)
        there = desk.dump()
        await desk.database.begin("m")
        await desk.database.execute("INSERT INTO posts VALUES (1, 77)", rows=1)
        with pytest.raises(ResourceError, match="FOREIGN KEY"):
            await desk.database.seal()
        await desk.database.commit()
        assert desk.dump() == there
        assert not desk.aside.exists()

    asyncio.run(whole())


def test_what_is_kept_is_the_users_alone(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP)
        before = os.umask(0)
        try:
            mark, _ = await desk.act("DELETE FROM users")
        finally:
            os.umask(before)
        assert [path.name for path in (desk.aside / mark).iterdir()] == ["app.json"]
        assert stat.S_IMODE((desk.aside / mark).stat().st_mode) == 0o700
        assert stat.S_IMODE((desk.aside / mark / "app.json").stat().st_mode) == 0o600

    asyncio.run(whole())


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"format": 9, "engine": "sqlite"}', b'{"format": 2, "engine": "other"}', b'{"format": 2, "engine": "sqlite", "changes": [{"table": 1}], "own": {}}', b'{"format": 2, "engine": "sqlite", "changes": [{"table": "t", "key": ["a"], "before": ["a"], "after": null, "rows": [["1", [1], null]]}], "own": {}}', b'{"format": 2, "engine": "sqlite", "changes": [], "own": {}}'])  # fmt: skip
def test_a_damaged_record_is_told(content: bytes, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP)
        mark, _ = await desk.act("DELETE FROM users")
        (desk.aside / mark / "app.json").write_bytes(content)
        there = desk.dump()
        for asked in (desk.database.stands(mark), desk.back(mark), plan(desk.database, [Step(mark, "back")])):
            with pytest.raises(ResourceError, match=r"app\.json"):
                await asked
        assert desk.dump() == there

    asyncio.run(whole())


def test_no_room_for_what_undo_needs_and_nothing_stands(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP)
        there = desk.dump()
        desk.aside.write_text("in the way")
        await desk.database.begin("m")
        await desk.database.execute("DELETE FROM users", rows=1)
        with pytest.raises(ResourceError, match="could not be kept"):
            await desk.database.seal()
        await desk.database.commit()
        assert desk.dump() == there

    asyncio.run(whole())


FOREVER = "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.mark.parametrize("statement", [FOREVER, f"UPDATE users SET age = ({FOREVER})", "UPDATE users SET age = 2"])
def test_a_cancelled_statement_is_over(statement: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, "PRAGMA journal_mode = wal;" + SETUP)
        there = desk.dump()
        with Client(desk.file) as other:
            await desk.database.begin("m")
            if statement.endswith("2"):  # waits for a lock
                other("BEGIN IMMEDIATE")
            else:
                await desk.database.execute("UPDATE users SET age = 1", rows=1)
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(desk.database.execute(statement, rows=1), 0.2)
            assert time.monotonic() - started < 3
            if statement.endswith("2"):
                other("COMMIT")
            other("UPDATE users SET age = 30 WHERE id = 1")  # no lock is held
            assert await desk.database.seal() == ()
            await desk.database.commit()
        assert desk.dump() == there
        await desk.act("DELETE FROM users")
        assert desk.ask("SELECT count(*) FROM users") == [(0,)]

    asyncio.run(whole())


_CHILD = """
import asyncio, os, signal, sys
from pathlib import Path
from agentrt.tools.databases.sqlite import open_database

async def main(folder, until, statements):
    database = open_database("sqlite:///app.db", name="app", folder=folder, aside=folder / "aside")
    await database.begin("m")
    await database.execute(statements, rows=1)
    if until != "executed":
        await database.seal()
    if until == "committed":
        await database.commit()
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
"""


@pytest.mark.parametrize("journal", ["wal", "delete"])
@pytest.mark.parametrize("until", ["executed", "sealed", "committed"])
@pytest.mark.parametrize(
    "statements", ["UPDATE users SET age = 1", "DROP TABLE users", "PRAGMA user_version = 5", "INSERT INTO users (name) VALUES ('x'); DELETE FROM users WHERE name = 'x'"]
)  # fmt: skip
def test_what_stands_after_a_crash(statements: str, until: str, journal: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, f"PRAGMA journal_mode = {journal};{SETUP}")
        before = desk.dump()
        ended = subprocess.run([sys.executable, "-c", _CHILD, tmp_path, until, statements], check=False)
        assert ended.returncode == -signal.SIGKILL
        assert (desk.aside / "m/app.json").exists() is (until != "executed")
        assert await desk.database.stands("m") is (until == "committed")
        assert (desk.dump() != before) is (until == "committed")
        if until == "committed":
            await desk.back("m")
        assert desk.dump() == before
        assert await desk.database.stands("m") is False

    asyncio.run(whole())


# ------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("url", "said", "hint"),
    [
        ("sqlite://", "undo could not reach", "sqlite:///"),
        ("sqlite:///", "undo could not reach", "sqlite:///"),
        ("sqlite:///:memory:", "undo could not reach", "sqlite:///"),
        ("sqlite:///file:x?mode=memory", "undo could not reach", "sqlite:///"),
        ("sqlite://user:hunter2@host/app.db", "not one of a file", "sqlite:///"),
        ("sqlite://app.db", "not one of a file", "sqlite:///"),
        ("postgresql:///app.db", "not one of a file", "sqlite:///"),
        ("sqlite:///app.db?mod=ro&key=hunter2", "not known", "did you mean `mode`?"),
        ("sqlite:///app.db?mode=rwx", "not known", "did you mean `rw`?"),
        ("sqlite:///app.db#hunter2", "not one of a file", "sqlite:///"),
        ("sqlite:///folder/", "names no file", "sqlite:///"),
        ("sqlite://[hunter2", "cannot be read", "sqlite:///"),
    ],
)
def test_a_url_that_is_not_understood(url: str, said: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        open_database(url, name="app", folder=tmp_path, aside=tmp_path / "aside")
    assert hint in caught.value.hint
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "real.db").touch()
    (tmp_path / "link.db").symlink_to("real.db")
    (tmp_path / "folder.db").mkdir()
    os.mkfifo(tmp_path / "fifo.db")
    (tmp_path / "text.db").write_text("not a database at all " * 100)
    for name, error, said in (
        ("link.db", UsageError, "symbolic link"),
        ("folder.db", UsageError, "is a directory"),
        ("fifo.db", UsageError, "not a regular file"),
        ("missing.db", UsageError, "is not there"),
        ("no/such/folder.db?mode=rwc", ResourceError, "cannot be opened"),
        ("text.db", ResourceError, "not a database"),
    ):
        database = open_database(f"sqlite:///{name}", name="app", folder=tmp_path, aside=tmp_path / "aside")

        async def act(database: object = database) -> None:
            await database.begin("m")
            await database.execute("SELECT * FROM sqlite_schema", rows=1)

        with pytest.raises(error, match=said) as caught:
            asyncio.run(act())
        assert isinstance(caught.value, AgentrtError) and caught.value.hint, name
    assert not (tmp_path / "missing.db").exists()


def test_a_file_is_made_where_the_url_says_so(tmp_path: Path) -> None:
    async def whole() -> None:
        database = open_database(
            "sqlite:///new%20one.db?mode=rwc", name="app", folder=tmp_path, aside=tmp_path / "aside"
        )
        await database.begin("m")
        assert not (tmp_path / "new one.db").exists()
        await database.execute("CREATE TABLE t (x); INSERT INTO t VALUES (1)", rows=1)
        await database.seal()
        assert await database.stands("m") is False
        await database.commit()
        assert await database.stands("m") is True
        await take(database, [Step("m", "back")])
        assert await database.stands("m") is False
        (tmp_path / "new one.db").unlink()
        assert await database.stands("m") is False
        await take(database, [Step("m", "forth")])
        assert await database.stands("m") is True

    asyncio.run(whole())


def test_a_file_that_is_only_read(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP, f"sqlite:///{tmp_path}/app.db?mode=ro")
        assert (await desk.run("SELECT count(*) FROM users"))[0].rows == ((3,),)
        with pytest.raises(UsageError, match="only to be read"):
            await desk.run("DELETE FROM users")

    asyncio.run(whole())


def test_text_that_is_not_utf8_is_told_and_not_lost(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, SETUP + "CREATE TABLE t (x); INSERT INTO t VALUES (CAST(x'ff' AS TEXT))")
        for statement in (
            "SELECT x FROM t",
            "UPDATE t SET x = 1",
            "DROP TABLE t",
            "INSERT INTO t VALUES (CAST(x'fe' AS TEXT))",
        ):
            with pytest.raises(AgentrtError, match="not UTF-8"):
                await desk.act(statement)
            assert desk.ask("SELECT hex(x) FROM t") == [("FF",)]
        assert (await desk.run("SELECT CAST(x AS BLOB) FROM t"))[0].rows == ((b"\xff",),)

    asyncio.run(whole())


def test_a_table_whose_rows_cannot_be_found_again(tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, "CREATE TABLE t (rowid, _rowid_, oid); INSERT INTO t VALUES (1, 2, 3)")
        there = desk.dump()
        for statement in ("UPDATE t SET oid = 5", "DELETE FROM t", "INSERT INTO t VALUES (1, 2, 3)", "DROP TABLE t"):
            with pytest.raises(AgentrtError, match="hide the rowid"):
                await desk.act(statement)
            await desk.database.discard()
            assert desk.dump() == there

    asyncio.run(whole())
