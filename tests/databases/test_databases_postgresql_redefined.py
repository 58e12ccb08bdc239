"""Whatever definitions an agent changes, in whatever order, with rows in between: it is refused, or undo puts all back."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from database_steps import through
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgresql_desk import desk

from agentrt.errors import AgentrtError

GROUND = """
    DROP SCHEMA public CASCADE;
    CREATE SCHEMA public;
    CREATE TABLE a (id serial PRIMARY KEY, n int CHECK (n < 1000), said text DEFAULT 'x' NOT NULL);
    CREATE TABLE b (of int REFERENCES a ON DELETE CASCADE, m numeric(6, 2), UNIQUE (of, m));
    CREATE INDEX b_m ON b (m);
    CREATE VIEW v AS SELECT a.id, a.said, b.m FROM a LEFT JOIN b ON b.of = a.id;
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.said := new.said || '!'; RETURN new; END $$;
    CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
    CREATE SEQUENCE s START 5;
    INSERT INTO a (n) SELECT generate_series(1, 4);
    INSERT INTO b SELECT id, id * 1.5 FROM a
"""
TABLE = st.sampled_from(["a", "b", "c"])
COLUMN = st.sampled_from(["n", "said", "m", "of", "x", "y"])
STATEMENTS = st.one_of(
    st.builds("CREATE TABLE {0} (x int PRIMARY KEY, y text DEFAULT 'd')".format, TABLE),
    st.builds("CREATE TABLE {0} AS SELECT * FROM {1}".format, TABLE, TABLE),
    st.builds("DROP TABLE {0}".format, TABLE),
    st.builds("DROP TABLE IF EXISTS {0} CASCADE".format, TABLE),
    st.builds("ALTER TABLE {0} ADD COLUMN {1} int".format, TABLE, COLUMN),
    st.builds("ALTER TABLE {0} ADD COLUMN {1} text NOT NULL DEFAULT 'q'".format, TABLE, COLUMN),
    st.builds("ALTER TABLE {0} DROP COLUMN {1} CASCADE".format, TABLE, COLUMN),
    st.builds("ALTER TABLE {0} RENAME COLUMN {1} TO {2}".format, TABLE, COLUMN, COLUMN),
    st.builds("ALTER TABLE {0} RENAME TO {1}".format, TABLE, TABLE),
    st.builds("ALTER TABLE {0} ALTER COLUMN {1} TYPE text".format, TABLE, COLUMN),
    st.builds("ALTER TABLE {0} ALTER COLUMN {1} DROP NOT NULL".format, TABLE, COLUMN),
    st.builds("ALTER TABLE {0} ALTER COLUMN {1} SET DEFAULT NULL".format, TABLE, COLUMN),
    st.builds("CREATE INDEX {0}_{1} ON {0} ({1})".format, TABLE, COLUMN),
    st.builds("COMMENT ON COLUMN {0}.{1} IS 'it''s'".format, TABLE, COLUMN),
    st.builds("INSERT INTO {0} SELECT * FROM {1} ON CONFLICT DO NOTHING".format, TABLE, TABLE),
    st.builds("UPDATE {0} SET {1} = NULL".format, TABLE, COLUMN),
    st.builds("DELETE FROM {0} WHERE {1} IS NOT NULL".format, TABLE, COLUMN),
    st.builds("TRUNCATE {0}".format, TABLE),
    st.sampled_from(
        [
            "INSERT INTO a (n) VALUES (7), (8)", "DROP VIEW v", "CREATE OR REPLACE VIEW v AS SELECT id, said, NULL::numeric(6, 2) AS m FROM a",
            "CREATE VIEW w AS SELECT * FROM v", "DROP TRIGGER t ON a", "ALTER TABLE a DISABLE TRIGGER t", "DROP FUNCTION f() CASCADE",
            "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$", "DROP INDEX b_m",
            "ALTER TABLE b DROP CONSTRAINT b_of_fkey", "ALTER TABLE a DROP CONSTRAINT a_n_check", "ALTER SEQUENCE s INCREMENT 3", "DROP SEQUENCE s",
            "ALTER TABLE a ALTER COLUMN id DROP DEFAULT", "ALTER INDEX b_m RENAME TO i", "SELECT nextval('s')", "ALTER TABLE a ADD CHECK (n > -5)",
        ]
    ),
)  # fmt: skip
ACTIONS = st.lists(st.lists(STATEMENTS, min_size=1, max_size=3), min_size=1, max_size=4)


@given(actions=ACTIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_back_and_forth_through_all_of_it(postgresql: str, owner: str, actions: list[list[str]]) -> None:
    with TemporaryDirectory() as folder:
        app = desk(owner, Path(folder), postgresql)
        app.others(GROUND)

        def put_numbers_back(_: AgentrtError, seen: tuple[str, dict[str, Any]]) -> None:
            """What was taken from a sequence no rollback gives back."""
            for name, rows in seen[1].items():
                if rows and (found := re.fullmatch(r"(\d+)(true|false)", rows[0])):
                    app.others(f"SELECT setval('{name}', {found[1]}, {found[2]})")

        asyncio.run(through(app, [[";".join(each)] for each in actions], put_numbers_back))
