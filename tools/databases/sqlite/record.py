"""What is kept of one action on an SQLite database, and the effects it is shown as."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from agentrt.contracts import Scalar
from agentrt.errors import ResourceError
from agentrt.records import Effect, SchemaEffect

from ..kept import decode, decode_row, encode, encode_row, load, save
from ..rows import Change, Move, Net, Row, Standing, effects_of, net_of
from .schema import Object

ENGINE = "sqlite"


class Sides(NamedTuple):
    """An object on both sides: one that changed, or is on a table that did."""

    before: Object | None
    after: Object | None

    @property
    def either(self) -> Object:
        found = self.after or self.before
        assert found is not None
        return found

    def side(self, standing: Standing) -> Object | None:
        return self.before if standing == "before" else self.after


@dataclass(frozen=True, slots=True)
class Whole:
    """All rows of a table whose definition is not what it was."""

    name: str
    before: tuple[Row, ...] | None
    """None: there was no such table."""
    after: tuple[Row, ...] | None
    within: str = ""
    """The virtual table that makes and drops it."""

    def side(self, standing: Standing) -> tuple[Row, ...] | None:
        return self.before if standing == "before" else self.after


@dataclass(frozen=True, slots=True)
class Record:
    """All of it. ``changes`` are of tables whose definition stayed."""

    changes: tuple[Change, ...] = ()
    objects: tuple[Sides, ...] = ()
    wholes: tuple[Whole, ...] = ()
    shown: tuple[Change, ...] = ()
    """Of tables that were altered: rows that differ in the columns they have on both sides."""
    renamed: dict[str, str] = field(default_factory=dict)
    """New name to old."""
    sequences: dict[str, tuple[list[Scalar], list[Scalar]]] = field(default_factory=dict)
    settings: dict[str, tuple[int, int]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    """By table."""

    @property
    def empty(self) -> bool:
        return self.only_numbers and not self.sequences

    @property
    def only_numbers(self) -> bool:
        """Nothing but what AUTOINCREMENT gave out is not what it was."""
        return not (self.changes or self.objects or self.wholes or self.settings)

    @property
    def tables(self) -> set[str]:
        """What it touches."""
        return {
            *(change.table for change in self.changes),
            *(whole.name for whole in self.wholes),
            *(sides.either.table for sides in self.objects),
        }

    def keep(self, file: Path) -> None:
        """Raises ``ResourceError``."""
        own = {
            "objects": self.objects,
            "wholes": [
                {
                    "name": whole.name,
                    "before": None if whole.before is None else [encode_row(row) for row in whole.before],
                    "after": None if whole.after is None else [encode_row(row) for row in whole.after],
                    "within": whole.within,
                }
                for whole in self.wholes
            ],
            "shown": [
                [
                    change.table,
                    {column: encode(value) for column, value in change.key.items()},
                    encode_row(change.before),
                    encode_row(change.after),
                ]
                for change in self.shown
            ],
            "renamed": self.renamed,
            "sequences": {
                name: [[encode(value) for value in side] for side in sides] for name, sides in self.sequences.items()
            },
            "settings": self.settings,
            "notes": self.notes,
        }
        save(file, ENGINE, self.changes, own)

    @classmethod
    def load(cls, file: Path) -> Record | None:
        """None: nothing is kept. Raises ``ResourceError``."""
        kept = load(file, ENGINE)
        if kept is None:
            return None
        own = kept.own
        try:
            return cls(
                kept.changes,
                tuple(Sides(*(None if side is None else Object(*side) for side in sides)) for sides in own["objects"]),
                tuple(
                    Whole(whole["name"], _rows(whole["before"]), _rows(whole["after"]), whole["within"])
                    for whole in own["wholes"]
                ),
                tuple(
                    Change(table, {column: decode(value) for column, value in key.items()}, *map(decode_row, sides))
                    for table, key, *sides in own["shown"]
                ),
                own["renamed"],
                {
                    name: ([decode(value) for value in before], [decode(value) for value in after])
                    for name, (before, after) in own["sequences"].items()
                },
                {name: (before, after) for name, (before, after) in own["settings"].items()},
                own["notes"],
            )
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ResourceError(f"{file} is damaged: {error}") from error


def _rows(written: Any) -> tuple[Row, ...] | None:
    return None if written is None else tuple(row for each in written if (row := decode_row(each)) is not None)


# ------------------------------------------------------------------------------------------------------------ shown


def effects(database: str, moves: Sequence[Move[Record]]) -> tuple[Effect, ...]:
    """What moves do, one after the other: what changes and changes back is none."""
    notes: dict[str, str] = {}
    schema: dict[tuple[str, str], SchemaEffect] = {}
    for move in moves:
        notes |= move.record.notes
        for effect in _schema_effects(database, move):
            place = effect.object, effect.name
            first = schema.get(place)
            schema[place] = effect if first is None else _joined(first, effect)
    changed = [effect for effect in schema.values() if effect.before != effect.after]
    rows = effects_of(database, _rows_of(moves), notes)
    return (*changed, *rows) if changed or rows else _sequences(database, moves)


def _rows_of(moves: Sequence[Move[Record]]) -> Sequence[Change]:
    if not any(move.record.wholes for move in moves):
        return net_of(moves, lambda record: record.changes)
    net = Net()
    for move in moves:
        for change in (*move.record.changes, *move.record.shown, *_inserted(move)):
            net.note(change.table, change.key, change.side(move.expects), change.side(move.to))
    return net.changes()


def _inserted(move: Move[Record]) -> Iterable[Change]:
    """The rows of tables that come; those of tables that go are told with the table."""
    for whole in move.record.wholes:
        there, comes = whole.side(move.expects), whole.side(move.to)
        if there is None and comes is not None and not whole.within and not _other_name(move, whole.name):
            for number, row in enumerate(comes):
                sides = (None, row) if move.to == "after" else (row, None)
                yield Change(whole.name, {"": number}, *sides)


def _other_name(move: Move[Record], name: str) -> str:
    """What a table that is renamed by the move was called before it; empty where it is not."""
    renamed = move.record.renamed
    return (renamed if move.to == "after" else {old: new for new, old in renamed.items()}).get(name, "")


def _schema_effects(database: str, move: Move[Record]) -> Iterable[SchemaEffect]:
    record = move.record
    within = {whole.name for whole in record.wholes if whole.within}
    rows = {whole.name: len(there) for whole in record.wholes if (there := whole.side(move.expects)) is not None}
    carried = {_other_name(move, sides.either.name) for sides in record.objects} - {""}
    definitions = {sides.either.name: sides for sides in record.objects if sides.either.type == "table"}
    for sides in record.objects:
        was, now = sides.side(move.expects), sides.side(move.to)
        type, name = sides.either.type, sides.either.name
        if was == now or name in within or sides.either.table in within or (type == "table" and name in carried):
            continue
        old = _other_name(move, name) if type == "table" else ""
        if old:
            was = definitions[old].side(move.expects)
        yield SchemaEffect(
            database=database,
            object=type,
            name=name,
            change="created" if was is None else "deleted" if now is None else "modified",
            before=was and was.sql,
            after=now and now.sql,
            rows=rows.get(old or name) if type == "table" else None,
            note=f"renamed from {old}" if old else "",
        )
    for name, (before, after) in record.settings.items():
        was_set, now_set = (before, after) if move.to == "after" else (after, before)
        yield SchemaEffect(
            database=database, object="pragma", name=name, change="modified", before=str(was_set), after=str(now_set)
        )


def _joined(first: SchemaEffect, then: SchemaEffect) -> SchemaEffect:
    change = "created" if first.before is None else "deleted" if then.after is None else "modified"
    return first.model_copy(update={"change": change, "after": then.after, "note": first.note or then.note})


def _sequences(database: str, moves: Sequence[Move[Record]]) -> tuple[Effect, ...]:
    """Of numbers given out, where that is all that changed."""
    net = Net()
    for move in moves:
        for name, sides in move.record.sequences.items():
            before, after = (
                Row({"name": name, "seq": side[-1]}) if side else None
                for side in (sides if move.to == "after" else reversed(sides))
            )
            net.note("sqlite_sequence", {"name": name}, before, after)
    return tuple(effects_of(database, net.changes()))
