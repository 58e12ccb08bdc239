"""Whatever statements an agent runs one after the other, in whatever actions: undo goes the whole way back, redo forth."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from database_steps import through
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgresql_desk import Desk, desk

from agentrt.errors import AgentrtError, UsageError

GROUND = """
    DROP TABLE IF EXISTS teams, people, tags CASCADE;
    CREATE TABLE teams (id int PRIMARY KEY, name text UNIQUE);
    CREATE TABLE people (id serial PRIMARY KEY, team int REFERENCES teams ON DELETE CASCADE ON UPDATE CASCADE, place int UNIQUE
                         DEFERRABLE, v numeric);
    CREATE TABLE tags (of int REFERENCES people ON DELETE SET NULL, said text);
    INSERT INTO teams SELECT n, 't' || n FROM generate_series(1, 4) n;
    INSERT INTO people (team, place, v) SELECT n % 4 + 1, n, n * 1.50 FROM generate_series(1, 8) n;
    INSERT INTO tags SELECT n % 8 + 1, 'x' FROM generate_series(1, 12) n
"""
NUMBERS = st.integers(1, 9)
STATEMENTS = st.one_of(
    st.builds("INSERT INTO teams VALUES ({0}, 't{1}') ON CONFLICT DO NOTHING".format, NUMBERS, NUMBERS),
    st.builds("INSERT INTO teams VALUES ({0}, 'n{1}') ON CONFLICT (id) DO UPDATE SET name = teams.name || excluded.name".format, NUMBERS, NUMBERS),
    st.builds("DELETE FROM teams WHERE id = {0}".format, NUMBERS),
    st.builds("UPDATE teams SET id = id + 100 WHERE id % {0} = 0 AND id < 100".format, NUMBERS),
    st.builds("INSERT INTO people (team, v) SELECT id, {0} FROM teams LIMIT {0}".format, NUMBERS),
    st.builds("UPDATE people SET place = place + {0}".format, NUMBERS),
    st.builds("UPDATE people SET v = v + {0}, team = (SELECT min(id) FROM teams) WHERE id % 3 = {1} % 3".format, NUMBERS, NUMBERS),
    st.builds("DELETE FROM people WHERE id % {0} = 1".format, NUMBERS),
    st.builds("INSERT INTO tags SELECT min(id), 'x' FROM people HAVING count(*) > {0}".format, NUMBERS),
    st.builds("DELETE FROM tags WHERE ctid IN (SELECT ctid FROM tags LIMIT {0})".format, NUMBERS),
    st.builds("UPDATE tags SET said = said || '{0}' WHERE of > {1}".format, NUMBERS, NUMBERS),
    st.sampled_from(["TRUNCATE tags", "TRUNCATE people CASCADE", "UPDATE tags SET said = said"]),
)  # fmt: skip
ACTIONS = st.lists(st.lists(STATEMENTS, min_size=1, max_size=4), min_size=1, max_size=4)


@pytest.mark.parametrize("role", ["superuser", "owner"])
@given(actions=ACTIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_back_and_forth_through_all_of_it(postgresql: str, owner: str, role: str, actions: list[list[str]]) -> None:
    with TemporaryDirectory() as folder:
        url = owner if role == "owner" else postgresql
        app = desk(url, Path(folder), postgresql)
        app.others(GROUND)

        def refused(error: AgentrtError, seen: list[Any]) -> None:
            """For rows that others refer to, whose unique values pass each other."""
            assert isinstance(error, UsageError) and error.message.startswith("it could not be put back")
            ((last, called),) = seen[3]
            app.others(f"SELECT setval('people_id_seq', {last}, {called})")

        asyncio.run(through(app, [[";".join(each)] for each in actions], refused, lambda: rows(app)))


def rows(app: Desk) -> list[Any]:
    return [
        app.others("SELECT (t.*)::text FROM teams t ORDER BY 1"),
        app.others("SELECT (p.*)::text FROM people p ORDER BY 1"),
        app.others("SELECT (t.*)::text FROM tags t ORDER BY 1"),
        app.others("SELECT last_value, is_called FROM people_id_seq"),
    ]
