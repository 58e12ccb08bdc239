"""What PostgreSQL could not take back is refused, and what came before it in the action does not stand either."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from postgresql_desk import Desk

from agentrt.errors import UsageError

pytestmark = pytest.mark.anyio

GROUND = """
    CREATE TABLE users (id serial PRIMARY KEY, name text);
    INSERT INTO users (name) VALUES ('a'), ('b');
    CREATE VIEW named AS SELECT name FROM users;
    CREATE MATERIALIZED VIEW kept AS SELECT name FROM users;
    CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE PROCEDURE ends() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM users; COMMIT; END $$;
    CREATE EXTENSION IF NOT EXISTS plpgsql
"""
REFUSED = (
    "COMMIT",
    "commit /* now */",
    "/* a /* b */ */ -- c\n COMMIT",
    "END",
    "ROLLBACK",
    "ABORT",
    "BEGIN",
    "START TRANSACTION",
    "SAVEPOINT a",
    "RELEASE a",
    "COMMIT AND CHAIN",
    "PREPARE TRANSACTION 'gone'",
    "DO $$ BEGIN DELETE FROM users; COMMIT; END $$",
    "CALL ends()",
    "COPY users TO PROGRAM 'cat'",
    "COPY users TO '/tmp/users'",
    "COPY users FROM '/etc/passwd'",
    "COPY users TO STDOUT",
    "LISTEN a",
    "NOTIFY a",
    "VACUUM",
    "CREATE DATABASE other",
    "CREATE ROLE other",
    "DO $$ BEGIN CREATE ROLE agentrt_never; END $$",
    "DO $$ BEGIN ALTER SYSTEM SET work_mem = '1MB'; END $$",
    "SELECT setval('users_id_seq', 1)",
    "DO $$ BEGIN PERFORM \"setval\"('users_id_seq', 1); END $$",
    "SELECT pg_notify('a', 'b')",
    "DO $$ BEGIN COPY users TO PROGRAM 'cat'; END $$",
    "DO $$ BEGIN EXECUTE 'SELECT lo_' || 'create(0)'; END $$",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "REFRESH MATERIALIZED VIEW kept",
    "DO $$ BEGIN REFRESH MATERIALIZED VIEW kept; END $$",
    "DROP TABLE users CASCADE",
    "DO $$ BEGIN CREATE TYPE mood AS ENUM ('sad'); END $$",
    "DO $$ BEGIN GRANT SELECT ON users TO PUBLIC; END $$",
    "DO $$ BEGIN CREATE SCHEMA other; END $$",
    "DO $$ BEGIN CREATE EXTENSION pg_trgm; EXCEPTION WHEN OTHERS THEN DROP TABLE users CASCADE; END $$",
    "CREATE TEMPORARY TABLE t (a int)",
    "DO $$ BEGIN CREATE TEMPORARY TABLE t (a int); END $$",
    "CREATE TABLE parts (a int) PARTITION BY LIST (a)",
    "CREATE TABLE child () INHERITS (users)",
    "CREATE TYPE pair AS (a int, b int)",
    "DO $$ BEGIN CREATE TYPE pair AS (a int, b int); END $$",
    "DO $$ BEGIN CREATE DOMAIN age AS int CHECK (VALUE > 0); END $$",
    "CREATE INDEX CONCURRENTLY ON users (name)",
    "CREATE RULE r AS ON INSERT TO users DO INSTEAD NOTHING",
    "DO $$ BEGIN CREATE RULE r AS ON INSERT TO users DO INSTEAD NOTHING; END $$",
    "DO $$ BEGIN CREATE POLICY p ON users; END $$",
    "DO $$ BEGIN CREATE STATISTICS s ON id, name FROM users; END $$",
    "DO $$ BEGIN CREATE PUBLICATION p FOR TABLE users; END $$",
    "DO $$ BEGIN CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int); END $$",
    "DO $$ BEGIN COMMENT ON SCHEMA public IS 'x'; END $$",
    "DO $$ BEGIN COMMENT ON TYPE users IS 'x'; END $$",
    "DO $$ BEGIN GRANT UPDATE (name) ON users TO pg_monitor; END $$",
    "DO $$ BEGIN ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; END $$",
    "CREATE OR REPLACE FUNCTION pg_catalog.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE internal AS 'int4pl'",
    "ALTER TABLE users ALTER name TYPE varchar(9)",
    "CREATE INDEX ON kept (name)",
    "UPDATE pg_class SET relname = 'people' WHERE relname = 'users'",
    "nonsense",
    "SELECT 1/0",
    "SELECT * FROM nowhere",
    "",
)  # fmt: skip


@pytest.fixture
def app(either: str, at_desk: Callable[..., Desk]) -> Desk:
    return at_desk(either, GROUND)


@pytest.mark.parametrize("statement", REFUSED[:-1])
async def test_is_refused_and_nothing_stands(app: Desk, tmp_path: Path, statement: str) -> None:
    before = app.dump()
    await app.database.begin("m")
    with pytest.raises(UsageError) as caught:
        await app.database.execute("DELETE FROM users WHERE id = 1", rows=1)
        await app.database.execute(statement, rows=1)
        await app.database.seal()

    assert caught.value.message
    assert app.dump() == before
    assert (
        app.others(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'agentrt' AND datname = current_database() AND state <> 'idle'"
        )
        == []
    )
    assert not list((tmp_path / "aside").rglob("*.json"))
    await app.database.commit()
    assert app.dump() == before


async def test_a_refused_statement_among_others_is_seen_before_any_runs(app: Desk) -> None:
    before = app.dump()

    with pytest.raises(UsageError, match="COMMIT is refused"):
        await app.act("m", "DELETE FROM users; COMMIT; SELECT 1")

    assert app.dump() == before


async def test_one_message_never_holds_two_statements(app: Desk) -> None:
    """Also where the reading of the text goes wrong: the server is told to read backslashes in another way."""
    before = app.dump()
    await app.database.begin("m")
    await app.database.execute("SET standard_conforming_strings = off; DELETE FROM users", rows=1)

    with pytest.raises(UsageError):
        await app.database.execute(r"SELECT '\''; COMMIT; --'", rows=1)

    assert app.dump() == before


async def test_what_only_happens_at_commit_is_measured_too(app: Desk) -> None:
    app.others(
        "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM users; RETURN NULL; END $$",
        "CREATE TABLE jobs (id int PRIMARY KEY)",
        "CREATE CONSTRAINT TRIGGER later AFTER INSERT ON jobs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION later()",
    )

    effects = await app.there_and_back("INSERT INTO jobs VALUES (1)")

    assert {(effect.table, effect.change) for effect in effects} == {("jobs", "created"), ("users", "deleted")}


async def test_a_cursor_held_over_the_commit_does_nothing_after_it_was_measured(app: Desk) -> None:
    app.others("CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM users RETURNING 1'")
    before = app.dump()

    assert await app.act("m", "DECLARE c CURSOR WITH HOLD FOR SELECT wipe()") == []

    assert app.dump() == before


async def test_another_role_hides_nothing(app: Desk) -> None:
    app.others(
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY", "CREATE POLICY none ON users USING (false) WITH CHECK (true)"
    )

    ((role,),) = app.others("SELECT current_user")
    app.above(f"GRANT pg_monitor TO {role}")

    (effect,) = await app.there_and_back(
        "SET ROLE pg_monitor; RESET ROLE; UPDATE users SET name = 'x'; SET ROLE pg_monitor"
    )

    assert effect.updated == 2


async def test_answers_are_text_numbers_and_bytes_and_no_more_than_asked_for(app: Desk) -> None:
    answers = await app.answers(
        "SELECT 1::int2, 2.50::numeric, 0.5::float8, true, 'é', '\\x00ff'::bytea, NULL, '2024-01-02'::date AS d;"
        "UPDATE users SET name = 'n'; SELECT n FROM generate_series(1, 10) n; DELETE FROM users RETURNING id",
        rows=3,
    )

    first, update, series, deleted = answers
    assert first.rows == ((1, "2.50", 0.5, True, "é", b"\x00\xff", None, "2024-01-02"),)
    assert first.columns[-1] == "d"
    assert (update.columns, update.rows, update.changed) == ((), (), 2)
    assert (series.rows, series.more, series.changed) == (((1,), (2,), (3,)), True, 0)
    assert (deleted.columns, deleted.rows, deleted.more, deleted.changed) == (("id",), ((1,), (2,)), False, 2)


async def test_parameters_are_values_and_nothing_else(app: Desk) -> None:
    given = {"name": "o'; DROP TABLE users; --", "id": 7}
    ((row,),) = [
        answer.rows
        for answer in await app.answers("SELECT :name::text, :id::int + 1, ':name', :id::int AS \"x:id\"", given)
    ]
    assert row == ("o'; DROP TABLE users; --", 8, ":name", 7)
    ((row,),) = [
        answer.rows
        for answer in await app.answers("SELECT $1::text, $2::float8, $3::bytea, $4::text", ["$2", 0.1, b"\0", None])
    ]
    assert row == ("$2", 0.1, b"\0", None)
    with pytest.raises(UsageError, match=":nobody"):
        await app.answers("SELECT :nobody", {"name": 1})
    with pytest.raises(UsageError, match="several statements"):
        await app.answers("SELECT $1; SELECT $1", [1])


async def test_errors_say_what_the_server_says(app: Desk) -> None:
    with pytest.raises(UsageError) as caught:
        await app.answers("SELECT nmae FROM users")
    assert 'column "nmae" does not exist' in caught.value.message
    assert "users.name" in caught.value.hint
