"""What triggers and functions of a MariaDB schema do so that the rows they change look as they were: they are measured
all the same, and taken back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from mysql_desk import Desk

from agentrt.errors import Conflict
from agentrt.tools.databases.mysql import comparing, place

SETUP = """
CREATE TABLE pay (id INT PRIMARY KEY, n INT, at TIMESTAMP NULL);;
INSERT INTO pay SELECT seq, seq, '2024-01-01 12:00:00' FROM seq_1_to_40;;
CREATE TABLE copy (id INT PRIMARY KEY, n INT, at TIMESTAMP NULL);;
INSERT INTO copy SELECT * FROM pay;;
CREATE TABLE door (id INT PRIMARY KEY);;
CREATE TABLE numbered (id INT AUTO_INCREMENT PRIMARY KEY, n INT);;
CREATE FUNCTION raised (x INT) RETURNS INT MODIFIES SQL DATA BEGIN UPDATE pay SET n = n + x; RETURN x; END
"""
TRICKS = {
    "time zone": "SET time_zone = '-01:00'; UPDATE pay SET at = '2024-01-01 12:00:00' WHERE id < 5",
    "another table of that name": "UPDATE pay SET n = 0; CREATE TEMPORARY TABLE pay AS SELECT * FROM copy",
    "no rows are given": "UPDATE pay SET n = 0 WHERE id = 3; SET sql_select_limit = 0",
    "one row is given": "UPDATE pay SET n = 0 WHERE id < 9; SET sql_select_limit = 1",
    "lists are cut": "UPDATE pay SET n = 0 WHERE id = 40; SET group_concat_max_len = 4",
    "letters are lost": "UPDATE pay SET n = 0 WHERE id = 40; SET character_set_results = 'ascii'",
    "what changed back": "UPDATE pay SET n = 0; UPDATE pay SET n = id; UPDATE pay SET n = 1 WHERE id = 39",
}


@pytest.mark.parametrize("longest", [4, place.LONGEST_LIST], ids=["sums", "lists"])
@pytest.mark.parametrize("trick", TRICKS)
def test_what_a_trigger_hides(
    trick: str, longest: int, mariadb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def whole() -> None:
        monkeypatch.setattr(place, "LONGEST_LIST", longest)
        desk = Desk(mariadb, tmp_path, SETUP)
        desk.client(f"CREATE TRIGGER opened AFTER INSERT ON door FOR EACH ROW BEGIN {TRICKS[trick]}; END")
        before = desk.dump()
        mark, effects = await desk.act("INSERT INTO door VALUES (1)")
        after = desk.dump()
        assert after["pay"] != before["pay"]
        assert {each.table for each in effects} == {"door", "pay"}
        # Nothing is taken back without the trigger's own rows: it is gone, so that undo fires none.
        desk.client("DROP TRIGGER opened")
        await desk.back(mark)
        after = desk.dump()
        assert {name: after[name] for name in ("pay", "door", "copy")} == {
            name: before[name] for name in ("pay", "door", "copy")
        }

    asyncio.run(whole())


def test_what_a_trigger_hides_from_undo(mariadb: str, tmp_path: Path) -> None:
    """It runs while rows are put back, and would have what it wrote look as it was."""

    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        mark, _ = await desk.act("INSERT INTO door VALUES (1)")
        desk.client(f"CREATE TRIGGER shut AFTER DELETE ON door FOR EACH ROW BEGIN {TRICKS['time zone']}; END")
        before = desk.dump()
        await desk.back(mark)
        assert desk.dump()["pay"] == before["pay"]
        assert desk.ask("SELECT * FROM door") == []

    asyncio.run(whole())


def test_what_a_statement_before_set_does_not_count_for_the_next(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        desk.client(f"CREATE TRIGGER opened AFTER INSERT ON door FOR EACH ROW BEGIN {TRICKS['no rows are given']}; END")
        before = desk.dump()
        mark, effects = await desk.act("INSERT INTO door VALUES (1)", "INSERT INTO numbered (n) VALUES (1), (2)")
        assert {each.table for each in effects} == {"door", "pay", "numbered"}
        desk.client("DROP TRIGGER opened")
        del before["trigger opened"]
        await desk.back(mark)
        assert desk.dump() == before

    asyncio.run(whole())


@pytest.mark.parametrize("called", ["raised", "RAISED", "räised", "`ŕaiséd`"])
def test_a_function_by_whatever_letters_the_server_takes(called: str, mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SETUP)
        before = desk.dump()
        mark, effects = await desk.act(f"SELECT {called}(1)")
        assert desk.dump() != before
        assert [(each.table, each.updated) for each in effects] == [("pay", 40)]
        await desk.back(mark)
        assert desk.dump() == before

    asyncio.run(whole())


KEYS = {
    "text": ("VARCHAR(20) COLLATE utf8mb4_bin", ["'a'", "'A'", "'ü;,N'", "''"]),
    "text of another character set": ("VARCHAR(20) CHARACTER SET sjis", ["'a'", "_sjis x'8341'"]),
    "bytes": ("VARBINARY(20)", ["x'00'", "x'ff2c3b'", "''"]),
    "decimal": ("DECIMAL(20, 5)", ["1.5", "-1.50001", "0"]),
    "float": ("DOUBLE", ["0.1", "-5e-324", "1e300"]),
    "time": ("TIME(6)", ["'-838:59:59'", "'00:00:00.000001'"]),
    "year": ("YEAR", ["0", "2024"]),
    "bit": ("BIT(64)", ["0", "18446744073709551615"]),
    "choice": ("ENUM('x', ';', 'ü')", ["'x'", "';'", "'ü'"]),
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("near", [True, False], ids=["lists", "sums"])
def test_keys_of_all_kinds(
    kind: str, near: bool, mariadb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def whole() -> None:
        monkeypatch.setattr(comparing, "_SMALL", 2**30 if near else 0)
        type, values = KEYS[kind]
        rows = ", ".join(f"({value}, {n}, 1)" for n, value in enumerate(values))
        desk = Desk(
            mariadb,
            tmp_path,
            f"CREATE TABLE t (k {type}, m INT, n INT, PRIMARY KEY (k, m));; INSERT INTO t VALUES {rows}",
        )
        await desk.there_and_back("UPDATE t SET n = n + 1")
        await desk.there_and_back("DELETE FROM t WHERE m = 1")

    asyncio.run(whole())


def test_one_row_of_many_wherever_it_is(mariadb: str, tmp_path: Path) -> None:
    """Texts that begin and end alike are compared in the middle only."""

    async def whole() -> None:
        setup = (
            "CREATE TABLE long_one (id INT PRIMARY KEY, said VARCHAR(200));;"
            "INSERT INTO long_one SELECT seq, REPEAT('same', 40) FROM seq_1_to_300"
        )
        desk = Desk(mariadb, tmp_path, setup)
        for where in ("id = 1", "id = 300", "id = 150", "id IN (1, 300)", "id = 26", "id BETWEEN 25 AND 27"):
            count = len(desk.ask(f"SELECT 1 FROM long_one WHERE {where}"))
            for statement, told in (("UPDATE long_one SET said = CONCAT(said, 'x')", 1), ("DELETE FROM long_one", 2)):
                before = desk.dump()
                mark, (effect,) = await desk.act(f"{statement} WHERE {where}")
                assert (0, effect.updated, effect.deleted)[told] == count
                await desk.back(mark)
                assert desk.dump() == before

    asyncio.run(whole())


def test_rows_that_would_be_left_alone_behind_another_table_of_that_name(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        setup = (
            "CREATE TABLE parent (id INT PRIMARY KEY);; CREATE TABLE door (id INT PRIMARY KEY);;"
            "CREATE TABLE child (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES parent (id))"
        )
        desk = Desk(mariadb, tmp_path, setup)
        mark, _ = await desk.act("INSERT INTO parent VALUES (1)", "INSERT INTO door VALUES (1)")
        desk.client(
            "INSERT INTO child VALUES (1, 1)",
            "CREATE TRIGGER shut AFTER DELETE ON door FOR EACH ROW CREATE TEMPORARY TABLE child (id INT, up INT)",
        )
        before = desk.dump()
        with pytest.raises(Conflict):
            await desk.back(mark)
        assert desk.dump() == before

    asyncio.run(whole())
