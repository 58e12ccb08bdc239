"""What one action changed in the rows of a database: how it is put together, shown, and spoken of. Every engine uses
this, and nothing here is any engine's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, NamedTuple, TypeVar

from agentrt.contracts import Scalar
from agentrt.records import Cell, PathConflict, RowChange, RowsEffect

SHOWN = 20
"""Rows of one effect."""
LONGEST = 200
"""Characters of one cell of them."""
SPOKEN = 60
"""Characters of a side of a conflict, about."""

Values = dict[str, Scalar]
"""By column, in the table's order."""
Place = tuple[str, tuple[tuple[str, Scalar], ...]]
"""A table, and what tells a row from all its others."""
Standing = Literal["before", "after"]
R = TypeVar("R")


# Not frozen, which would take twice as long to make, and there are many; nothing is set in one all the same.
@dataclass(slots=True, eq=False)
class Row:
    """One row at one moment. Compare with ``same``."""

    values: Values
    """Of the columns that can be written: what the engine computes itself is not kept."""
    at: int | None = None
    """Where the engine has the row, if that is no column of it and is to be put back with it."""


@dataclass(slots=True, eq=False)
class Change:
    """One row that is not what it was, from before the action to after it."""

    table: str
    key: Values
    """What the row is found by, the same on both sides."""
    before: Row | None
    """None for what was inserted."""
    after: Row | None
    """None for what was deleted."""
    _place: Place | None = field(default=None, init=False, repr=False)

    @property
    def place(self) -> Place:
        """Made once: it is asked for often."""
        if self._place is None:
            self._place = place_of(self.table, self.key)
        return self._place

    def side(self, standing: Standing) -> Row | None:
        return self.before if standing == "before" else self.after

    def turned(self) -> Change:
        """From after to before."""
        return Change(self.table, self.key, self.after, self.before)


class Move(NamedTuple, Generic[R]):
    """An engine's record of one action, and which side of it is to come."""

    record: R
    to: Standing

    @property
    def expects(self) -> Standing:
        return "after" if self.to == "before" else "before"


# ----------------------------------------------------------------------------------------------------- comparing


def exact(value: Scalar) -> tuple[str, Scalar]:
    """Equal for two values of one type that are the same, and for no others: 1 is not 1.0, 0.0 is not -0.0, and one
    ``nan`` is as good as another. Can be hashed."""
    return type(value).__name__, repr(value) if isinstance(value, float) else value


def exact_all(values: Iterable[Scalar]) -> tuple[tuple[str, Scalar], ...]:
    """``exact`` of each: a key of several columns."""
    # As ``exact``, without a call for each: there are many.
    return tuple([(type(value).__name__, repr(value) if isinstance(value, float) else value) for value in values])


def place_of(table: str, key: Values) -> Place:
    """What tells one row from all others."""
    return table, exact_all(key.values())


def same(one: Row | None, other: Row | None, *, at: bool = False) -> bool:
    """Whether two rows have the same columns, in whatever order, with exactly the same values; with ``at``, in the
    same place."""
    if one is None or other is None:
        return one is other
    if at and one.at != other.at:
        return False
    others = other.values
    if one.values.keys() != others.keys():
        return False
    for column, value in one.values.items():
        against = others[column]
        if value is against:
            continue
        kind = type(value)
        if kind is not type(against):
            return False
        if exact(value) != exact(against) if kind is float else value != against:
            return False
    return True


class Net:
    """Changes of one action as they come, to what is left of them in the end."""

    def __init__(self) -> None:
        self._found: dict[Place, Change] = {}

    def note(self, table: str, key: Values, before: Row | None, after: Row | None) -> None:
        """A row was this, and is now that. A row whose key changed is two: one that went, and one that came."""
        place = place_of(table, key)
        first = self._found.get(place)
        self._found[place] = Change(table, key, before if first is None else first.before, after)

    def changes(self) -> tuple[Change, ...]:
        """Each row once, in the order they were first touched; none that ended as it began."""
        return tuple(change for change in self._found.values() if not same(change.before, change.after, at=True))


# ---------------------------------------------------------------------------------------------------------- shown


def cell(value: Scalar, longest: int = LONGEST) -> Cell:
    """A value as people read it, and JSON can say it."""
    if isinstance(value, bytes):
        return f"x'{_cut(value[: longest + 1].hex(), longest)}'"
    if isinstance(value, str):
        return _cut(value, longest)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def cells(row: Row | None) -> dict[str, Cell] | None:
    return None if row is None else {column: cell(value) for column, value in row.values.items()}


def net_of(moves: Sequence[Move[R]], changes: Callable[[R], Iterable[Change]]) -> Sequence[Change]:
    """What moves do, one after the other: what changes and changes back is none."""
    if len(moves) == 1:  # each of its rows is there once, and is not what it was
        (move,) = moves
        those = changes(move.record)
        return [*those] if move.to == "after" else [change.turned() for change in those]
    net = Net()
    for move in moves:
        for change in changes(move.record):
            net.note(change.table, change.key, change.side(move.expects), change.side(move.to))
    return net.changes()


def effects_of(database: str, changes: Sequence[Change], notes: Mapping[str, str] | None = None) -> list[RowsEffect]:
    """One effect a table, in the order the tables were first touched; ``notes`` by table."""
    tables: dict[str, list[Change]] = {}
    for change in changes:
        tables.setdefault(change.table, []).append(change)
    return [_effect(database, table, found, (notes or {}).get(table, "")) for table, found in tables.items()]


def _effect(database: str, table: str, changes: Sequence[Change], note: str) -> RowsEffect:
    inserted = sum(change.before is None for change in changes)
    deleted = sum(change.after is None for change in changes)
    whole = len(changes)
    return RowsEffect(
        database=database,
        table=table,
        change="created" if inserted == whole else "deleted" if deleted == whole else "modified",
        inserted=inserted,
        updated=whole - inserted - deleted,
        deleted=deleted,
        rows=tuple(RowChange(before=cells(each.before), after=cells(each.after)) for each in changes[:SHOWN]),
        note=note,
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


# ------------------------------------------------------------------------------------------------------ conflicts


def path_of(database: str, table: str, key: Values) -> str:
    """``app:users[id=3]``."""
    return f"{database}:{table}[{_pairs(key)}]"


def words(row: Row | None, against: Row | None = None) -> str:
    """A row in short: what is different from ``against``, where that is a row too; ``no such row``."""
    if row is None:
        return "no such row"
    differing = row.values
    if against is not None:
        differing = {
            column: value
            for column, value in row.values.items()
            if column not in against.values or exact(value) != exact(against.values[column])
        }
    return _cut(_pairs(differing or row.values), SPOKEN * 3)


def conflict_of(database: str, table: str, key: Values, ours: Row | None, theirs: Row | None) -> PathConflict:
    """Somebody else changed the row since: what would be written, and what is there."""
    return PathConflict(path=path_of(database, table, key), ours=words(ours, theirs), theirs=words(theirs, ours))


def _pairs(values: Values) -> str:
    return ", ".join(f"{column}={_literal(value)}" for column, value in values.items())


def _literal(value: Scalar) -> str:
    if value is None:
        return "NULL"
    shown = cell(value, SPOKEN)
    return f"'{shown}'" if isinstance(value, str) else str(shown)
