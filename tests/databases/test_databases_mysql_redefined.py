"""Definitions of a MariaDB schema, others who work there at the same time, and actions that do not come to their end."""

from __future__ import annotations

import asyncio
import threading
from itertools import count
from pathlib import Path
from typing import Any

import pymysql
import pytest
from database_steps import back_and_forth, plan, take
from mysql_desk import Desk

from agentrt.contracts import Step
from agentrt.errors import ResourceError, UsageError
from agentrt.tools.databases.mysql import switch
from agentrt.tools.databases.mysql.session import Uncertain
from agentrt.tools.databases.mysql.switch import Switch
from agentrt.tools.databases.mysql.way import Way

SETUP = """
CREATE TABLE people (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), age INT);;
INSERT INTO people (name, age) VALUES ('ann', 30), ('bob', 40);;
CREATE TABLE pets (id INT PRIMARY KEY, owner INT, FOREIGN KEY (owner) REFERENCES people (id));;
INSERT INTO pets VALUES (1, 1);;
CREATE TABLE loose (a INT, b TEXT);;
INSERT INTO loose VALUES (1, 'x'), (1, 'x')
"""


def nothing_left(desk: Desk) -> None:
    assert not list(desk.aside.rglob("*.json*"))


CONFLICTS: dict[str, tuple[str, str, str]] = {
    "a new table was filled": ("CREATE TABLE x (n INT)", "INSERT INTO x VALUES (7)", "app:x[n=7]"),
    "a new table was referred to": ("CREATE TABLE x (n INT PRIMARY KEY)", "CREATE TABLE y (n INT, CONSTRAINT f FOREIGN KEY (n) REFERENCES x (n))", "app:y"),
    "a new table was altered": ("CREATE TABLE x (n INT)", "ALTER TABLE x ADD COLUMN m INT", "app:x"),
    "a new table got an index": ("CREATE TABLE x (n INT)", "CREATE INDEX i ON x (n)", "app:x"),
    "a new table got a trigger": ("CREATE TABLE x (n INT)", "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET NEW.n = 1", "app:x"),
    "a new table went": ("CREATE TABLE x (n INT)", "DROP TABLE x", "app:x"),
    "a dropped one came": ("DROP TABLE loose", "CREATE TABLE loose (a INT)", "app:loose"),
    "a row of an altered one": ("ALTER TABLE people ADD COLUMN more INT", "UPDATE people SET age = 31 WHERE id = 1", "app:people[id=1, name='ann']"),
    "a row more of an altered one": ("ALTER TABLE loose DROP COLUMN b", "INSERT INTO loose VALUES (2)", "app:loose[a=2]"),
    "a copy less of an altered one": ("ALTER TABLE loose DROP COLUMN b", "DELETE FROM loose LIMIT 1", "app:loose[a=1]"),
    "an emptied one was filled": ("TRUNCATE loose", "INSERT INTO loose VALUES (5, 'x')", "app:loose[a=5, b='x']"),
    "a view": ("CREATE VIEW v AS SELECT 1 AS x", "CREATE OR REPLACE VIEW v AS SELECT 2 AS x", "app:v"),
    "a trigger": ("CREATE TRIGGER t BEFORE INSERT ON loose FOR EACH ROW SET NEW.a = 1", "DROP TRIGGER t", "app:loose"),
    "rows that are not unique any more": ("DROP TABLE pets; CREATE TABLE pets (id INT)", "INSERT INTO pets VALUES (1)", "app:pets[id=1]"),
    "rows for which an index is": ("ALTER TABLE people DROP COLUMN age, ADD COLUMN age INT; ALTER TABLE loose ADD KEY (a)", "INSERT INTO people (name) VALUES ('new')", "app:people[id=3, name='new']"),
    "a row that is referred to": ("DROP TABLE pets; TRUNCATE people; CREATE TABLE pets (id INT PRIMARY KEY, owner INT, FOREIGN KEY (owner) REFERENCES people (id))", "INSERT INTO people (id, name) VALUES (9, 'x')", "app:people[id=9, name='x']"),
}  # fmt: skip


GONE = ("a new table went", "a trigger")
"""Others took it back themselves."""


@pytest.mark.parametrize("case", CONFLICTS)
def test_what_others_changed_since_conflicts(case: str, mariadb: str, tmp_path: Path) -> None:
    action, others, path = CONFLICTS[case]

    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act(action)
        desk.client(others)
        conflicts = await desk.conflicts(mark)
        assert path in [found for found, _, _ in conflicts]
        assert all(ours and theirs for _, ours, theirs in conflicts)
        assert await desk.database.stands(mark) is (False if case in GONE else None)
        await desk.database.close()

    asyncio.run(whole())


def test_rows_of_others_stay_where_columns_are_the_same(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act("CREATE UNIQUE INDEX named ON people (name); RENAME TABLE loose TO tight")
        desk.client("INSERT INTO people (name) VALUES ('new')", "DELETE FROM pets", "INSERT INTO tight VALUES (3, 'z')")
        await desk.back(mark)
        assert desk.ask("SELECT id, name FROM people ORDER BY id") == [("1", "ann"), ("2", "bob"), ("3", "new")]
        assert "AUTO_INCREMENT=4" in desk.dump()["people"][0][0][1] and "named" not in desk.dump()["people"][0][0][1]
        assert [len(desk.ask(f"SELECT * FROM {table}")) for table in ("pets", "loose")] == [0, 3]
        desk.client("INSERT INTO people (name) VALUES ('new')")
        before = desk.dump()
        planned = await plan(desk.database, [Step(mark, "forth")])
        assert [(each.path, "Duplicate" in each.theirs) for each in planned.conflicts] == [("app:people", True)]
        assert desk.dump() == before
        await desk.database.close()

    asyncio.run(whole())


def test_rows_and_definitions_in_one_go(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        seen, marks = [desk.dump()], []
        for action in (
            "UPDATE people SET age = age + 1",
            "CREATE TABLE x (id INT AUTO_INCREMENT PRIMARY KEY, n INT, FOREIGN KEY (n) REFERENCES people (id))",
            "INSERT INTO x (n) VALUES (1), (2)",
            "ALTER TABLE x ADD COLUMN more TEXT",
            "UPDATE x SET more = 'x'; DELETE FROM pets",
            "CREATE UNIQUE INDEX i ON x (n)",
            "DELETE FROM x WHERE id = 1; INSERT INTO loose VALUES (9, 'z')",
            "RENAME TABLE x TO y",
            "DROP TABLE y; TRUNCATE loose",
        ):
            mark, effects = await desk.act(action)
            assert effects
            marks.append(mark)
            seen.append(desk.dump())
        await back_and_forth(desk, marks, seen)
        for at in range(0, len(marks) - 1, 2):
            await desk.forth(*marks[at : at + 2])
            assert desk.dump() == seen[at + 2]
        desk.client("UPDATE loose SET b = 'theirs' WHERE a = 9")
        assert "app:loose[a=9, b='z', =1]" in [path for path, _, _ in await desk.conflicts(*reversed(marks[4:-1]))]
        await desk.database.close()

    asyncio.run(whole())


def test_nobody_sees_it_before_it_is_committed(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        before = desk.dump()
        for action in ("DROP TABLE pets; ALTER TABLE people DROP COLUMN age", "CREATE TABLE x AS SELECT * FROM people"):
            await desk.database.begin("m")
            await desk.database.execute(action, rows=1)
            desk.client(
                "UPDATE people SET age = age", "INSERT INTO loose VALUES (0, '')", "DELETE FROM loose WHERE a = 0"
            )
            assert desk.dump() == before
            assert await desk.database.seal()
            assert desk.dump() == before
            await desk.database.discard()
            assert desk.dump() == before
            nothing_left(desk)
        await desk.database.close()

    asyncio.run(whole())


def test_others_who_changed_it_before_it_was_committed(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        await desk.database.begin("m")
        await desk.database.execute("TRUNCATE loose", rows=1)
        await desk.database.seal()
        desk.client("INSERT INTO loose VALUES (2, 'theirs')")
        before = desk.dump()
        with pytest.raises(ResourceError, match="loose"):
            await desk.database.commit()
        assert desk.dump() == before
        nothing_left(desk)
        await desk.database.close()

    asyncio.run(whole())


def test_others_who_write_all_the_while_lose_nothing(mariadb: str, tmp_path: Path) -> None:
    """Every row that a client was told is written is there, whatever is exchanged under it, with its trigger's work."""

    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        desk.client(
            "CREATE TABLE trail (n INT)",
            "CREATE TRIGGER told AFTER INSERT ON people FOR EACH ROW INSERT INTO trail VALUES (NEW.id)",
        )
        over, written = threading.Event(), {"people": list[int](), "loose": list[int]()}

        def write(table: str, row: str) -> None:
            with desk.connection() as connection, connection.cursor() as cursor:
                cursor.execute("SET lock_wait_timeout = 60")
                for number in count(1001):
                    if over.is_set():
                        return
                    try:
                        cursor.execute(f"INSERT INTO {table} VALUES ({number}, {row})")
                    except pymysql.OperationalError as error:
                        assert "being altered" in str(error)
                    else:
                        written[table].append(number)

        writers = [threading.Thread(target=write, args=each) for each in (("people", "'n', 1"), ("loose", "'n'"))]
        for writer in writers:
            writer.start()
        try:
            for _ in range(5):
                mark, _ = await desk.act("CREATE INDEX named ON people (name); ALTER TABLE loose COMMENT = 'x'")
                await desk.back(mark)
        finally:
            over.set()
            for writer in writers:
                writer.join()
        for table, column, expected in (
            ("people", "id", written["people"]), ("trail", "n", written["people"]), ("loose", "a", written["loose"]),
        ):  # fmt: skip
            found = desk.ask(f"SELECT {column} FROM {table} WHERE {column} > 1000 ORDER BY 1")
            assert [int(number) for (number,) in found] == expected
            assert expected
        await desk.database.close()

    asyncio.run(whole())


@pytest.mark.parametrize("dies", [False, True])
def test_what_others_wrote_at_the_last_moment_is_not_dropped(
    mariadb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies: bool
) -> None:
    """A cascade may still come to the old table: also where agentrt goes away just then, and recovers later."""
    desk = Desk(mariadb, tmp_path, SETUP)
    exchange, complete = Switch._exchange, switch.complete

    def late(self: Switch, way: Way) -> None:
        exchange(self, way)
        desk.client(f"INSERT INTO `{way.gone['loose']}` (a, b) VALUES (9, 'late')")

    def died(*given: Any) -> list[str]:
        monkeypatch.setattr(switch, "complete", complete)
        raise ResourceError("it went away")

    async def work() -> str:
        mark, _ = await desk.act("ALTER TABLE loose ADD COLUMN c INT")
        monkeypatch.setattr(Switch, "_exchange", late)
        if dies:
            monkeypatch.setattr(switch, "complete", died)
        with pytest.raises(Uncertain, match="it is done, and others wrote to loose at the last moment") as caught:
            await take(desk.database, [Step(mark, "back")])
        await desk.database.close()
        return caught.value.hint

    hint = asyncio.run(work())
    (old,) = (name for (name,) in desk.ask("SHOW TABLES") if name.startswith("~agentrt_"))
    assert old in hint and desk.ask(f"SELECT b FROM `{old}` WHERE a = 9") == [("late",)]
    assert desk.ask("SELECT a, b FROM loose") == [("1", "x"), ("1", "x")] and not list(desk.aside.rglob("*.way.json"))


def test_a_statement_that_fails_takes_the_others_with_it(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        before = desk.dump()
        await desk.database.begin("m")
        await desk.database.execute("CREATE TABLE x (n INT)", rows=1)
        with pytest.raises(UsageError, match="more"):
            await desk.database.execute("DROP TABLE pets; ALTER TABLE people DROP COLUMN more", rows=1)
        with pytest.raises(UsageError, match="over"):
            await desk.database.execute("CREATE TABLE y (n INT)", rows=1)
        assert not await desk.database.seal()
        await desk.database.discard()
        assert desk.dump() == before
        nothing_left(desk)
        await desk.database.begin("m")
        with pytest.raises(UsageError) as caught:
            await desk.database.execute("UPDATE people SET age = 1", rows=1)
            await desk.database.execute("DROP TABLE loose", rows=1)
        assert "of their own" in str(caught.value)
        assert desk.dump() == before
        await desk.database.discard()
        mark, effects = await desk.act("CREATE TABLE x (n INT); DROP TABLE x")
        assert not effects and await desk.database.stands(mark) is False
        nothing_left(desk)
        await desk.database.close()

    asyncio.run(whole())


def test_cancelled_it_is_ended(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        before = desk.dump()
        await desk.database.begin("m")
        await desk.database.execute("DROP TABLE loose", rows=1)
        slow = "CREATE TABLE x AS SELECT SLEEP(60) FROM people"
        running = asyncio.ensure_future(desk.database.execute(slow, rows=1))
        while not desk.ask(
            "SELECT 1 FROM information_schema.processlist WHERE state = 'User sleep' AND db LIKE 'agentrt%'"
        ):
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await desk.database.discard()
        assert desk.dump() == before
        nothing_left(desk)
        await desk.database.close()

    asyncio.run(whole())


def test_a_lock_of_others_is_told(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act("ALTER TABLE people ADD COLUMN more INT")
        with desk.connection() as other:
            other.begin()
            other.cursor().execute("UPDATE people SET age = 5 WHERE id = 1")
            with pytest.raises(ResourceError) as caught:
                await desk.back(mark)
            assert "later" in caught.value.hint
            other.rollback()
        await desk.back(mark)
        await desk.database.close()
        assert [file.name for file in desk.aside.rglob("*.json*")] == ["app.json"]

    asyncio.run(whole())


def test_privileges_that_undo_needs_are_asked_for(mariadb: str, tmp_path: Path) -> None:
    from agentrt.tools.databases.mysql import open_database

    async def whole() -> None:
        desk, name = Desk(mariadb, tmp_path, SETUP), mariadb.rpartition("/")[2]
        user = f"u{name[-12:]}"
        desk.client(
            "CREATE TRIGGER theirs BEFORE INSERT ON loose FOR EACH ROW SET NEW.a = 1",
            f"CREATE USER {user}@'127.0.0.1' IDENTIFIED BY 'a-pass-word'",
            f"GRANT SELECT, CREATE, TRIGGER ON {name}.* TO {user}@'127.0.0.1'",
        )
        before = desk.dump()
        url = f"mysql://{user}:a-pass-word@127.0.0.1:{mariadb.rpartition(':')[2]}"
        try:
            for grant, statement, said in (
                ("", "CREATE TABLE x (n INT)", "LOCK TABLES"),
                (f"GRANT ALL ON {name}.* TO {user}@'127.0.0.1'", "CREATE TABLE x (n INT)", "GRANT ALL ON"),
                (f"GRANT ALL ON `agentrt\\_%`.* TO {user}@'127.0.0.1'", "DROP TABLE loose", "SUPER"),  # its DEFINER
            ):
                if grant:
                    desk.client(grant)
                database = open_database(url, name="app", folder=tmp_path, aside=desk.aside)
                await database.begin("m")
                with pytest.raises(UsageError) as caught:
                    await database.execute(statement, rows=1)
                assert said in f"{caught.value} {caught.value.hint}"
                await database.close()
                assert desk.dump() == before
                nothing_left(desk)
            database = open_database(url, name="app", folder=tmp_path, aside=desk.aside)
            await database.begin("m")
            await database.execute("CREATE TABLE x (n INT); ALTER TABLE people ADD COLUMN more INT", rows=1)
            await database.seal()
            await database.commit()
            assert desk.dump() != before
            await take(database, [Step("m", "back")])
            assert desk.dump() == before
            await database.close()
        finally:
            desk.client(f"DROP USER {user}@'127.0.0.1'")

    asyncio.run(whole())
