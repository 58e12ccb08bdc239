"""Others work in a MariaDB schema too: what they did stays, and where an action cannot be taken back past it nothing is
touched."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from mysql_desk import Desk, spoken

from agentrt.errors import ResourceError
from agentrt.tools.databases.mysql import place

SETUP = """
CREATE TABLE people (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) UNIQUE, age INT);;
INSERT INTO people (name, age) VALUES ('ann', 30), ('bob', 40), ('cid', 50);;
CREATE TABLE pets (id INT PRIMARY KEY, owner INT, FOREIGN KEY (owner) REFERENCES people (id));;
INSERT INTO pets VALUES (1, 1);;
CREATE TABLE loose (a INT, b TEXT);;
INSERT INTO loose VALUES (1, 'x'), (1, 'x'), (2, 'y')
"""


def test_rows_of_others_stay(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act(
            "UPDATE people SET age = 31 WHERE id = 1; DELETE FROM people WHERE id = 3",
            "INSERT INTO loose VALUES (3, 'z')",
        )
        desk.client(
            "UPDATE people SET age = 41 WHERE id = 2",
            "INSERT INTO people (name) VALUES ('new')",
            "DELETE FROM loose WHERE a = 2",
        )
        await desk.back(mark)
        assert desk.ask("SELECT id, name, age FROM people ORDER BY id") == [
            ("1", "ann", "30"),
            ("2", "bob", "41"),
            ("3", "cid", "50"),
            ("4", "new", None),
        ]
        assert desk.ask("SELECT a FROM loose ORDER BY a") == [("1",), ("1",)]

    asyncio.run(whole())


def test_others_who_commit_while_an_action_is_open_are_not_of_it(mariadb: str, tmp_path: Path) -> None:
    """Neither what they did to other rows, nor what they did to a row before the action wrote it."""

    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        await desk.database.begin("m")
        await desk.database.execute("UPDATE people SET age = 99 WHERE id = 3; SELECT * FROM people, loose", rows=1)
        desk.client(
            "UPDATE people SET age = age + 1 WHERE id IN (1, 2)",
            "INSERT INTO people (id, name) VALUES (50, 'new')",
            "DELETE FROM loose WHERE a = 2",
            "INSERT INTO loose VALUES (7, 'q')",
        )
        await desk.database.execute("UPDATE people SET age = age + 1 WHERE id = 1", rows=1)
        await desk.database.execute("DELETE FROM loose WHERE a = 1 LIMIT 1", rows=1)
        effects = await desk.database.seal()
        await desk.database.commit()
        changed: dict[str, Any] = {each.table: [(row.before, row.after) for row in each.rows] for each in effects}
        ann, cid = {"id": 1, "name": "ann"}, {"id": 3, "name": "cid"}
        assert sorted(changed["people"], key=str) == [
            ({**ann, "age": 31}, {**ann, "age": 32}),
            ({**cid, "age": 50}, {**cid, "age": 99}),
        ]
        assert changed["loose"] == [({"a": 1, "b": "x"}, None)]
        await desk.back("m")
        assert desk.ask("SELECT id, age FROM people ORDER BY id") == [
            ("1", "31"),
            ("2", "41"),
            ("3", "50"),
            ("50", None),
        ]
        assert desk.ask("SELECT a FROM loose ORDER BY a") == [("1",), ("1",), ("7",)]

    asyncio.run(whole())


def test_the_same_rows_conflict(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act(
            "UPDATE people SET age = 31 WHERE id = 1",
            "INSERT INTO people (id, name) VALUES (9, 'nine')",
            "DELETE FROM people WHERE id = 3",
        )
        desk.client(
            "UPDATE people SET age = 32 WHERE id = 1",
            "DELETE FROM people WHERE id = 9",
            "INSERT INTO people VALUES (3, 'Cid', 50)",
        )
        conflicts = await desk.conflicts(mark)
        assert {path: theirs for path, _, theirs in conflicts} == {
            "app:people[id=1]": "age=32", "app:people[id=3]": "name='Cid'", "app:people[id=9]": "no such row",
        }  # fmt: skip
        assert await desk.database.stands(mark) is None

    asyncio.run(whole())


def test_change_of_case_is_a_change(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act("UPDATE people SET name = 'dan' WHERE id = 1")
        desk.client("UPDATE people SET name = 'DAN' WHERE id = 1")
        assert [path for path, _, _ in await desk.conflicts(mark)] == ["app:people[id=1]"]

    asyncio.run(whole())


def test_what_is_unique_conflicts(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act("UPDATE people SET name = 'x' WHERE id = 2", "DELETE FROM people WHERE id = 3")
        desk.client("INSERT INTO people (name) VALUES ('CID')")
        ((path, _, theirs),) = await desk.conflicts(mark)
        assert path == "app:people[id=3]" and "CID" in theirs.upper()

    asyncio.run(whole())


def test_orphans_conflict(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        came, _ = await desk.act("INSERT INTO people (id, name) VALUES (9, 'nine')")
        desk.client("INSERT INTO pets VALUES (5, 9)")
        ((path, ours, _),) = await desk.conflicts(came)
        assert path == "app:pets[owner='9']" and "people" in ours
        gone, _ = await desk.act("DELETE FROM pets WHERE id = 1")
        desk.client("DELETE FROM people WHERE id = 1")
        ((path, ours, _),) = await desk.conflicts(gone)
        assert path == "app:pets[owner='1']"

    asyncio.run(whole())


def test_an_older_action_alone(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        first, _ = await desk.act("UPDATE people SET age = 1 WHERE id = 1; INSERT INTO loose VALUES (1, 'x')")
        second, _ = await desk.act("UPDATE people SET age = 2 WHERE id = 2; INSERT INTO loose VALUES (1, 'x')")
        third, _ = await desk.act("UPDATE people SET age = 3 WHERE id = 1")
        assert [path for path, _, _ in await desk.conflicts(first)] == ["app:people[id=1]"]
        await desk.back(second)
        assert desk.ask("SELECT age FROM people ORDER BY id") == [("3",), ("40",), ("50",)]
        assert len(desk.ask("SELECT * FROM loose WHERE a = 1")) == 3
        effects = await desk.back(third, first)
        assert desk.ask("SELECT age FROM people ORDER BY id") == [("30",), ("40",), ("50",)]
        assert len(desk.ask("SELECT * FROM loose WHERE a = 1")) == 2
        assert [effect.count for effect in effects] == [1, 1]
        await desk.forth(first, second, third)
        assert desk.ask("SELECT age FROM people ORDER BY id") == [("3",), ("2",), ("50",)]

    asyncio.run(whole())


def test_a_table_that_is_another_one_conflicts(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act("UPDATE people SET age = 1", "DELETE FROM loose")
        desk.client("ALTER TABLE people ADD COLUMN more INT", "DROP TABLE loose")
        assert {path for path, _, _ in await desk.conflicts(mark)} == {"app:people", "app:loose"}

    asyncio.run(whole())


def test_a_trigger_that_makes_something_else_of_it_conflicts(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act("DELETE FROM people WHERE id = 3")
        desk.client("CREATE TRIGGER older BEFORE INSERT ON people FOR EACH ROW SET NEW.age = NEW.age + 1")
        ((path, _, theirs),) = await desk.conflicts(mark)
        assert path == "app:people[id=3]" and "older" in theirs

    asyncio.run(whole())


def test_numbers_that_others_went_on_from_stay(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act("INSERT INTO people (name) VALUES ('x')")
        desk.client("INSERT INTO people (name) VALUES ('y')", "DELETE FROM people WHERE name = 'y'")
        await desk.back(mark)
        assert "AUTO_INCREMENT=6" in desk.dump()["people"][0][0][1]

    asyncio.run(whole())


def test_a_lock_of_others_is_told(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act("UPDATE people SET age = 1 WHERE id = 1")
        with desk.connection() as other:
            other.begin()
            other.cursor().execute("UPDATE people SET age = 5 WHERE id = 1")
            await desk.database.begin("m")
            for work in (
                desk.database.execute("UPDATE people SET age = 6 WHERE id = 1", rows=1),
                desk.back(mark),
                desk.database.stands(mark),
            ):
                with pytest.raises(ResourceError) as caught:
                    await work
                assert "later" in caught.value.hint
            other.rollback()
        await desk.back(mark)
        assert desk.ask("SELECT age FROM people WHERE id = 1") == [("30",)]

    asyncio.run(whole())


def test_cancelled_it_is_ended(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        before = desk.dump()
        for statement in (
            "SELECT SLEEP(60)",
            "UPDATE people SET age = SLEEP(20)",
            "INSERT INTO loose SELECT a.seq, 'x' FROM seq_1_to_100000 a, seq_1_to_100000 b",
        ):
            await desk.database.begin("m")
            await desk.database.execute("UPDATE people SET age = 77 WHERE id = 3", rows=1)
            running = asyncio.ensure_future(desk.database.execute(spoken(mariadb, statement), rows=1))
            await asyncio.sleep(0.5)
            started = time.monotonic()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert time.monotonic() - started < 30
            await desk.database.discard()
            desk.client("UPDATE people SET age = age WHERE id = 3")  # is not locked
            assert desk.dump() == before

    asyncio.run(whole())


def test_what_is_discarded_leaves_nothing(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        before = desk.dump()
        await desk.database.begin("m")
        await desk.database.execute("UPDATE people SET age = 0", rows=1)
        assert await desk.database.seal()
        assert desk.dump() == before
        assert any(tmp_path.rglob("app.json"))
        await desk.database.discard()
        assert desk.dump() == before
        assert not any(tmp_path.rglob("app.json"))
        mark, effects = await desk.act(
            "UPDATE people SET age = age", "INSERT INTO loose VALUES (5, 'x')", "DELETE FROM loose WHERE a = 5"
        )
        assert not effects and not any(tmp_path.rglob("app.json"))
        assert await desk.database.stands(mark) is False
        with pytest.raises(ResourceError, match="is gone"):  # never taken for something that was undone
            await desk.back(mark)

    asyncio.run(whole())


def test_the_connection_that_stays_open_may_break_between_actions(mariadb: str, tmp_path: Path) -> None:
    ours = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"

    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act("UPDATE people SET age = 31 WHERE id = 1")
        ((kept,),) = desk.ask(ours)
        other, _ = await desk.act("UPDATE people SET age = 41 WHERE id = 2")
        assert desk.ask(ours) == [(kept,)]
        desk.client(f"KILL {kept}")
        await desk.back(other)
        ((new,),) = desk.ask(ours)
        desk.client(f"KILL {new}")
        third, effects = await desk.act("UPDATE people SET age = 42 WHERE id = 2")
        assert len(effects) == 1
        await desk.back(third)
        await desk.back(mark)
        assert desk.ask("SELECT age FROM people ORDER BY id") == [("30",), ("40",), ("50",)]
        assert len({kept, new, *desk.ask(ours)[0]}) == 3
        await desk.database.close()
        while desk.ask(ours):
            await asyncio.sleep(0.01)

    asyncio.run(whole())


@pytest.mark.parametrize("longest", [4, 1048576])
def test_rows_are_compared_however_long_lists_may_be(
    mariadb: str, tmp_path: Path, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def whole() -> None:
        monkeypatch.setattr(place, "LONGEST_LIST", longest)
        setup = (
            "CREATE TABLE odd (b INT PRIMARY KEY, n INT, d TEXT, list VARCHAR(20), `CRC32` VARBINARY(2000));;"
            "INSERT INTO odd SELECT CAST(seq AS SIGNED) - 50, seq, REPEAT('long', seq), IF(seq % 2, 'short', NULL), NULL"
            " FROM seq_0_to_99"
        )
        desk = Desk(mariadb, tmp_path, setup)
        before = desk.dump()
        mark, found = await desk.act(
            "UPDATE odd SET n = n + 1 WHERE b BETWEEN -10 AND 10",
            "UPDATE odd SET list = 'N' WHERE list IS NULL AND b > 40; UPDATE odd SET d = NULL WHERE b = 20",
            "DELETE FROM odd WHERE b = 49; INSERT INTO odd VALUES (-51, NULL, '', '', x'2c')",
        )
        assert [(each.inserted, each.updated, each.deleted) for each in found] == [(1, 21 + 5 - 1 + 1, 1)]
        await desk.back(mark)
        assert desk.dump() == before

    asyncio.run(whole())
