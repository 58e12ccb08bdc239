"""Taking the changes of actions back, and putting them there again: all in one transaction, which the caller ends.

First every row that is to be written is locked and compared with what the actions left, then what is left of all the
moves is written at once. Triggers cannot be switched off: where some run, all that the transaction changed is measured,
what they wrote too much is put right, and what cannot be is a conflict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from agentrt.records import PathConflict

from ..rows import Change, Move, Place, Row, Standing, conflict_of, exact_all, place_of, same
from .measure import copies, measure
from .orphans import orphans
from .place import Link
from .reach import Schema
from .record import Record
from .table import Lock, Table
from .words import only
from .writing import Writer, by_table


class Turn:
    """``link`` is in a transaction without foreign keys; ``others`` in none."""

    def __init__(self, link: Link, others: Link) -> None:
        self._link, self._others = link, others
        self._database = link.place.name

    def all(self, moves: Sequence[Move[Record]]) -> list[PathConflict]:
        """Make the moves, one after the other; where there are conflicts, the caller rolls back."""
        changes = [change for move in moves for change in move.record.changes]
        tables = Table.read(self._link, {change.table for change in changes})
        if conflicts := list(self._other_columns(changes, tables)):
            return conflicts
        there = There(self._link, tables, changes, " FOR UPDATE")
        for move in moves:
            for change in move.record.changes:
                ours, found = change.side(move.to), there.find(change, move.expects)
                if not same(found, change.side(move.expects)):
                    conflicts.append(conflict_of(self._database, change.table, change.key, ours, found))
                there.put(change, change.side(move.expects), ours)
        if conflicts:
            return list(dict.fromkeys(conflicts))
        return self._write(list(there.net()), tables)

    def _write(self, net: list[Change], tables: dict[str, Table]) -> list[PathConflict]:
        schema = Schema.read(self._others, self._link)
        watched = {trigger.table for trigger in schema.triggers}
        first = [change for change in net if change.table in watched]
        reached = set().union(*(schema.reach(only(f"`{change.table}`")) for change in first))
        touched = tables | Table.read(self._link, reached)
        writer = Writer(self._link, touched, schema)
        if conflicts := writer.write(first):
            return conflicts
        # What triggers wrote too much, and what they did not.
        rest = [change for change in (self._left(net, touched) if first else net) if change.table not in watched]
        if conflicts := writer.write(rest):
            return conflicts
        left = self._left(net, touched) if first else list(self._as_written(net, touched))
        if left:
            names = ", ".join(trigger.name for trigger in schema.triggers if trigger.table in reached)
            why = f"what trigger {names} makes of it" if names else "what the server makes of it"
            return [
                conflict_of(self._database, each.table, each.key, each.after, each.before).model_copy(
                    update={"theirs": why}
                )
                for each in left
            ]
        return list(orphans(self._link, schema, touched, net))

    def _left(self, net: list[Change], tables: dict[str, Table]) -> list[Change]:
        """What is still to be done, from what there is to what there should be."""
        done = {each.place: each for each in measure(self._link, self._others, tables.values())}
        wanted = {each.place: each for each in net}
        found = []
        for place, each in {**done, **wanted}.items():
            want = each.after if place in wanted else each.before
            have = done[place].after if place in done else each.before
            if not same(want, have):
                found.append(Change(each.table, each.key, have, want))
        return found

    def _as_written(self, net: list[Change], tables: dict[str, Table]) -> Iterator[Change]:
        """``_left``, where no trigger runs: nothing but what was written can be other than it was. Foreign keys are
        off, and from the first look at them on nobody changes the tables' definitions."""
        for name, those in by_table(net).items():
            table = tables[name]
            if not table.key:
                yield from self._left(those, {name: table})
                continue
            found = table.with_keys(self._link, [change.key for change in those])
            there = {place_of(name, key): row for key, row in found}
            for change in those:
                have = there.get(change.place)
                if not same(have, change.after):
                    yield Change(name, change.key, have, change.after)

    def stands(self, changes: Sequence[Change], standing: Standing) -> bool:
        """Whether they are there; waits for who is about to change them."""
        tables = Table.read(self._link, {change.table for change in changes})
        if any(self._other_columns(changes, tables)):
            return False
        there = There(self._link, tables, changes, " LOCK IN SHARE MODE")
        return all(same(there.find(change, None), change.side(standing)) for change in changes)

    def _other_columns(self, changes: Sequence[Change], tables: dict[str, Table]) -> Iterator[PathConflict]:
        for name, those in by_table(changes).items():
            table = tables.get(name)
            columns = next(side.values for change in those for side in (change.before, change.after) if side)
            keys = {column.name for column in table.key} if table else set()
            if (
                table is None
                or {column.name for column in table.written} != set(columns)
                or (keys or {*columns, ""}) != set(those[0].key)
            ):
                yield PathConflict(
                    path=f"{self._database}:{name}",
                    ours=f"{len(those)} rows of columns {', '.join(columns)}",
                    theirs="no such table"
                    if table is None
                    else f"columns {', '.join(column.name for column in table.written)}, key {', '.join(sorted(keys))}",
                )


class There:
    """The rows that some changes are about, as they are, and as they would be."""

    def __init__(self, link: Link, tables: dict[str, Table], changes: Sequence[Change], lock: Lock) -> None:
        self._tables = tables
        self._keyed: dict[Place, Row] = {}
        self._counts: Counter[Place] = Counter()
        self._rows: dict[Place, Row] = {}
        for name, those in sorted(by_table(changes).items()):
            table = tables[name]
            if table.key:
                keys = {change.place: change.key for change in those}
                for key, row in table.with_keys(link, list(keys.values()), lock):
                    if (place := place_of(name, key)) in keys:
                        self._keyed[place] = row
            else:
                counts, rows = table.copies(link, lock)
                self._counts.update({(name, place): count for place, count in counts.items()})
                self._rows |= {(name, place): row for place, row in rows.items()}
        self._before = dict(self._keyed), Counter(self._counts)
        self._changed = {change.place: change for change in changes}

    def find(self, change: Change, expected: Standing | None) -> Row | None:
        """The row that ``change`` is about. Of rows without a key there may be any number more than ``expected``."""
        if self._tables[change.table].key:
            return self._keyed.get(change.place)
        place = _copy(change)
        number = change.key[""]
        assert isinstance(number, int)
        if expected is not None:
            if change.side(expected) is None:
                return None
            number = 1
        return self._rows.get(place) if self._counts[place] >= number else None

    def put(self, change: Change, gone: Row | None, comes: Row | None) -> None:
        place = change.place
        if not self._tables[change.table].key:
            self._counts[_copy(change)] += (comes is not None) - (gone is not None)
            self._rows.setdefault(_copy(change), comes or gone or Row({}))
        elif comes is None:
            self._keyed.pop(place, None)
        else:
            self._keyed[place] = comes

    def net(self) -> Iterator[Change]:
        """From what there is to what there would be."""
        keyed, counts = self._before
        for place, change in self._changed.items():
            if self._tables[change.table].key:
                before, after = keyed.get(place), self._keyed.get(place)
                if not same(before, after):
                    yield Change(change.table, change.key, before, after)
        for place, row in self._rows.items():
            yield from copies(place[0], row, counts[place], self._counts[place])


def _copy(change: Change) -> Place:
    row = change.before or change.after
    assert row is not None
    return change.table, exact_all(row.values.values())
