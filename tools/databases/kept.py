"""What undo needs of one action on a database, on disk: one file, ``aside/<mark>/<name>.json``, ASCII JSON, written
whole before the change is committed:

    format, engine     what wrote it
    changes            each row that is not what it was, in runs of one shape: the table, the names of the key's columns
                       and of each side's, and for each row the values of the three; then the rows' places, if any
    own                whatever else the engine keeps: schema, sequences …

A scalar is written so that it is read back as exactly what it was: text, integers, booleans and null as themselves,
``{"float": "-0.0"}``, ``{"bytes": "base64"}``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from agentrt.contracts import Scalar
from agentrt.errors import ResourceError
from agentrt.records import dump_json
from agentrt.whole import write_whole

from .rows import Change, Row

FORMAT = 2
_PLAIN = {str, int, bool, type(None)}
"""What JSON says as it is."""

Shape = tuple[str, tuple[str, ...], tuple[str, ...] | None, tuple[str, ...] | None]


class Kept(NamedTuple):
    """What is on disk of one action."""

    changes: tuple[Change, ...]
    own: dict[str, Any]
    """Plain JSON, as the engine gave it."""


# -------------------------------------------------------------------------------------------------------- the values


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
    values = dict(zip(row.values, _encoded(row.values.values()), strict=True))
    return {"values": values} if row.at is None else {"values": values, "at": row.at}


def decode_row(written: Any) -> Row | None:
    """The inverse. Raises ``ValueError``, ``LookupError``, ``TypeError``, ``AttributeError`` for what it is not of."""
    if written is None:
        return None
    return Row({column: decode(value) for column, value in written["values"].items()}, written.get("at"))


def _encoded(values: Collection[Scalar]) -> list[object]:
    return list(values) if _PLAIN.issuperset(map(type, values)) else [encode(value) for value in values]


def _decoded(written: Any) -> list[Scalar]:
    """Raises ``ValueError``."""
    if type(written) is not list:
        raise ValueError(f"no values: {written!r:.50}")
    return written if _PLAIN.issuperset(map(type, written)) else [decode(value) for value in written]


# ------------------------------------------------------------------------------------------------------- the changes


def _shape(change: Change) -> Shape:
    before, after = (None if side is None else tuple(side.values) for side in (change.before, change.after))
    return change.table, tuple(change.key), before, after


def _runs(changes: Iterable[Change]) -> Iterable[dict[str, object]]:
    for (table, key, before, after), some in groupby(changes, _shape):
        yield {"table": table, "key": key, "before": before, "after": after, "rows": list(map(_written, some))}


def _written(change: Change) -> list[object]:
    before, after = change.before, change.after
    written: list[object] = [
        _encoded(change.key.values()),
        None if before is None else _encoded(before.values.values()),
        None if after is None else _encoded(after.values.values()),
    ]
    places = [None if before is None else before.at, None if after is None else after.at]
    return written if places == [None, None] else written + places


def _read(run: dict[str, Any]) -> Iterable[Change]:
    table, names, before_names, after_names = run["table"], run["key"], run["before"], run["after"]
    for key, before, after, *places in run["rows"]:
        at_before, at_after = places or (None, None)
        yield Change(
            table,
            dict(zip(names, _decoded(key), strict=True)),
            None if before is None else Row(dict(zip(before_names, _decoded(before), strict=True)), at_before),
            None if after is None else Row(dict(zip(after_names, _decoded(after), strict=True)), at_after),
        )


# ---------------------------------------------------------------------------------------------------------- the file


def file_of(aside: Path, mark: str, name: str) -> Path:
    """Where the record of an action on a database is kept."""
    return aside / mark / f"{name}.json"


def save(file: Path, engine: str, changes: Sequence[Change], own: dict[str, Any]) -> None:
    """Write the record, for this user only; on disk on return, its folder (and, of what was made, its parents)
    too. Raises ``ResourceError``."""
    document = {"format": FORMAT, "engine": engine, "changes": list(_runs(changes)), "own": own}
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
        changes = [change for run in document["changes"] for change in _read(run)]
        return Kept(tuple(changes), dict(document["own"]))
    except FileNotFoundError:
        return None
    except ResourceError:  # an OSError too
        raise
    except OSError as error:
        raise ResourceError(f"{file} cannot be read: {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ResourceError(f"{file} is damaged: {error}") from error
