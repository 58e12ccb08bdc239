"""Taking the changes of actions back, and putting them there again: all in one transaction, which the caller ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from agentrt.contracts import Scalar
from agentrt.records import PathConflict

from ..rows import Change, Move, Row, Standing, Values, conflict_of, exact, exact_all, path_of, same, words
from .record import Record, Whole
from .schema import Object, Table, ask, objects, place_of, quoted, sequences, settings

if TYPE_CHECKING:
    from apsw import Connection

_ORDER = ("table", "index", "view", "trigger")
"""In which objects are made; they are dropped the other way round."""


class Turn:
    """On a connection without triggers, foreign-key actions and checks."""

    def __init__(self, connection: Connection, database: str) -> None:
        self._connection, self._database = connection, database

    def all(self, moves: Sequence[Move[Record]]) -> list[PathConflict]:
        """Make the moves, one after the other. What is in the way is overwritten all the same, so that the moves after
        it are told what is in theirs: where there are conflicts, the caller rolls back."""
        touched = {name for move in moves for name in move.record.tables}
        dangling = self._dangling(touched)
        conflicts: list[PathConflict] = []
        for move in moves:
            conflicts += self.differences(move.record, move.expects)
            conflicts += self._make(move, final=not conflicts)
        for (table, rowid, parent), _ in (self._dangling(touched) - dangling).items():
            conflicts.append(self._orphan(table, rowid, parent))
        return list(dict.fromkeys(conflicts))

    # -------------------------------------------------------------------------------------------------- what is there

    def differences(self, record: Record, expected: Standing) -> list[PathConflict]:
        """Where the database is not as the record says that it was ``before`` or ``after`` the action."""
        return [
            *self._other_objects(record, expected),
            *(conflict for whole in record.wholes for conflict in self._other_rows(whole, expected)),
            *self._other_changes(record.changes, expected),
            *self._other_settings(record, expected),
        ]

    def numbers_differ(self, record: Record, expected: Standing) -> bool:
        """Whether AUTOINCREMENT is elsewhere than the record says."""
        now = sequences(self._connection)
        return any(
            exact_all(now.get(name, [])) != exact_all(sides[expected == "after"])
            for name, sides in record.sequences.items()
        )

    def _other_objects(self, record: Record, expected: Standing) -> Iterator[PathConflict]:
        now = objects(self._connection)
        known, remade = _places(record), _remade(record)
        within = {whole.name for whole in record.wholes if whole.within}
        for sides in record.objects:
            if sides.either.name in within:
                continue  # the virtual table's matter: it writes them in more than one way
            wanted, found = sides.side(expected), now.get((sides.either.type, sides.either.name))
            if wanted != found:
                ours = sides.side("before" if expected == "after" else "after")
                yield self._conflict(sides.either, _definition(ours), _definition(found))
        for place, other in now.items():
            if other.table in remade and place not in known:
                yield self._conflict(other, f"no such {other.type}", _definition(other))

    def _other_rows(self, whole: Whole, expected: Standing) -> Iterator[PathConflict]:
        wanted, table = whole.side(expected), Table.read(self._connection, whole.name)
        if wanted is None or table is None:
            return  # the definition says so
        recorded = Counter(_exact(row) for row in wanted)
        found = table.rows(self._connection)
        others = [row for row in found if not recorded[_exact(row)]]
        if others or len(found) != len(wanted):
            example = f": {words(others[0])}" if others else ""
            yield PathConflict(
                path=f"{self._database}:{whole.name}",
                ours=f"the table as it was, which had {len(wanted)} rows when it was changed",
                theirs=f"{len(found)} rows, {len(others)} of them other ones{example}",
            )

    def _other_changes(self, changes: Sequence[Change], expected: Standing) -> Iterator[PathConflict]:
        for name, those in _by_table(changes).items():
            table = Table.read(self._connection, name)
            columns = _columns(those)
            if table is None or set(table.columns) != columns.keys():
                yield PathConflict(
                    path=f"{self._database}:{name}",
                    ours=f"{len(those)} rows of columns {', '.join(columns)}",
                    theirs="no such table" if table is None else f"columns {', '.join(table.columns)}",
                )
                continue
            there = table.find_all(self._connection, (change.key for change in those))
            for change in those:
                found = there.get(place_of(change.key))
                moved = same(change.before, change.after)  # to another rowid, and that is all
                if not same(found, change.side(expected), at=moved):
                    ours = change.side("before" if expected == "after" else "after")
                    yield conflict_of(self._database, name, change.key, ours, found)

    def _other_settings(self, record: Record, expected: Standing) -> Iterator[PathConflict]:
        now = settings(self._connection)
        for name, (before, after) in record.settings.items():
            wanted, ours = (before, after) if expected == "before" else (after, before)
            if now[name] != wanted:
                yield PathConflict(path=f"{self._database}:{name}", ours=str(ours), theirs=str(now[name]))

    # --------------------------------------------------------------------------------------------------------- making

    def _make(self, move: Move[Record], *, final: bool) -> list[PathConflict]:
        """Where the database was not as expected (not ``final``), what fails now says nothing more."""
        import apsw

        record = move.record
        conflicts: list[PathConflict] = []
        numbers = sequences(self._connection)
        comes = [found for sides in record.objects if (found := sides.side(move.to)) is not None]
        try:
            statistics = self._statistics({found.name for found in comes})
            self._drop(record)
            conflicts += self._create(record, [found for found in comes if found.type == "table"])
            for table, row in statistics:  # they go with a table that is dropped
                if table.find(self._connection, table.key_of(row)) is None:
                    table.insert(self._connection, row)
            for whole in record.wholes:
                if (rows := whole.side(move.to)) is not None:
                    self._fill(whole, rows)
            conflicts += self._write(move, final=final)
            conflicts += self._create(record, [found for found in comes if found.type != "table"])
            self._number(move, numbers)
            for name, (before, after) in record.settings.items():
                self._connection.execute(f"PRAGMA main.{name} = {after if move.to == 'after' else before}")
        except (apsw.SQLError, apsw.ConstraintError):
            if final and not conflicts:
                raise
        return conflicts if final else []

    def _statistics(self, tables: set[str]) -> list[tuple[Table, Row]]:
        """What ANALYZE found out about them, if anybody asked it to."""
        kept = [Table.read(self._connection, name) for name in ("sqlite_stat1", "sqlite_stat4")] if tables else []
        return [
            (table, row)
            for table in kept
            if table is not None
            for row in table.rows(self._connection)
            if row.values["tbl"] in tables
        ]

    def _drop(self, record: Record) -> None:
        within = {whole.name for whole in record.wholes if whole.within}
        there = objects(self._connection)
        known, remade = _places(record), _remade(record)
        goes = [found for place, found in there.items() if place in known or found.table in remade]
        for found in sorted(goes, key=lambda each: -_ORDER.index(each.type)):
            if found.table not in within and found.name not in within:
                self._connection.execute(f"DROP {found.type} IF EXISTS main.{quoted(found.name)}")

    def _create(self, record: Record, comes: Sequence[Object]) -> Iterator[PathConflict]:
        import apsw

        within = {whole.name for whole in record.wholes if whole.within}
        for each in sorted(comes, key=lambda each: _ORDER.index(each.type)):
            if each.name not in within and each.table not in within:
                try:
                    self._connection.execute(each.sql)
                except (apsw.SQLError, apsw.ConstraintError) as error:
                    yield self._conflict(each, _definition(each), str(error))

    def _fill(self, whole: Whole, rows: Sequence[Row]) -> None:
        table = Table.read(self._connection, whole.name)
        if table is None:
            return  # it could not be made, which is a conflict
        if whole.within:  # the virtual table began it
            self._connection.execute(f"DELETE FROM main.{quoted(whole.name)}")
        for row in rows:
            table.insert(self._connection, row)

    def _write(self, move: Move[Record], *, final: bool) -> Iterator[PathConflict]:
        import apsw

        for name, those in _by_table(move.record.changes).items():
            table = Table.read(self._connection, name)
            if table is None or set(table.columns) != _columns(those).keys():
                continue  # a conflict
            there = {} if final else table.find_all(self._connection, (change.key for change in those))
            found = (change.side(move.expects) if final else there.get(place_of(change.key)) for change in those)
            table.delete_all(self._connection, [row for row in found if row is not None])
            comes = [(change.key, row) for change in those if (row := change.side(move.to)) is not None]
            if table.insert_all(self._connection, [row for _, row in comes]):
                continue
            for key, row in comes:  # which of them it is
                try:
                    table.insert(self._connection, row)
                except (apsw.ConstraintError, apsw.SQLError) as error:
                    yield PathConflict(path=path_of(self._database, name, key), ours=words(row), theirs=str(error))

    def _number(self, move: Move[Record], there: dict[str, list[Scalar]]) -> None:
        """Put AUTOINCREMENT where it was, if nobody has gone on from it; else leave it where it is."""
        wanted = dict(there)
        for name, (before, after) in move.record.sequences.items():
            expected, comes = (before, after) if move.to == "after" else (after, before)
            if exact_all(there.get(name, [])) == exact_all(expected):
                wanted[name] = comes
        now = sequences(self._connection)
        tables = {name for type, name in objects(self._connection) if type == "table"}
        for name in {**now, **wanted}:
            values = wanted.get(name, [])
            if exact_all(now.get(name, [])) == exact_all(values) or (
                name not in tables and name not in move.record.sequences
            ):
                continue
            self._connection.execute("DELETE FROM main.sqlite_sequence WHERE name = ?", (name,))
            for value in values:
                self._connection.execute("INSERT INTO main.sqlite_sequence (name, seq) VALUES (?, ?)", (name, value))

    # --------------------------------------------------------------------------------------------------- foreign keys

    def _dangling(self, touched: set[str]) -> Counter[tuple[str, int | None, str]]:
        """Rows that refer to rows that are not there: of the touched tables, and of those that refer to them."""
        import apsw

        folded = {name.lower() for name in touched}
        found: Counter[tuple[str, int | None, str]] = Counter()
        referring = ask(
            self._connection,
            'SELECT s.name, f."table" FROM main.sqlite_schema s, pragma_foreign_key_list(s.name) f'
            " WHERE s.type = 'table'",
        )
        for child in {child for child, parent in referring if {child.lower(), parent.lower()} & folded}:
            try:
                for table, rowid, to, _ in ask(self._connection, f"PRAGMA main.foreign_key_check({quoted(child)})"):
                    found[table, rowid, to] += 1
            except apsw.SQLError:  # the columns it refers to are not there: no row can be checked
                found[child, None, "a table"] += 1
        return found

    def _orphan(self, name: str, rowid: int | None, parent: str) -> PathConflict:
        table = Table.read(self._connection, name)
        row = table.at_rowid(self._connection, rowid) if table is not None and rowid is not None else None
        path = (
            f"{self._database}:{name}"
            if table is None or row is None
            else path_of(self._database, name, table.key_of(row))
        )
        return PathConflict(path=path, ours=f"a row without the one of {parent} it refers to", theirs=words(row))

    def _conflict(self, about: Object, ours: str, theirs: str) -> PathConflict:
        kind = "" if about.type == "table" else f"{about.type} "
        return PathConflict(path=f"{self._database}:{kind}{about.name}", ours=ours, theirs=theirs)


def _places(record: Record) -> set[tuple[str, str]]:
    return {(sides.either.type, sides.either.name) for sides in record.objects}


def _remade(record: Record) -> set[str]:
    """What is dropped and made anew, with all that is on it."""
    return {sides.either.name for sides in record.objects if sides.either.type in ("table", "view")}


def _definition(found: Object | None) -> str:
    return "nothing of that name" if found is None else " ".join(found.sql.split())[:200]


def _exact(row: Row) -> tuple[int | None, frozenset[tuple[str, tuple[str, Scalar]]]]:
    return row.at, frozenset((column, exact(value)) for column, value in row.values.items())


def _columns(changes: Sequence[Change]) -> Values:
    """Of a row, any of them."""
    return next(side.values for change in changes for side in (change.before, change.after) if side)


def _by_table(changes: Sequence[Change]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(change.table, []).append(change)
    return found
