"""Whatever definitions and rows an agent changes one after the other: undo goes the whole way back, redo forth."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from database_steps import through
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mysql_desk import Desk

from agentrt.errors import AgentrtError, UsageError

GROUND = """
SET foreign_key_checks = 0;;
CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, n INT, KEY (n));;
CREATE TABLE b (id INT PRIMARY KEY, a INT, s VARCHAR(20), CONSTRAINT ba FOREIGN KEY (a) REFERENCES a (id) ON DELETE CASCADE);;
CREATE TABLE c (n INT, s VARCHAR(20));;
CREATE VIEW v AS SELECT id FROM a;;
CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW SET @x = 1;;
INSERT INTO a (n) VALUES (1), (2), (3);;
INSERT INTO b VALUES (1, 1, 'x'), (2, 1, 'y'), (3, NULL, NULL);;
INSERT INTO c VALUES (1, 'x'), (1, 'x'), (NULL, NULL)
"""
TABLES, NAMES = st.sampled_from("abc"), st.sampled_from("abcdev")
DEFINITIONS = st.one_of(
    st.builds("CREATE TABLE {0} (id INT AUTO_INCREMENT PRIMARY KEY, n INT, a INT REFERENCES {1} (id))".format, NAMES, TABLES),
    st.builds("CREATE TABLE {0} AS SELECT * FROM {1}".format, NAMES, TABLES),
    st.builds("CREATE TABLE {0} LIKE {1}".format, NAMES, TABLES),
    st.builds("DROP TABLE {0}".format, NAMES),
    st.builds("TRUNCATE {0}".format, TABLES),
    st.builds("RENAME TABLE {0} TO {1}".format, NAMES, NAMES),
    st.builds("ALTER TABLE {0} ADD COLUMN m{1} INT DEFAULT {1}".format, NAMES, st.integers(1, 3)),
    st.builds("ALTER TABLE {0} DROP COLUMN {1}".format, NAMES, st.sampled_from(["n", "s", "m1", "m2"])),
    st.builds("ALTER TABLE {0} AUTO_INCREMENT = {1}".format, TABLES, st.integers(5, 9)),
    st.builds("ALTER TABLE {0} DROP FOREIGN KEY ba".format, TABLES),
    st.builds("ALTER TABLE {0} ADD FOREIGN KEY (n) REFERENCES {1} (id)".format, NAMES, TABLES),
    st.builds("CREATE INDEX i{1} ON {0} (n)".format, NAMES, st.integers(1, 2)),
    st.builds("CREATE OR REPLACE VIEW v AS SELECT * FROM {0}".format, TABLES),
    st.builds("CREATE TRIGGER t{1} AFTER DELETE ON {0} FOR EACH ROW SET @x = 1".format, NAMES, st.integers(1, 2)),
    st.sampled_from(["DROP TRIGGER t", "DROP VIEW v"]),
)  # fmt: skip
ROWS = st.one_of(
    st.builds("INSERT INTO {0} (n) VALUES ({1})".format, TABLES, st.integers(1, 9)),
    st.builds("DELETE FROM {0} LIMIT {1}".format, TABLES, st.integers(1, 3)),
    st.builds("UPDATE {0} SET n = n + 1".format, TABLES),
)
ACTIONS = st.lists(
    st.one_of(st.lists(DEFINITIONS, min_size=1, max_size=3), st.lists(ROWS, min_size=1, max_size=2)), min_size=2, max_size=5
)  # fmt: skip


@given(actions=ACTIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_back_and_forth_through_all_of_it(mariadb: str, actions: list[list[str]]) -> None:
    with TemporaryDirectory() as folder:
        app = Desk(mariadb, Path(folder))
        with app.connection() as connection, connection.cursor() as cursor:
            cursor.execute("SET foreign_key_checks = 0")
            for name, kind in app.ask("SHOW FULL TABLES"):
                cursor.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} `{name}`")
        app.client(*GROUND.split(";;"))
        asyncio.run(through(app, [["; ".join(each)] for each in actions], refused))


def refused(error: AgentrtError, _: object) -> None:
    assert isinstance(error, UsageError)
