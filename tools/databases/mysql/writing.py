"""Writing rows as they are to be, past triggers where a way leads past them."""

from __future__ import annotations

from collections.abc import Sequence

from agentrt.records import PathConflict

from ..rows import Change, path_of, words
from .place import Link
from .reach import Schema
from .table import Table


class Writer:
    def __init__(self, link: Link, tables: dict[str, Table], schema: Schema) -> None:
        self._link, self._tables = link, tables
        self._events: dict[str, set[str]] = {}
        for trigger in schema.triggers:
            self._events.setdefault(trigger.table, set()).add(trigger.event)

    def write(self, changes: Sequence[Change]) -> list[PathConflict]:
        """What the server refuses."""
        return [
            conflict for name, those in by_table(changes).items() for conflict in self._table(self._tables[name], those)
        ]

    def _table(self, table: Table, changes: Sequence[Change]) -> list[PathConflict]:
        events = self._events.get(table.name, set())
        # Rows that exchange what is unique can only be deleted and inserted, unless triggers run at that.
        apart = not table.key or not events & {"DELETE", "INSERT"}
        updates = [each for each in changes if not apart and each.before is not None and each.after is not None]
        gone = [each for each in changes if each.before is not None and (apart or each.after is None)]
        come = [each for each in changes if each.after is not None and (apart or each.before is None)]
        if table.key:
            table.delete(self._link, [each.key for each in gone])
        else:
            for each in gone:
                assert each.before is not None
                table.delete_copy(self._link, each.before)
        conflicts = []
        for each in updates:
            conflicts += self._tried(each, lambda each=each: self._update(table, each))
        return conflicts + self._insert(table, come)

    def _update(self, table: Table, change: Change) -> None:
        assert change.before is not None and change.after is not None
        table.update(self._link, change.key, change.before, change.after)

    def _insert(self, table: Table, changes: Sequence[Change]) -> list[PathConflict]:
        """All at once; where the server refuses one, one by one, to tell which."""
        rows = [each.after for each in changes if each.after is not None]
        self._link.run("SAVEPOINT rows_come")
        refused: list[PathConflict] = []
        for change in changes[:1]:
            refused = self._tried(change, lambda: table.insert(self._link, rows))
        if not refused:
            return []
        self._link.run("ROLLBACK TO SAVEPOINT rows_come")
        found: list[PathConflict] = []
        for change in changes:
            after = change.after
            assert after is not None
            found += self._tried(change, lambda after=after: table.insert(self._link, [after]))
        return found or refused

    def _tried(self, change: Change, work: object) -> list[PathConflict]:
        import pymysql

        assert callable(work)
        try:
            work()
        except (pymysql.IntegrityError, pymysql.DataError, pymysql.OperationalError) as error:
            if isinstance(error, pymysql.OperationalError) and error.args[0] not in _REFUSALS:
                raise
            path = path_of(self._link.place.name, change.table, change.key)
            return [PathConflict(path=path, ours=words(change.after), theirs=str(error.args[-1]))]
        return []


_REFUSALS = {1644, 3819, 4025, 1364, 1366, 1292}
"""A trigger's SIGNAL, CHECK constraints, values that do not fit."""


def by_table(changes: Sequence[Change]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(change.table, []).append(change)
    return found
