"""Where moves lead from what there is: definitions and rows, worked out here before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentrt.records import PathConflict

from ..rows import Change, Move, Row, conflict_of, exact_all, path_of, words
from .altered import Altered, counted
from .definitions import Definition, Definitions, refers
from .record import Record


@dataclass
class Content:
    """The rows of a table: those of a table that is there, or these."""

    origin: str | None = None
    rows: dict[Any, tuple[Row, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Content:
        content = cls()
        for row in rows:
            content.add(row, 1)
        return content

    def add(self, row: Row, number: int) -> None:
        place = _place(row)
        count = self.rows.get(place, (row, 0))[1] + number
        if count:
            self.rows[place] = row, count
        else:
            self.rows.pop(place, None)

    def __contains__(self, row: Row) -> bool:
        return _place(row) in self.rows

    def all(self) -> list[Row]:
        return [row for row, count in self.rows.values() for _ in range(count)]


class Aim:
    """``read`` gives the rows of a table as they are; without it rows are not looked at, and taken to be as expected.

    Conflicts are what somebody else changed since."""

    def __init__(self, database: str, present: Definitions, read: Callable[[str], Sequence[Row]] | None) -> None:
        self._database, self._read = database, read
        self.tables, self.views = dict(present.tables), dict(present.views)
        self.contents = {name: Content(name) for name in present.tables}
        self.conflicts: list[PathConflict] = []

    @property
    def definitions(self) -> Definitions:
        return Definitions(self.tables, self.views)

    def all(self, moves: Sequence[Move[Record]]) -> Aim:
        for move in moves:
            if move.record.altered is not None:
                self._define(Move(move.record.altered, move.to))
            else:
                self._rows(move)
        for name, definition in self.tables.items():
            for key, clause in definition.foreign.items():
                if refers(clause) not in self.tables:
                    self._against(name, f"no table {refers(clause)}", f"foreign key {key}")
        return self

    def _against(self, name: str, ours: str, theirs: str) -> None:
        self.conflicts.append(PathConflict(path=f"{self._database}:{name}", ours=ours, theirs=theirs))

    # ------------------------------------------------------------------------------------------------ definitions

    def _define(self, move: Move[Altered]) -> None:
        source, target = move.record.side(move.expects), move.record.side(move.to)
        was, now = source.definitions, target.definitions
        for name in was.tables | now.tables:
            if self.tables.get(name) != was.tables.get(name):
                self._against(name, *differing(was.tables.get(name), self.tables.get(name)))
        for name in was.views | now.views:
            if self.views.get(name) != was.views.get(name):
                sides = (
                    f"view {view.sql}" if view else "no such view"
                    for view in (was.views.get(name), self.views.get(name))
                )
                self._against(name, *sides)
        for name in was.tables.keys() & now.tables.keys() & self.tables.keys():
            one, other = was.tables[name], now.tables[name]
            if one == other and name not in source.rows and one.number != other.number == self.tables[name].number:
                self._against(name, f"AUTO_INCREMENT {one.number}", f"AUTO_INCREMENT {other.number}")
        if self.conflicts:
            return
        for name, rows in source.rows.items():
            self._compare(name, rows)
        origins = move.record.origins(move.to)
        moved = {name: (self.tables[origin], self.contents[origin]) for name, origin in origins.items()}
        there = {name: self.tables[name] for name in was.tables}
        for name in was.tables:
            if name not in now.tables:
                del self.tables[name], self.contents[name]
        for name, definition in now.tables.items():
            old = was.tables.get(origins.get(name, name))
            found = moved[name][0] if name in moved else there.get(name)
            number = definition.number
            if old is not None and found is not None and found.number != old.number:  # others went on from it
                number = max(found.number or 0, definition.number or 0) or None
            self.tables[name] = replace(definition, number=number)
            if name in target.rows:
                self.contents[name] = Content.of(target.rows[name])
            elif name in moved:
                self.contents[name] = moved[name][1]
        for name in was.views | now.views:
            if name in now.views:
                self.views[name] = now.views[name]
            else:
                del self.views[name]

    def _compare(self, name: str, expected: Sequence[Row]) -> None:
        content = self._loaded(name)
        if content is None:
            return
        found = content.all()
        ours, theirs = counted(expected), counted(found)
        for rows, left, mine in ((expected, ours - theirs, True), (found, theirs - ours, False)):
            for row in rows:
                ((place, _),) = counted([row]).items()
                if left[place] > 0:
                    left[place] -= 1
                    sides = (words(row), "no such row") if mine else ("no such row", words(row))
                    path = path_of(self._database, name, dict(list(row.values.items())[:2]))
                    self.conflicts.append(PathConflict(path=path, ours=sides[0], theirs=sides[1]))

    # ------------------------------------------------------------------------------------------------------- rows

    def _rows(self, move: Move[Record]) -> None:
        changes = [change if move.to == "after" else change.turned() for change in move.record.changes]
        for name in {change.table: None for change in changes}:
            if name not in self.tables:
                self._against(name, f"{sum(each.table == name for each in changes)} rows", "no such table")
                return
        for name in {change.table: None for change in changes}:
            if (content := self._loaded(name)) is None:
                continue
            those = [change for change in changes if change.table == name]
            for change in those:
                if change.before is not None and change.before not in content:
                    self.conflicts.append(self._other(change, content))
                elif change.before is not None:
                    content.add(change.before, -1)
            for change in those:
                if change.after is not None and any(_same_key(change, content)):
                    self.conflicts.append(self._other(change, content))
                elif change.after is not None:
                    content.add(change.after, 1)
        for name, (before, after) in move.record.numbers.items():
            expected, comes = (before, after) if move.to == "after" else (after, before)
            if name in self.tables and self.tables[name].number == expected:
                self.tables[name] = replace(self.tables[name], number=comes)

    def _other(self, change: Change, content: Content) -> PathConflict:
        there = next(_same_key(change, content), None)
        return conflict_of(self._database, change.table, change.key, change.after, there)

    def _loaded(self, name: str) -> Content | None:
        content = self.contents[name]
        if content.origin is not None and self._read is not None:
            content = self.contents[name] = Content.of(self._read(content.origin))
        elif content.origin is not None:
            self.contents[name] = Content()
        return None if self._read is None else content


def _place(row: Row) -> Any:
    columns = sorted(row.values)
    return tuple(columns), exact_all([row.values[column] for column in columns])


def _same_key(change: Change, content: Content) -> Iterator[Row]:
    """Rows that the change's key finds; of a table without one, none stands in the way."""
    if "" in change.key:
        return
    wanted = exact_all(change.key.values())
    for row, _ in content.rows.values():
        if change.key.keys() <= row.values.keys() and exact_all([row.values[each] for each in change.key]) == wanted:
            yield row


def differing(ours: Definition | None, theirs: Definition | None) -> tuple[str, str]:
    """Two definitions, by what is not the same in them."""
    lines = [Counter(_lines(each)) for each in (ours, theirs)]
    one, other = (
        "; ".join(line for line in (mine - others))[:500] or ("no such table" if each is None else "without that")
        for each, mine, others in ((ours, lines[0], lines[1]), (theirs, lines[1], lines[0]))
    )
    return one, other


def _lines(definition: Definition | None) -> list[str]:
    if definition is None:
        return []
    lines = [line.strip().removesuffix(",") for line in definition.body.split("\n")]
    lines += [f"{key} {clause}" for key, clause in definition.foreign.items()]
    return [line for line in lines if line != "("] + [trigger.sql for trigger in definition.triggers]
