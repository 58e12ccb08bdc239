"""Any order of statements, commands, undo, redo, restore and revert: files and rows are always those of one moment."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from agentrt import Conflict, Runtime, UnknownOperation, UsageError
from agentrt.testing.memory_sandbox import open_sandbox

STATEMENTS = st.one_of(
    st.tuples(st.integers(1, 6), st.integers(0, 3)).map(lambda t: f"INSERT OR REPLACE INTO t VALUES ({t[0]}, {t[1]})"),
    st.tuples(st.integers(1, 6), st.integers(0, 3)).map(lambda t: f"UPDATE t SET n = n + {t[1]} WHERE id >= {t[0]}"),
    st.integers(1, 6).map(lambda n: f"DELETE FROM t WHERE id = {n}"),
    st.just("DELETE FROM t"),
    st.just("INSERT INTO log (text) SELECT n FROM t"),
    st.just("CREATE TABLE IF NOT EXISTS more AS SELECT * FROM t"),
    st.just("DROP TABLE IF EXISTS more"),
    st.just("CREATE INDEX IF NOT EXISTS by_n ON t (n)"),
    st.just("SELECT * FROM t"),
    st.just("UPDATE t SET n = n"),
    st.just("INSERT INTO t VALUES (1, 1), (1, 2)"),
)


class Machine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="agentrt-databases-"))
        self.state = os.environ.get("XDG_STATE_HOME")
        os.environ["XDG_STATE_HOME"] = str(self.folder / "state")
        self.workspace, self.file = self.folder / "ws", self.folder / "app.db"
        self.workspace.mkdir()
        (self.workspace / "a").write_text("a\n")
        with closing(sqlite3.connect(self.file)) as db:
            db.executescript(
                "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); CREATE TABLE log (text);"
                "CREATE TRIGGER tell AFTER DELETE ON t BEGIN INSERT INTO log VALUES ('gone ' || old.id); END;"
                "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)"
            )
        self.runner = asyncio.Runner()
        self.runtime = self.runner.run(self.open(databases={"app": f"sqlite:///{self.file}"}))
        self.seen = {0: self.look()}
        """By operation, what was there after it."""

    async def open(self, **how: object) -> Runtime:
        return await Runtime.open(self.workspace, sandbox=open_sandbox, **how)

    def look(self) -> tuple[list[str], object]:
        """The rows, and the file as an agent sees it."""
        with closing(sqlite3.connect(self.file)) as db:
            rows = list(db.iterdump())
        found = self.runner.run(self.runtime.sandbox.look(self.runtime.view.snapshot, ["a", "b"]))
        return rows, [state and state.digest for state in found]

    def note(self) -> None:
        self.seen[max(self.runtime.operations)] = self.look()

    @rule(statement=STATEMENTS)
    def sql(self, statement: str) -> None:
        operation = self.runner.run(self.runtime.act("sql", database="app", statement=statement))
        assert operation.status == "settled"
        self.note()

    @rule(name=st.sampled_from(["a", "b"]), text=st.integers(0, 3))
    def bash(self, name: str, text: int) -> None:
        self.runner.run(self.runtime.act("bash", command=f"echo {text} >> {name}"))
        self.note()

    @rule()
    def apply(self) -> None:
        stood = self.look()
        if self.runner.run(self.runtime.apply()) is not None:
            self.note()
        assert self.look() == stood

    @rule(n=st.integers(1, 3))
    def undo(self, n: int) -> None:
        try:
            operation = self.runner.run(self.runtime.undo(n))
        except UnknownOperation:
            return
        self.note()
        assert self.look() == self.seen[operation.target[-1] - 1]

    @rule()
    def redo(self) -> None:
        try:
            operation = self.runner.run(self.runtime.redo())
        except UnknownOperation:
            return
        self.note()
        assert self.look() == self.seen[operation.target[0]]

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        to = data.draw(st.sampled_from(sorted(self.seen)))
        self.runner.run(self.runtime.restore(to))
        self.note()
        assert self.look() == self.seen[to]

    @precondition(lambda self: len(self.seen) > 1)
    @rule(data=st.data())
    def revert(self, data: st.DataObject) -> None:
        """One at a time: what it comes to is the same as undo where it was the last, and is itself undone."""
        op = data.draw(st.sampled_from(sorted(self.seen)[1:]))
        stood = self.look()
        try:
            operation = self.runner.run(self.runtime.revert(op))
        except (Conflict, UsageError):
            assert self.look() == stood
            return
        self.note()
        assert operation.target == (op,)

    @rule()
    def reopen(self) -> None:
        self.undo_holds()
        self.runner.run(self.runtime.close())
        self.runtime = self.runner.run(self.open())

    def undo_holds(self) -> None:
        found = self.runner.run(self.runtime.verify_undo())
        assert found.ok and all(not database.changed for database in found.databases), found

    def teardown(self) -> None:
        if not hasattr(self, "runtime"):
            return
        try:
            self.undo_holds()
            self.runner.run(self.runtime.restore(0))
            assert self.look() == self.seen[0]
        finally:
            self.runner.run(self.runtime.close())
            self.runner.close()
            shutil.rmtree(self.folder)
            if self.state is None:
                del os.environ["XDG_STATE_HOME"]
            else:
                os.environ["XDG_STATE_HOME"] = self.state


Machine.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None, derandomize=True)
TestDatabases = Machine.TestCase
