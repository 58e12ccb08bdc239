"""What there is in an SQLite database: tables and how their rows are found, and everything else by its SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from agentrt.contracts import Scalar
from agentrt.errors import UsageError

from ..rows import Change, Row, Values, exact_all, same

if TYPE_CHECKING:
    from apsw import Connection

ROWIDS = ("rowid", "_rowid_", "oid")
SETTINGS = ("user_version", "application_id")
"""Pragmas that are the database's own, and can be set in a transaction."""


class Object(NamedTuple):
    """A table, an index, a view or a trigger."""

    type: str
    name: str
    table: str
    """What it is on; a table is on itself."""
    sql: str

    @property
    def virtual(self) -> bool:
        return self.sql.upper().startswith("CREATE VIRTUAL")


Objects = dict[tuple[str, str], Object]
"""By type and name."""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def ask(connection: Connection, query: str, values: Sequence[Scalar] = ()) -> list[tuple[Any, ...]]:
    """All rows it gives."""
    return connection.execute(query, tuple(values)).fetchall()


def objects(connection: Connection) -> Objects:
    """All but what SQLite makes by itself."""
    found = ask(
        connection,
        "SELECT type, name, tbl_name, sql FROM main.sqlite_schema"
        " WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_'",
    )
    return {(type, name): Object(type, name, table, sql) for type, name, table, sql in found}


def shadows(connection: Connection) -> dict[str, str]:
    """Tables in which virtual tables keep their content, each with the name of the virtual table."""
    listed = [(name, type) for _, name, type, *_ in ask(connection, "PRAGMA main.table_list")]
    virtual = sorted((name for name, type in listed if type == "virtual"), key=len)
    owners = {}
    for name, type in listed:
        if type == "shadow":
            for owner in virtual:  # the longest comes last
                if name.lower().startswith(f"{owner.lower()}_"):
                    owners[name] = owner
    return owners


def sequences(connection: Connection) -> dict[str, list[Scalar]]:
    """What AUTOINCREMENT gave last, by table; more than one value where somebody wrote more."""
    found: dict[str, list[Scalar]] = {}
    if connection.execute("SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_sequence'").fetchone():
        for name, last in ask(connection, "SELECT name, seq FROM main.sqlite_sequence ORDER BY rowid"):
            found.setdefault(str(name), []).append(last)
    return found


def settings(connection: Connection) -> dict[str, int]:
    return {name: int(ask(connection, f"PRAGMA main.{name}")[0][0]) for name in SETTINGS}


Found = tuple[tuple[str, ...], tuple[tuple[str, Scalar], ...]]
"""What a row is found by: the columns, and the exact values."""


@dataclass(frozen=True)
class Table:
    """How the rows of one table are read, found and written."""

    name: str
    listed: tuple[str, ...]
    """All columns, as SQLite lists them."""
    columns: tuple[str, ...]
    """Those that can be written: not the generated ones."""
    key: tuple[str, ...]
    """The declared primary key."""
    rowid: str | None
    """A name of the rowid that no column has; None where there is no rowid, or no such name."""
    has_rowid: bool
    is_rowid: bool
    """The primary key is the rowid."""
    computes: bool
    """It has virtual generated columns."""

    @classmethod
    def read(cls, connection: Connection, name: str) -> Table | None:
        """None: there is no such table."""
        infos = ask(connection, f"PRAGMA main.table_xinfo({quoted(name)})")
        if not infos:
            return None
        listed = tuple(info[1] for info in infos if info[6] != 1)
        taken = {column.lower() for column in listed}
        key = tuple(info[1] for info in sorted(infos, key=lambda info: info[5]) if info[5])
        without = ask(connection, "SELECT wr FROM pragma_table_list(?1) WHERE schema = 'main'", (name,))[0][0]
        indexes = ask(connection, f"PRAGMA main.index_list({quoted(name)})")
        return cls(
            name,
            listed,
            tuple(info[1] for info in infos if info[6] == 0),
            key,
            None if without else next((alias for alias in ROWIDS if alias not in taken), None),
            not without,
            bool(key) and not without and not any(index[3] == "pk" for index in indexes),
            any(info[6] == 2 for info in infos),
        )

    @cached_property
    def select(self) -> str:
        columns = ", ".join(quoted(column) for column in self.columns)
        return f"SELECT {self.rowid or 'NULL'}, {columns} FROM main.{quoted(self.name)}"

    @cached_property
    def _by_key(self) -> str:
        return " WHERE " + " AND ".join(f"{quoted(column)} IS ?" for column in self.key)

    def _where(self, key: Values) -> str:
        if tuple(key) == self.key:
            return self._by_key
        return " WHERE " + " AND ".join(f"{name if name == self.rowid else quoted(name)} IS ?" for name in key)

    def row(self, found: Sequence[Scalar]) -> Row:
        """Of what ``select`` gave."""
        rowid = found[0] if isinstance(found[0], int) and not self.is_rowid else None
        return Row(dict(zip(self.columns, found[1:], strict=True)), rowid)

    def row_of_all(self, rowid: int, values: Sequence[Scalar]) -> Row:
        """Of the values of all columns."""
        known = dict(zip(self.listed, values, strict=True))
        return self.row((rowid, *(known[column] for column in self.columns)))

    def key_of(self, row: Row) -> Values:
        """The primary key where no part is NULL, else the rowid. Raises ``UsageError`` where neither can be had."""
        if self.key:
            key = {column: row.values[column] for column in self.key}
            if None not in key.values():
                return key
        if self.rowid is None:
            raise self.unreachable()
        return {self.rowid: row.at}

    def unreachable(self) -> UsageError:
        return UsageError(
            f"rows of {self.name} cannot be found again: its columns hide the rowid",
            hint="what is done to it could not be taken back; rename one of the columns rowid, oid, _rowid_",
        )

    def rows(self, connection: Connection) -> list[Row]:
        """All of them, by rowid."""
        order = f" ORDER BY {self.rowid}" if self.rowid else ""
        return [self.row(found) for found in connection.execute(self.select + order)]

    def at_rowid(self, connection: Connection, rowid: int) -> Row | None:
        name = self.rowid or quoted(self.key[0])
        found = connection.execute(f"{self.select} WHERE {name} = ?", (rowid,)).fetchone()
        return None if found is None else self.row(found)

    def find(self, connection: Connection, key: Values) -> Row | None:
        """The row with exactly this key: what only compares equal (by a collation, 1 and 1.0) is another one."""
        return self.find_all(connection, [key]).get(place_of(key))

    def find_all(self, connection: Connection, keys: Iterable[Values]) -> dict[Found, Row]:
        """As ``find``; by ``place_of`` the key, those that are there."""
        there: dict[Found, Row] = {}
        for names, some in _alike(keys):
            query = self.select + self._where(some[0])
            for found in connection.executemany(query, [tuple(key.values()) for key in some]):
                row = self.row(found)
                if names == self.key:  # no part of it is NULL, as none of what was asked for is
                    place = names, exact_all([row.values[column] for column in names])
                else:
                    place = place_of(self.key_of(row))
                there.setdefault(place, row)
        return there

    def delete_all(self, connection: Connection, rows: Iterable[Row]) -> None:
        """They are there, as they are."""
        for _, some in _alike(self.key_of(row) for row in rows):
            statement = f"DELETE FROM main.{quoted(self.name)}{self._where(some[0])}"
            connection.executemany(statement, [tuple(key.values()) for key in some])

    def insert_all(self, connection: Connection, rows: Sequence[Row]) -> bool:
        """As ``insert``, all of them; False: one could not be, and none is."""
        import apsw

        connection.execute("SAVEPOINT coming")
        try:
            for with_rowid in (False, True):
                some = [row for row in rows if self._has_place(row) is with_rowid]
                connection.executemany(self._inserts[with_rowid], [self._values(row, with_rowid) for row in some])
        except (apsw.ConstraintError, apsw.SQLError):
            connection.execute("ROLLBACK TO coming")
            return False
        finally:
            connection.execute("RELEASE coming")
        return True

    def insert(self, connection: Connection, row: Row) -> None:
        """With its rowid, or where that is taken and not what the row is found by, with another. Raises
        ``apsw.ConstraintError``."""
        import apsw

        try:
            self._insert(connection, row, with_rowid=self._has_place(row))
        except apsw.ConstraintError as error:
            taken = getattr(error, "extendedresult", 0) == apsw.SQLITE_CONSTRAINT_ROWID
            if not taken or tuple(self.key_of(row)) != self.key:
                raise
            self._insert(connection, row, with_rowid=False)

    def _has_place(self, row: Row) -> bool:
        return row.at is not None and self.rowid is not None

    def _insert(self, connection: Connection, row: Row, *, with_rowid: bool) -> None:
        connection.execute(self._inserts[with_rowid], self._values(row, with_rowid))

    def _values(self, row: Row, with_rowid: bool) -> tuple[Scalar, ...]:
        values = [row.values[column] for column in self.columns]
        return (row.at, *values) if with_rowid else tuple(values)

    @cached_property
    def _inserts(self) -> tuple[str, str]:
        """Without and with a rowid. OR ABORT: else a constraint that says ON CONFLICT REPLACE would delete others."""
        columns = [quoted(column) for column in self.columns]
        return self._insertion(columns), self._insertion([self.rowid or "", *columns])

    def _insertion(self, columns: list[str]) -> str:
        holes = ", ".join("?" * len(columns))
        return f"INSERT OR ABORT INTO main.{quoted(self.name)} ({', '.join(columns)}) VALUES ({holes})"


def place_of(key: Values) -> Found:
    """Equal for keys of the same columns with exactly the same values, and for no others."""
    return tuple(key), exact_all(key.values())


def _alike(keys: Iterable[Values]) -> Iterable[tuple[tuple[str, ...], list[Values]]]:
    """By their columns."""
    found: dict[tuple[str, ...], list[Values]] = {}
    for key in keys:
        found.setdefault(tuple(key), []).append(key)
    return found.items()


def differing(table: Table, before: Iterable[Row], after: Iterable[Row]) -> list[Change]:
    """From all rows of a table then to all rows now, those that are not what they were."""
    one = {exact_all(key.values()): (key, row) for row in before for key in (table.key_of(row),)}
    other = {exact_all(key.values()): (key, row) for row in after for key in (table.key_of(row),)}
    found = []
    for place in {**one, **other}:
        key = (one.get(place) or other[place])[0]
        was, now = (one[place][1] if place in one else None), (other[place][1] if place in other else None)
        if not same(was, now, at=True):
            found.append(Change(table.name, key, was, now))
    return found
