"""The process is killed before any statement of an action of definitions, or of its undo: what stands is known then, and
all of it can be taken back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from database_steps import take
from mysql_desk import Desk

from agentrt.contracts import Step
from agentrt.resources import inverse
from agentrt.tools.databases.mysql import open_database
from agentrt.tools.databases.mysql.place import Link

SETUP = """
CREATE TABLE makers (code INT PRIMARY KEY);;
CREATE TABLE goods (id INT AUTO_INCREMENT PRIMARY KEY, maker INT, n INT, CONSTRAINT made FOREIGN KEY (maker) REFERENCES makers (code));;
CREATE TABLE loose (a INT);;
CREATE TABLE spare (a INT);;
INSERT INTO makers VALUES (1), (2);;
INSERT INTO goods (maker, n) VALUES (1, 1), (2, 2);;
INSERT INTO loose VALUES (1), (1), (NULL);;
INSERT INTO spare VALUES (5);;
CREATE VIEW seen AS SELECT n FROM goods;;
CREATE TRIGGER told BEFORE INSERT ON goods FOR EACH ROW SET NEW.n = 5
"""
ACTIONS = {
    "of everything": "ALTER TABLE makers ADD COLUMN more INT DEFAULT 1; DROP TABLE loose; CREATE TABLE x (m INT REFERENCES makers (code)); "
    "CREATE OR REPLACE VIEW seen AS SELECT 1 AS n; DROP TRIGGER told; CREATE TRIGGER also BEFORE INSERT ON goods FOR EACH ROW SET NEW.n = 6; RENAME TABLE spare TO other",
    "without a table": "CREATE VIEW v AS SELECT 1 AS n; CREATE VIEW w AS SELECT n FROM v; DROP VIEW seen; "
    "DROP TRIGGER told; CREATE TRIGGER also BEFORE UPDATE ON goods FOR EACH ROW SET NEW.n = 6",
    "a table dropped": "DROP TABLE loose",
    "a table made": "CREATE TABLE x AS SELECT * FROM goods",
}  # fmt: skip


def killed_before(number: int, work: Coroutine[Any, Any, Any]) -> bool:
    """Do ``work`` in a process that is killed before its statement of this number, of those that do not only read.
    False: it has not so many."""
    child = os.fork()
    if not child:
        count = 0

        def counting(real: Any) -> Any:
            def one(self: Link, query: str) -> Any:
                nonlocal count
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(self, query)

            return one

        status = 1
        try:
            Link.run = counting(Link.run)
            asyncio.run(work)
            status = 0
        finally:
            os._exit(status)
    work.close()
    _, status = os.waitpid(child, 0)
    assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL, "the work failed by itself"
    return status != 0


async def act(desk: Desk, mark: str, statements: str) -> None:
    database = open_database(desk.url, name="app", folder=desk.aside, aside=desk.aside)
    await database.begin(mark)
    await database.execute(statements, rows=1)
    await database.seal()
    await database.commit()
    await database.close()


async def move(desk: Desk, step: Step) -> None:
    database = open_database(desk.url, name="app", folder=desk.aside, aside=desk.aside)
    await take(database, [step])
    await database.close()


async def settled(desk: Desk, steps: list[Step]) -> None:
    """As it is done for an undo that was cut off: what was done of it is taken back."""
    if (await desk.database.plan_undo(steps)).conflicts:
        assert not (await desk.database.plan_undo(inverse(steps))).conflicts
        await desk.database.undo()
    await desk.database.discard()


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action(action: str, mariadb: str, tmp_path: Path) -> None:
    desk = Desk(mariadb, tmp_path, SETUP)
    before, number, stood = desk.dump(), 1, set[bool | None]()
    while killed_before(number, act(desk, f"m{number}", ACTIONS[action])):

        async def later(number: int) -> None:
            mark = f"m{number}"
            scratch = [file.read_text() for file in desk.aside.rglob("*.scratch.json")]
            stands = await desk.database.stands(mark)
            stood.add(stands)
            if stands:
                await take(desk.database, [Step(mark, "back")])
            assert desk.dump() == before, number
            assert not [file for file in desk.aside.rglob("*.json*") if file.name != "app.json"]
            assert not [name for (name,) in desk.ask("SHOW DATABASES") if any(name in each for each in scratch)]
            await desk.database.close()

        asyncio.run(later(number))
        number += 1
    assert number > 10
    assert stood == ({False} if action == "without a table" else {False, True})


@pytest.mark.parametrize("way", ["back", "forth"])
@pytest.mark.parametrize("action", ACTIONS)
def test_an_undo(action: str, way: Any, mariadb: str, tmp_path: Path) -> None:
    desk = Desk(mariadb, tmp_path, SETUP)
    start = desk.dump()
    asyncio.run(act(desk, "m", ACTIONS[action]))
    if way == "forth":
        asyncio.run(move(desk, Step("m", "back")))
        assert desk.dump() == start
    before, number = desk.dump(), 1
    while killed_before(number, move(desk, Step("m", way))):

        async def later(number: int) -> None:
            await settled(desk, [Step("m", way)])
            assert desk.dump() == before, number
            assert [file.name for file in desk.aside.rglob("*.json*")] == ["app.json"]
            await desk.database.close()

        asyncio.run(later(number))
        number += 1
    assert number > 10
    assert desk.dump() != before
