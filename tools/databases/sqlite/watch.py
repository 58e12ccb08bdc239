"""Seeing what the statements of one action do to an SQLite database, row by row, also by triggers and cascades.

SQLite tells of each row before it changes (the preupdate hook); how it ended is read when all is done. Of a table that
is dropped or altered all rows are kept: as they are just before, with what the hook told taken back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from agentrt.contracts import Scalar
from agentrt.errors import UsageError

from ..rows import Change, Row, exact_all, same
from .guard import Guard
from .record import Record, Sides, Whole
from .schema import Objects, Table, differing, objects, sequences, settings, shadows

if TYPE_CHECKING:
    from apsw import Connection, PreUpdate

Place = int | tuple[tuple[str, Scalar], ...]
"""A rowid, or the exact primary key of a table without."""


class Watch:
    """From the start of a write transaction."""

    def __init__(self, connection: Connection, guard: Guard) -> None:
        self._connection, self._guard = connection, guard
        self._objects = objects(connection)
        self._shadows = shadows(connection)
        self._sequences, self._settings = sequences(connection), settings(connection)
        statistics = connection.execute("SELECT name FROM main.sqlite_schema WHERE name GLOB 'sqlite_stat[0-9]'")
        self._names = {name for type, name in self._objects if type == "table"} | {name for (name,) in statistics}
        self._tables: dict[str, Table] = {}
        self._touched: dict[str, dict[Place, tuple[tuple[Scalar, ...], Row | None]]] = {}
        """By table and place: the key's values, and the row before it was first touched."""
        self._whole: dict[str, list[Row]] = {}
        """Tables of which all rows are kept, as they were at the start."""

    def prepare(self) -> None:
        """A statement is about to run; the guard has seen what it is about. Keeps whole what has to be."""
        for name in list(self._names - self._whole.keys()):
            remade = not self._guard.remade.isdisjoint({name, self._shadows.get(name, name)})
            if remade or (name in self._guard.written and self._unseen(name)):
                self._keep_whole(name)

    def _unseen(self, name: str) -> bool:
        """The hook cannot tell of its rows."""
        if self._virtual(name):
            return False
        table = self._table(name)
        return table.computes and not table.has_rowid

    def _virtual(self, name: str) -> bool:
        found = self._objects.get(("table", name))
        return found is not None and found.virtual

    def _table(self, name: str) -> Table:
        if name not in self._tables:
            table = Table.read(self._connection, name)
            if table is None:
                raise UsageError(f"{name} could not be recorded", hint="nothing was changed")
            if table.has_rowid and table.rowid is None and not table.is_rowid:
                raise table.unreachable()
            self._tables[name] = table
        return self._tables[name]

    def see(self, update: PreUpdate) -> None:
        """A row is about to change."""
        name = update.table_name
        if update.database_name != "main" or name not in self._names or name in self._whole:
            return
        table = self._table(name)
        touched = self._touched.setdefault(name, {})
        if table.has_rowid:
            if update.op == "INSERT":
                touched.setdefault(update.rowid, ((), None))
                return
            if update.rowid not in touched:
                touched[update.rowid] = (), self._before(table, update)
            if update.op == "UPDATE":
                touched.setdefault(update.rowid_new, ((), None))
            return
        positions = [table.listed.index(column) for column in table.key]
        if (old := update.old) is not None:
            key = tuple(old[position] for position in positions)
            touched.setdefault(exact_all(key), (key, table.row_of_all(0, old)))
        if (new := update.new) is not None:
            key = tuple(new[position] for position in positions)
            touched.setdefault(exact_all(key), (key, None))

    def _before(self, table: Table, update: PreUpdate) -> Row | None:
        if table.computes:  # SQLite does not give old values where columns are not stored
            return table.at_rowid(self._connection, update.rowid)
        old = update.old
        return None if old is None else table.row_of_all(update.rowid, old)

    def _keep_whole(self, name: str) -> None:
        if self._virtual(name):  # has no rows of its own
            self._whole[name] = []
            return
        table = self._table(name)
        touched = self._touched.get(name, {})
        rows = [row for row in table.rows(self._connection) if self._place(table, row) not in touched]
        rows += [before for _, before in touched.values() if before is not None]
        self._whole[name] = sorted(rows, key=lambda row: self._place(table, row)) if table.has_rowid else rows

    def _place(self, table: Table, row: Row) -> Any:
        if not table.has_rowid:
            return exact_all(row.values[column] for column in table.key)
        return row.values[table.key[0]] if table.is_rowid else row.at

    # -------------------------------------------------------------------------------------------------- the outcome

    def record(self) -> Record:
        """All that is not what it was. Raises ``UsageError`` where something could not be recorded."""
        # Virtual tables write what they hold back when there is a savepoint, at the latest.
        self._connection.execute("SAVEPOINT sealed")
        self._connection.execute("RELEASE sealed")
        now = objects(self._connection)
        changed = {place for place in {**self._objects, **now} if self._objects.get(place) != now.get(place)}
        remade = {name for type, name in changed if type in ("table", "view")}
        if missed := (self._guard.dropped & self._names) - self._whole.keys():
            raise UsageError(f"{min(missed)} could not be recorded before it was dropped", hint="nothing was changed")
        for name in sorted((remade & self._names) - self._whole.keys()):
            if ("table", name) not in now:
                raise UsageError(f"{name} could not be recorded before it was dropped", hint="nothing was changed")
            self._keep_whole(name)  # only what it refers to was renamed
        owners = {**self._shadows, **shadows(self._connection)}
        wholes = [self._both(name, now, owners) for name in sorted(remade) if self._has_rows(name, now)]
        renamed = self._renamed(now, changed)
        changes = [change for name in sorted(self._names - remade) for change in self._changes(name)]
        return Record(
            changes=tuple(changes),
            objects=tuple(_sides(self._objects, now, changed, remade)),
            wholes=tuple(wholes),
            shown=tuple(self._shown(wholes, renamed)),
            renamed=renamed,
            sequences=_both(self._sequences, sequences(self._connection)),
            settings={
                name: (value, after)
                for name, value in self._settings.items()
                if (after := settings(self._connection)[name]) != value
            },
            notes={
                change.table: f"kept by the virtual table {owners[change.table]}"
                for change in changes
                if change.table in owners
            },
        )

    def _changes(self, name: str) -> Iterator[Change]:
        """Of a table whose definition stayed."""
        if name in self._whole:
            if not self._virtual(name):
                yield from differing(self._table(name), self._whole[name], self._now(name))
            return
        table = self._table(name) if name in self._touched else None
        if table is None:
            return
        was, came = [], []
        for place, (key, before) in self._touched[name].items():
            if isinstance(place, int):
                after = table.at_rowid(self._connection, place)
            else:
                after = table.find(self._connection, dict(zip(table.key, key, strict=True)))
            was += [] if before is None else [before]
            came += [] if after is None else [after]
        yield from differing(table, was, came)

    def _now(self, name: str) -> list[Row]:
        table = Table.read(self._connection, name)
        return [] if table is None else table.rows(self._connection)

    def _has_rows(self, name: str, now: Objects) -> bool:
        found = self._objects.get(("table", name)), now.get(("table", name))
        return any(each is not None and not each.virtual for each in found)

    def _both(self, name: str, now: Objects, owners: dict[str, str]) -> Whole:
        after = tuple(self._now(name)) if ("table", name) in now else None
        before = tuple(self._whole[name]) if name in self._names else None
        return Whole(name, before, after, owners.get(name, ""))

    def _renamed(self, now: Objects, changed: set[tuple[str, str]]) -> dict[str, str]:
        """Tables that were only given another name: what was altered, and is gone, and what came with its rows."""
        gone = [name for type, name in changed if type == "table" and (type, name) not in now]
        came = [name for type, name in changed if type == "table" and (type, name) not in self._objects]
        found: dict[str, str] = {}
        for old in gone:
            if old not in self._guard.dropped and not self._virtual(old):
                rows = self._whole[old]
                for new in came:
                    if new not in found and _carried(rows, self._now(new)):
                        found[new] = old
                        break
        return found

    def _shown(self, wholes: list[Whole], renamed: dict[str, str]) -> Iterator[Change]:
        for whole in wholes:
            before, table = whole.before, Table.read(self._connection, whole.name)
            if before is None or whole.after is None or table is None or not before or not whole.after:
                if before is not None and whole.after is not None:
                    yield from _all(whole)
                continue
            shared = [column for column in before[0].values if column in whole.after[0].values]
            if not set(table.key) <= set(shared):
                continue
            yield from differing(table, _only(before, shared), _only(whole.after, shared))


def _sides(before: Objects, now: Objects, changed: set[tuple[str, str]], remade: set[str]) -> Iterator[Sides]:
    for place in {**before, **now}:
        sides = Sides(before.get(place), now.get(place))
        if place in changed or sides.either.table in remade:
            yield sides


def _both(
    before: dict[str, list[Scalar]], after: dict[str, list[Scalar]]
) -> dict[str, tuple[list[Scalar], list[Scalar]]]:
    return {
        name: (before.get(name, []), after.get(name, []))
        for name in {**before, **after}
        if exact_all(before.get(name, [])) != exact_all(after.get(name, []))
    }


def _only(rows: tuple[Row, ...], columns: list[str]) -> list[Row]:
    return [Row({column: row.values[column] for column in columns}, row.at) for row in rows]


def _all(whole: Whole) -> Iterator[Change]:
    for number, row in enumerate(whole.before or ()):
        yield Change(whole.name, {"": number}, row, None)
    for number, row in enumerate(whole.after or ()):
        yield Change(whole.name, {"": number}, None, row)


def _carried(before: list[Row], after: list[Row]) -> bool:
    """Whether rows are the same, in the columns that both have."""
    if len(before) != len(after):
        return False
    if not before:
        return True
    shared = [column for column in before[0].values if column in after[0].values]
    return bool(shared) and all(
        same(one, other, at=True)
        for one, other in zip(_only(tuple(before), shared), _only(tuple(after), shared), strict=True)
    )
