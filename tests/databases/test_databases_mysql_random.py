"""Whatever statements an agent runs one after the other, in whatever actions: undo goes the whole way back, redo forth."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from database_steps import through
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mysql_desk import Desk

from agentrt.errors import AgentrtError

GROUND = """
DROP TABLE IF EXISTS tags, people, teams;;
CREATE TABLE teams (id int PRIMARY KEY, name varchar(40) UNIQUE);;
CREATE TABLE people (id int AUTO_INCREMENT PRIMARY KEY, team int, place int, v decimal(9, 2), half decimal(9, 3) AS (v / 2) STORED,
                     FOREIGN KEY (team) REFERENCES teams (id) ON DELETE CASCADE ON UPDATE CASCADE);;
CREATE TABLE tags (whose int, said varchar(40), FOREIGN KEY (whose) REFERENCES people (id) ON DELETE SET NULL);;
INSERT INTO teams VALUES (1, 't1'), (2, 't2'), (3, 't3'), (4, 't4');;
INSERT INTO people (team, place, v) VALUES (2, 1, 1.5), (3, 2, 3), (4, 3, 4.5), (1, 4, 6), (2, 5, 7.5), (3, 6, 9);;
INSERT INTO tags VALUES (1, 'x'), (1, 'x'), (2, 'x'), (3, 'y'), (NULL, 'x'), (NULL, 'x')
"""
NUMBERS = st.integers(1, 9)
STATEMENTS = st.one_of(
    st.builds("INSERT IGNORE INTO teams VALUES ({0}, 't{1}')".format, NUMBERS, NUMBERS),
    st.builds("INSERT INTO teams VALUES ({0}, 'n{0}') ON DUPLICATE KEY UPDATE name = concat(name, '{1}')".format, NUMBERS, NUMBERS),
    st.builds("DELETE FROM teams WHERE id = {0}".format, NUMBERS),
    st.builds("UPDATE teams SET id = id + 100 WHERE id MOD {0} = 0 AND id < 100".format, NUMBERS),
    st.builds("INSERT INTO people (team, v) SELECT id, {0} FROM teams ORDER BY id LIMIT {0}".format, NUMBERS),
    st.builds("UPDATE people SET place = place + {0}".format, NUMBERS),
    st.builds("UPDATE people SET v = v + {0}, team = (SELECT min(id) FROM teams) WHERE id MOD 3 = {1} MOD 3".format, NUMBERS, NUMBERS),
    st.builds("DELETE FROM people WHERE id MOD {0} = 1".format, NUMBERS),
    st.builds("REPLACE INTO people (id, place, v) VALUES ({0}, {1}, 5)".format, NUMBERS, NUMBERS),
    st.builds("INSERT INTO tags SELECT min(id), 'x' FROM people HAVING count(*) > {0}".format, NUMBERS),
    st.builds("DELETE FROM tags LIMIT {0}".format, NUMBERS),
    st.builds("UPDATE tags SET said = concat(said, '{0}') WHERE whose > {1}".format, NUMBERS, NUMBERS),
    st.sampled_from(["DELETE FROM tags", "UPDATE tags SET said = said", "DELETE FROM people WHERE place IS NULL"]),
)  # fmt: skip
ACTIONS = st.lists(st.lists(STATEMENTS, min_size=1, max_size=4), min_size=1, max_size=4)


@given(actions=ACTIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_back_and_forth_through_all_of_it(mariadb: str, actions: list[list[str]]) -> None:
    with TemporaryDirectory() as folder:
        app = Desk(mariadb, Path(folder), GROUND)
        asyncio.run(through(app, actions, refused))


def refused(error: AgentrtError, _: object) -> None:
    raise error
