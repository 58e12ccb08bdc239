"""Changes of definitions in PostgreSQL, and what others did since; several actions; a process that dies."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from database_steps import back_and_forth
from postgresql_desk import Desk

from agentrt.errors import Conflict, UsageError
from agentrt.records import RowsEffect, SchemaEffect

pytestmark = pytest.mark.anyio

GROUND = """
    CREATE TABLE users (id serial PRIMARY KEY, name text);
    INSERT INTO users (name) VALUES ('a'), ('b');
    CREATE VIEW named AS SELECT name FROM users
"""
ADD = "ALTER TABLE users ADD COLUMN age int DEFAULT 5"
NEW = "CREATE TABLE new (id int PRIMARY KEY); INSERT INTO new VALUES (1)"
PROGRAM = """
    import asyncio, sys
    from pathlib import Path
    from agentrt.contracts import Step
    from agentrt.tools.databases.postgresql import open_database

    async def main(url, folder, until):
        database = open_database(url, name="app", folder=Path(folder), aside=Path(folder, "aside"))
        await database.begin("m")
        await database.execute("DROP TABLE users CASCADE; CREATE TABLE users (x int)", rows=1)
        if until != "run":
            await database.seal()
        if until not in ("run", "sealed"):
            await database.commit()
        if until in ("planned", "undone"):
            await database.plan_undo([Step("m", "back")])
        if until == "undone":
            await database.undo()
        print("there", flush=True)
        await asyncio.sleep(60)

    asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def app(owner: str, at_desk: Callable[..., Desk]) -> Desk:
    return at_desk(owner, GROUND)


@pytest.mark.parametrize(
    ("action", "since"),
    [
        (NEW, "INSERT INTO new VALUES (2)"),
        (NEW, "DELETE FROM new"),
        (NEW, "ALTER TABLE new ADD COLUMN theirs text"),
        (NEW, "CREATE VIEW theirs AS SELECT * FROM new"),
        (NEW, "CREATE TABLE theirs (of int REFERENCES new)"),
        (NEW, "CREATE INDEX theirs ON new (id)"),
        (NEW, "COMMENT ON TABLE new IS 'theirs'"),
        (NEW, "DROP TABLE new"),
        (ADD, "UPDATE users SET age = 6 WHERE id = 1"),
        (ADD, "INSERT INTO users (name) VALUES ('theirs')"),
        (ADD, "CREATE VIEW theirs AS SELECT age FROM users"),
        (ADD, "CREATE INDEX theirs ON users (age)"),
        (ADD, "ALTER TABLE users ALTER age SET DEFAULT 6"),
        ("DROP VIEW named", "CREATE VIEW named AS SELECT 1 AS theirs"),
        ("DROP TABLE users CASCADE", "CREATE TABLE users (theirs int)"),
        ("CREATE SEQUENCE s", "SELECT nextval('s')"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE VIEW theirs AS SELECT f()"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "GRANT EXECUTE ON FUNCTION f() TO pg_monitor"),
        ("ALTER TABLE users RENAME TO people", "CREATE TABLE users (theirs int)"),
    ],
)
async def test_what_others_did_since_is_a_conflict_and_nothing_is_touched(app: Desk, action: str, since: str) -> None:
    await app.act("m", action)
    app.others(since)
    before = app.dump()

    with pytest.raises(Conflict) as caught:
        await app.back("m")

    assert caught.value.conflicts
    assert all(each.ours and each.theirs for each in caught.value.conflicts)
    assert app.dump() == before


async def test_what_others_did_elsewhere_stays(app: Desk) -> None:
    await app.act("m", "CREATE INDEX by_name ON users (name); UPDATE users SET name = 'x' WHERE id = 1")
    app.others("INSERT INTO users (name) VALUES ('theirs')", "CREATE TABLE theirs (a int)")

    await app.back("m")

    assert app.others("SELECT name FROM users ORDER BY 1") == [("a",), ("b",), ("theirs",)]
    assert app.others("SELECT to_regclass('by_name'), to_regclass('theirs') IS NOT NULL") == [(None, True)]


async def test_several_actions_all_the_way_back_and_forth(app: Desk) -> None:
    actions = (
        "UPDATE users SET name = 'x'",
        "ALTER TABLE users RENAME TO people; INSERT INTO people (name) VALUES ('c')",
        "ALTER TABLE people ADD COLUMN age int",
        "UPDATE people SET age = id",
        "CREATE TABLE pets (of int REFERENCES people); INSERT INTO pets VALUES (1)",
        "DROP TABLE people CASCADE",
    )
    seen = [app.dump()]
    for number, action in enumerate(actions):
        await app.act(str(number), action)
        seen.append(app.dump())
    await back_and_forth(app, [str(number) for number in range(len(actions))], seen)


async def test_what_it_did_is_told(app: Desk) -> None:
    effects = await app.act("m", "DROP VIEW named; ALTER TABLE users ADD COLUMN age int; " + NEW)

    told = {(each.object, each.name): each for each in effects if isinstance(each, SchemaEffect)}
    assert {key: each.change for key, each in told.items()} == {
        ("view", "named"): "deleted", ("table", "users"): "modified", ("table", "new"): "created",
    }  # fmt: skip
    assert told["table", "users"].rows == 2
    assert '"age" integer' in (told["table", "users"].after or "")
    assert "PRIMARY KEY (id)" in (told["table", "new"].after or "")
    (rows,) = [each for each in effects if isinstance(each, RowsEffect)]
    assert (rows.table, rows.inserted) == ("new", 1)


async def test_a_table_dropped_by_a_trigger_is_refused(app: Desk) -> None:
    app.others(
        "CREATE TABLE jobs (id int)",
        "CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DROP TABLE users CASCADE; RETURN NULL; END $$",
        "CREATE TRIGGER drops AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION drops()",
    )
    before = app.dump()

    with pytest.raises(UsageError, match="could not be read before"):
        await app.act("m", "INSERT INTO jobs VALUES (1)")

    await app.database.discard()
    assert app.dump() == before


@pytest.mark.parametrize("until", ["run", "sealed", "committed", "planned", "undone"])
async def test_killed_at_every_step(app: Desk, tmp_path: Path, until: str) -> None:
    before = app.dump()
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), app.url, str(tmp_path), until]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        process.send_signal(signal.SIGKILL)
    while app.others(
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'agentrt' AND datname = current_database() AND state <> 'idle'"
    ):
        await asyncio.sleep(0.05)

    stands = await app.database.stands("m")

    assert stands is (until in ("committed", "planned"))
    if stands:
        await app.back("m")
    assert app.dump() == before
