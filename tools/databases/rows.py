"""What one action changed in the rows of a database: how it is put together, kept on disk, shown, and spoken of.

Every engine uses this, and nothing here is any engine's own. What undo needs is one file,
``aside/<mark>/<name>.json``, ASCII JSON, written whole before the change is committed:

    format, engine     what wrote it
    changes            one for each row that is not what it was: table, key, before, after
    own                whatever else the engine keeps: schema, sequences …

A scalar is written so that it is read back as exactly what it was: text, integers, booleans and null as themselves,
``{"float": "-0.0"}``, ``{"bytes": "base64"}``.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from agentrt.contracts import Scalar
from agentrt.errors import ResourceError
from agentrt.records import Cell, PathConflict, RowChange, RowsEffect, dump_json

from ..whole import write_whole

FORMAT = 1
SHOWN = 20
"""Rows of one effect."""
LONGEST = 200
"""Characters of one cell of them."""
SPOKEN = 60
"""Characters of a side of a conflict, about."""

Values = dict[str, Scalar]
"""By column, in the table's order."""
Standing = Literal["before", "after"]
R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row at one moment. Compare with ``same``."""

    values: Values
    """Of the columns that can be written: what the engine computes itself is not kept."""
    at: int | None = None
    """Where the engine has the row, if that is no column of it and is to be put back with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One row that is not what it was, from before the action to after it."""

    table: str
    key: Values
    """What the row is found by, the same on both sides."""
    before: Row | None
    """None for what was inserted."""
    after: Row | None
    """None for what was deleted."""

    def side(self, standing: Standing) -> Row | None:
        return self.before if standing == "before" else self.after


class Move(NamedTuple, Generic[R]):
    """An engine's record of one action, and which side of it is to come."""

    record: R
    to: Standing

    @property
    def expects(self) -> Standing:
        return "after" if self.to == "before" else "before"


class Kept(NamedTuple):
    """What is on disk of one action."""

    changes: tuple[Change, ...]
    own: dict[str, Any]
    """Plain JSON, as the engine gave it."""


# ----------------------------------------------------------------------------------------------------- comparing


def exact(value: Scalar) -> tuple[str, Scalar]:
    """Equal for two values of one type that are the same, and for no others: 1 is not 1.0, 0.0 is not -0.0, and one
    ``nan`` is as good as another. Can be hashed."""
    return type(value).__name__, repr(value) if isinstance(value, float) else value


def exact_all(values: Iterable[Scalar]) -> tuple[tuple[str, Scalar], ...]:
    """``exact`` of each: a key of several columns."""
    return tuple(exact(value) for value in values)


def same(one: Row | None, other: Row | None, *, at: bool = False) -> bool:
    """Whether two rows have the same columns, in whatever order, with exactly the same values; with ``at``, in the
    same place."""
    if one is None or other is None:
        return one is other
    if at and one.at != other.at:
        return False
    if one.values.keys() != other.values.keys():
        return False
    for column, value in one.values.items():
        against = other.values[column]
        if value is not against and exact(value) != exact(against):
            return False
    return True


class Net:
    """Changes of one action as they come, to what is left of them in the end."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, tuple[tuple[str, Scalar], ...]], Change] = {}

    def note(self, table: str, key: Values, before: Row | None, after: Row | None) -> None:
        """A row was this, and is now that. A row whose key changed is two: one that went, and one that came."""
        place = table, exact_all(key.values())
        first = self._found.get(place)
        self._found[place] = Change(table, key, before if first is None else first.before, after)

    def changes(self) -> tuple[Change, ...]:
        """Each row once, in the order they were first touched; none that ended as it began."""
        return tuple(change for change in self._found.values() if not same(change.before, change.after, at=True))


# -------------------------------------------------------------------------------------------------------- on disk


def encode(value: Scalar) -> object:
    """Plain JSON for a scalar; ``decode`` is the inverse, exactly."""
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode("ascii")}
    return value


def decode(written: Any) -> Scalar:
    """Raises ``ValueError`` for what ``encode`` does not write."""
    match written:
        case {"float": str(text)}:
            return float(text)
        case {"bytes": str(text)}:
            return base64.b64decode(text, validate=True)
        case None | str() | int():
            return written
    raise ValueError(f"no scalar: {written!r:.50}")


def encode_row(row: Row | None) -> object:
    if row is None:
        return None
    values = {column: encode(value) for column, value in row.values.items()}
    return {"values": values} if row.at is None else {"values": values, "at": row.at}


def decode_row(written: Any) -> Row | None:
    """The inverse. Raises ``ValueError``, ``LookupError``, ``TypeError``, ``AttributeError`` for what it is not of."""
    if written is None:
        return None
    return Row({column: decode(value) for column, value in written["values"].items()}, written.get("at"))


def file_of(aside: Path, mark: str, name: str) -> Path:
    """Where the record of an action on a database is kept."""
    return aside / mark / f"{name}.json"


def save(file: Path, engine: str, kept: Kept) -> None:
    """Write the record, for this user only; on disk on return, its folder (and, of what was made, its parents)
    too. Raises ``ResourceError``."""
    document = {
        "format": FORMAT,
        "engine": engine,
        "changes": [
            {
                "table": change.table,
                "key": {column: encode(value) for column, value in change.key.items()},
                "before": encode_row(change.before),
                "after": encode_row(change.after),
            }
            for change in kept.changes
        ],
        "own": kept.own,
    }
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(file, dump_json(document).encode("ascii"))
    except OSError as error:
        forget(file)
        raise ResourceError(
            f"what undo needs could not be kept: {error.strerror or error}",
            hint=f"look at the disk that {file.parent} is on; nothing was changed in the database",
        ) from error


def forget(file: Path) -> None:
    """Nothing of the action stands, so nothing is kept of it. Where that fails, what is left does no harm."""
    with suppress(OSError):
        file.with_name(f"{file.name}.new").unlink(missing_ok=True)
        file.unlink(missing_ok=True)


def load(file: Path, engine: str) -> Kept | None:
    """The record; None where there is none. Raises ``ResourceError`` where it cannot be read."""
    try:
        document = json.loads(file.read_bytes())
        if document["format"] != FORMAT or document["engine"] != engine:
            raise ResourceError(f"{file} was written by another version of agentrt, or for another engine")
        changes = [
            Change(
                change["table"],
                {column: decode(value) for column, value in change["key"].items()},
                decode_row(change["before"]),
                decode_row(change["after"]),
            )
            for change in document["changes"]
        ]
        return Kept(tuple(changes), dict(document["own"]))
    except FileNotFoundError:
        return None
    except ResourceError:  # an OSError too
        raise
    except OSError as error:
        raise ResourceError(f"{file} cannot be read: {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ResourceError(f"{file} is damaged: {error}") from error


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
