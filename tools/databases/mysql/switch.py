"""From the definitions there are to those there should be: tables are built beside, and exchanged by one statement.

Foreign keys and triggers are there before and after, under other names in between. What is on its way is written down
first (``Way``), so that after a crash it is known what stands, and all of it is finished or none of it is done.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from agentrt.errors import ResourceError
from agentrt.records import PathConflict

from ..rows import Move
from .aim import Aim
from .dangling import dangling
from .definitions import converge, describe, referring, refers, renamed, set_number
from .place import MODE_OF_UNDO, Link, Place, quoted
from .reach import Schema
from .record import Record
from .recovering import complete, printed, recover, tell
from .scratch import tied
from .table import Table
from .way import Way, laid_out, names_of


class Switch:
    """One plan. Tables stay locked from ``plan`` to ``finish`` or ``close``."""

    def __init__(self, place: Place, file: Path) -> None:
        self._place, self._file = place, file
        self._way: Way | None = None
        self._link, self._other = self._place.connect(MODE_OF_UNDO), self._place.connect(MODE_OF_UNDO)
        for link in (self._link, self._other):
            link.run("SET SESSION check_constraint_checks = 0")

    def plan(self, moves: Sequence[Move[Record]]) -> list[PathConflict]:
        """Get ready; where there are conflicts, or it raises, the caller closes."""
        link, other, database = self._link, self._other, self._place.name
        schema = Schema.read(other, link)
        scope = tied(schema, names_of(moves))
        present = describe(other, scope)
        sketch = Aim(database, present, None).all(moves)
        if sketch.conflicts:
            return sketch.conflicts
        way = self._way = laid_out(present, sketch, f"~agentrt_{secrets.token_hex(6)}")
        way.keep(self._file)
        for name, hidden in way.built.items():
            other.run(way.target.tables[name].create(hidden))
        made = describe(other, way.built.values())
        for name, hidden in way.built.items():
            if made.tables[hidden].body != way.target.tables[name].body:
                raise ResourceError(f"the table {name} cannot be made again as it was", hint="nothing was touched")
        if scope_tables := [*present.tables, *way.built.values()]:
            link.run("LOCK TABLES " + ", ".join(f"{quoted(name)} WRITE" for name in scope_tables))
        there = describe(other, scope)  # where views can be seen
        if there != present:
            raise ResourceError("definitions were changed by others meanwhile", hint="do it again")
        tables = Table.read(link, present.tables)
        aim = Aim(database, there, lambda name: tables[name].all(link)).all(moves)
        if aim.conflicts:
            return list(dict.fromkeys(aim.conflicts))
        self._way = way = replace(way, target=aim.definitions)
        conflicts = self._fill(link, way, aim)
        if not conflicts:
            conflicts = list(dangling(link, way, {name for name in way.built if aim.contents[name].origin is None}))
        self._way = replace(way, prints={name: printed(link, name) for name in way.gone})
        return conflicts

    def _fill(self, link: Link, way: Way, aim: Aim) -> list[PathConflict]:
        import pymysql

        tables = Table.read(link, way.built.values())
        for name, hidden in way.built.items():
            table, content = tables[hidden], aim.contents[name]
            try:
                if content.origin is None:
                    table.insert(link, content.all())
                else:
                    columns = ", ".join(quoted(column.name) for column in table.written)
                    link.run(f"INSERT INTO {quoted(hidden)} ({columns}) SELECT {columns} FROM {quoted(content.origin)}")
            except (pymysql.IntegrityError, pymysql.DataError) as error:
                path = f"{self._place.name}:{name}"
                return [PathConflict(path=path, ours=way.target.tables[name].body, theirs=str(error.args[-1]))]
            set_number(link, hidden, way.target.tables[name].number)
        return []

    def finish(self) -> None:
        """All of it. Raises ``ResourceError``: then nothing of it is done, unless it says so."""
        assert self._way is not None
        way = replace(self._way, switching=True)
        try:
            way.keep(self._file)
            self._tie(way)
            self._bar(way)
            self._exchange(way)
        except BaseException:
            self._link.close()
            if recover(self._place, self._file):
                return
            raise
        try:
            slipped = complete(self._other, way)
        except Exception as error:
            if not recover(self._place, self._file):
                raise ResourceError(f"{self._place.said}: nothing was done: {error}", hint="do it again") from error
            return
        self._file.unlink(missing_ok=True)
        tell(self._place, way, slipped)

    def _tie(self, way: Way) -> None:
        """What is built gets its foreign keys and triggers, under names of ours."""
        link, number = self._link, 0
        for name, hidden in way.built.items():
            wanted = way.target.tables[name]
            foreign, triggers = {}, []
            for clause in wanted.foreign.values():
                number += 1
                foreign[f"{hidden}_f{number}"] = referring(clause, way.before(refers(clause)))
            for trigger in wanted.triggers:
                number += 1
                triggers.append(renamed(trigger, f"{hidden}_t{number}", hidden))
            converge(link, hidden, foreign, triggers)

    def _bar(self, way: Way) -> None:
        """The exchange waits for one table after the other: who comes to the second before it does is refused. It is
        before all others who wait for the first."""
        for name, trash in way.gone.items() if len(way.gone) > 1 else ():
            for event in ("INSERT", "UPDATE", "DELETE"):
                self._link.run(
                    f"CREATE TRIGGER {quoted(f'{trash}_{event}')} BEFORE {event} ON {quoted(name)} FOR EACH ROW SIGNAL"
                    " SQLSTATE '45000' SET MESSAGE_TEXT = 'the table is being altered: do it again'"
                )

    def _exchange(self, way: Way) -> None:
        """One statement."""
        pairs = [*way.gone.items(), *way.moved.items(), *((hidden, name) for name, hidden in way.built.items())]
        if not pairs:
            self._link.run("UNLOCK TABLES")
            return
        statement = "RENAME TABLE " + ", ".join(f"{quoted(one)} TO {quoted(other)}" for one, other in pairs)
        with ThreadPoolExecutor(1) as apart:
            running = apart.submit(self._other.run, statement)
            self._until_waiting(running)
            self._link.run("UNLOCK TABLES")
            running.result()

    def _until_waiting(self, running: Future[int]) -> None:
        number = self._other.connection.thread_id()
        query = f"SELECT state FROM information_schema.processlist WHERE id = {number}"
        while not running.done():
            if any("metadata lock" in (state or "") for (state,) in self._link.ask(query)):
                return
            time.sleep(0.002)

    def close(self) -> None:
        """What was planned is not done. After ``finish`` it only lets go."""
        self._link.close()
        self._other.close()
        if self._file.exists():
            recover(self._place, self._file)
