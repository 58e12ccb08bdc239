"""Another client between the comparison and the change of an undo: what it did then is not overwritten either."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from postgresql_desk import Desk, desk

from agentrt.errors import AgentrtError
from agentrt.tools.databases.postgresql import undoing
from agentrt.tools.databases.postgresql.lines import Lines
from agentrt.tools.databases.postgresql.rebuilding import Rebuild

pytestmark = pytest.mark.anyio

GROUND = """
    CREATE TABLE users (id serial PRIMARY KEY, name text);
    INSERT INTO users (name) VALUES ('a'), ('b');
    CREATE VIEW named AS SELECT name FROM users;
    CREATE INDEX by_name ON users (name);
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER noted BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION noted();
    CREATE SEQUENCE numbers
"""
REPLACED = "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'"
THEIRS = "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 3'"
MEANWHILE = {
    "a function, replaced": (REPLACED, THEIRS),
    "a function that came": ("CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE OR REPLACE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 3'"),
    "a function that went": ("DROP FUNCTION f()", THEIRS),
    "a function, another cost": (REPLACED, "ALTER FUNCTION f() COST 7"),
    "privileges of a function": (REPLACED, "GRANT EXECUTE ON FUNCTION f() TO pg_monitor"),
    "a comment on a function": ("COMMENT ON FUNCTION f() IS 'x'", "COMMENT ON FUNCTION f() IS 'theirs'"),
    "a trigger's function": (
        "CREATE OR REPLACE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE OR REPLACE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    ),
    "a view that went": ("DROP VIEW named", "CREATE VIEW named AS SELECT 1 AS theirs"),
    "a sequence, altered": ("ALTER SEQUENCE numbers INCREMENT 5", "ALTER SEQUENCE numbers MAXVALUE 99"),
    "a comment on an index": ("CREATE INDEX i ON users (id)", "COMMENT ON INDEX i IS 'theirs'"),
    "a comment on a view": ("CREATE VIEW v AS SELECT 1 AS a", "COMMENT ON VIEW v IS 'theirs'"),
    "privileges of a view": ("COMMENT ON VIEW named IS 'x'", "GRANT SELECT ON named TO pg_monitor"),
    "privileges of a table": ("ALTER TABLE users ADD x int", "GRANT SELECT ON users TO pg_monitor"),
    "something else": (REPLACED, "CREATE FUNCTION theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
}  # fmt: skip
HELD = {
    "a view, replaced": ("CREATE OR REPLACE VIEW named AS SELECT upper(name) AS name FROM users", "CREATE OR REPLACE VIEW named AS SELECT lower(name) AS name FROM users"),
    "a view that came": ("CREATE VIEW v AS SELECT 1 AS a", "CREATE OR REPLACE VIEW v AS SELECT 2 AS a"),
    "a sequence that came, used": ("CREATE SEQUENCE new", "SELECT nextval('new')"),
    "a table, altered": ("ALTER TABLE users ADD x int", "ALTER TABLE users ADD y int"),
    "a row": ("ALTER TABLE users ADD x int", "INSERT INTO users (name) VALUES ('theirs')"),
}  # fmt: skip


@pytest.fixture
def app(owner: str, at_desk: Callable[..., Desk]) -> Desk:
    return at_desk(owner, GROUND)


@pytest.mark.parametrize("what", MEANWHILE)
async def test_a_definition_is_not_overwritten(app: Desk, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    action, theirs = MEANWHILE[what]
    await app.act("m", action)
    loosen, seen = Rebuild.loosen, []

    async def after_somebody_else(self: Rebuild) -> None:
        if not seen:
            app.others("SET lock_timeout = '9s'", theirs)
            seen.append(app.dump())
        await loosen(self)

    monkeypatch.setattr(Rebuild, "loosen", after_somebody_else)
    with pytest.raises(AgentrtError) as caught:
        await app.back("m")

    assert caught.value.message
    await app.database.discard()
    assert app.dump() == seen[0]


@pytest.mark.parametrize("what", HELD)
async def test_what_is_locked_waits(app: Desk, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    action, theirs = HELD[what]
    before = app.dump()
    await app.act("m", action)
    loosen, waited = Rebuild.loosen, []

    async def while_somebody_else(self: Rebuild) -> None:
        with pytest.raises(psycopg.errors.LockNotAvailable):
            app.others("SET lock_timeout = '100ms'", theirs)
        waited.append(theirs)
        await loosen(self)

    monkeypatch.setattr(Rebuild, "loosen", while_somebody_else)
    await app.back("m")

    assert waited
    assert app.dump() == before


@pytest.mark.parametrize(
    "theirs",
    ["CREATE TABLE posts (by int REFERENCES users); INSERT INTO posts VALUES (3)", "DROP TABLE users CASCADE"],
)
async def test_tables_are_looked_at_again_once_they_are_locked(
    postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: str
) -> None:
    app = desk(postgresql, tmp_path)  # by a role that undoes with no foreign key at work
    app.others(GROUND)
    await app.act("m", "INSERT INTO users VALUES (3, 'c')")
    open_, seen = undoing.Transaction.open, []

    async def after_somebody_else(lines: Lines, *, locked: list[str]) -> undoing.Transaction:
        app.others("SET lock_timeout = '9s'", theirs)
        seen.append(app.dump())
        return await open_(lines, locked=locked)

    monkeypatch.setattr(undoing.Transaction, "open", after_somebody_else)
    with pytest.raises(AgentrtError):
        await app.back("m")

    await app.database.close()
    assert app.dump() == seen[0]
