"""Random statements, each an action; then back and forth through them, in one undo or in several, against dumps."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from database_steps import plan, take
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlite_desk import Desk, Dump

from agentrt.contracts import Step
from agentrt.errors import AgentrtError

SETUP = """
    CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, x, y UNIQUE);
    CREATE TABLE b (x, y, PRIMARY KEY (x, y));
    CREATE TABLE c (x COLLATE NOCASE PRIMARY KEY, y REFERENCES a ON DELETE CASCADE ON UPDATE SET NULL) WITHOUT ROWID;
    CREATE TABLE d (x, y, z AS (x || y), w REFERENCES b2 (x));
    CREATE TABLE b2 (x UNIQUE, y);
    CREATE TABLE log (said);
    CREATE TRIGGER ta AFTER UPDATE ON a BEGIN INSERT INTO log VALUES (old.x); DELETE FROM d WHERE x = old.x; END;
    CREATE VIRTUAL TABLE f USING fts5 (x, y);
"""

tables = st.sampled_from(["a", "b", "c", "d", "b2", "f", "new"])
columns = st.sampled_from(["x", "y"])
values = st.sampled_from(
    ["NULL", "0", "1", "2", "3", "1.0", "-0.0", "9e999", "'a'", "'A'", "'b'", "''", "'1'", "x'61'", "x''", "'é'", "zeroblob(9)"]
)  # fmt: skip
wheres = st.one_of(st.just("1"), st.builds("{} IS {}".format, columns, values), st.builds("rowid < {}".format, values))
rows = st.lists(st.builds("({}, {})".format, values, values), min_size=1, max_size=4).map(", ".join)
verbs = st.sampled_from(["INSERT", "REPLACE", "INSERT OR IGNORE", "INSERT OR REPLACE"])
ways = st.sampled_from(["", "OR REPLACE", "OR IGNORE"])
statements = st.one_of(
    st.builds("{} INTO {} (x, y) VALUES {}".format, verbs, tables, rows),
    st.builds("{} INTO {} (x, y) VALUES {}".format, verbs, tables, rows),
    st.builds("UPDATE {} {} SET {} = {} WHERE {}".format, ways, tables, columns, values, wheres),
    st.builds("UPDATE {} {} SET {} = {} WHERE {}".format, ways, tables, columns, values, wheres),
    st.builds("UPDATE {} SET rowid = rowid + {} WHERE {}".format, tables, st.integers(-2, 5), wheres),
    st.builds("DELETE FROM {} WHERE {}".format, tables, wheres),
    st.builds("DROP TABLE {}".format, tables),
    st.builds("CREATE TABLE {} (x, y, more)".format, tables),
    st.builds("CREATE TABLE new AS SELECT * FROM {}".format, tables),
    st.builds("ALTER TABLE {} RENAME TO new".format, tables),
    st.builds("ALTER TABLE new RENAME TO {}".format, tables),
    st.builds("ALTER TABLE {} ADD COLUMN more DEFAULT 5".format, tables),
    st.builds("ALTER TABLE {} DROP COLUMN more".format, tables),
    st.builds("ALTER TABLE {} RENAME COLUMN y TO yy".format, tables),
    st.builds("ALTER TABLE {} RENAME COLUMN yy TO y".format, tables),
    st.builds("CREATE {} INDEX i ON {} ({})".format, st.sampled_from(["", "UNIQUE"]), tables, columns),
    st.just("DROP INDEX i"),
    st.builds("CREATE VIEW v AS SELECT * FROM {}".format, tables),
    st.just("DROP VIEW v"),
    st.builds("CREATE TRIGGER t AFTER DELETE ON {} BEGIN DELETE FROM {} WHERE x = 1; END".format, tables, tables),
    st.just("DROP TRIGGER t"),
    st.builds("PRAGMA user_version = {}".format, st.integers(0, 3)),
    st.builds("UPDATE sqlite_sequence SET seq = {}".format, st.integers(0, 9)),
)


class Machine(RuleBasedStateMachine):
    """``dumps[n]`` is the database after the first n of ``marks``; it is at ``at``."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.desk = Desk(Path(self.folder.name), "PRAGMA synchronous = OFF;" + SETUP)
        self.marks: list[str] = []
        self.dumps: list[Dump] = [self.desk.dump()]
        self.at = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(done=st.lists(statements, min_size=1, max_size=3))
    def act(self, done: list[str]) -> None:
        try:
            mark, effects = asyncio.run(self.desk.act(*done))
        except AgentrtError:
            assert self.desk.dump() == self.dumps[self.at]
            return
        there = self.desk.dump()
        assert bool(effects) is (there != self.dumps[self.at]), effects
        if effects:  # of what changed nothing, nothing is kept, and nothing taken back
            del self.marks[self.at :], self.dumps[self.at + 1 :]
            self.marks.append(mark)
            self.dumps.append(there)
            self.at += 1

    @rule(to=st.integers(0, 20), at_once=st.booleans())
    def go(self, to: int, at_once: bool) -> None:
        to %= len(self.dumps)
        marks = self.marks[to : self.at][::-1] if to < self.at else self.marks[self.at : to]
        steps = [Step(mark, "back" if to < self.at else "forth") for mark in marks]
        for some in [steps] if at_once else [[step] for step in steps]:
            assert asyncio.run(plan(self.desk.database, some)).conflicts == ()
            asyncio.run(take(self.desk.database, some))
        self.at = to

    @invariant()
    def it_is_as_it_was(self) -> None:
        if hasattr(self, "dumps"):
            assert self.desk.dump() == self.dumps[self.at]


TestMachine = Machine.TestCase
TestMachine.settings = settings(stateful_step_count=15)
