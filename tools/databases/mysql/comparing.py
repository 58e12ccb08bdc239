"""Which rows of a table two connections may see differently: those that are returned are looked at again.

Of a small table on a server of this machine each side gives all its rows, as one text, and the texts are compared. Of
others the server sums up each side in buckets, and rows are read only of those buckets that differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from agentrt.contracts import Scalar
from agentrt.errors import ResourceError

from ..rows import Values
from .links import at_once
from .place import Link, literal, quoted
from .table import Column, Table

BUCKETS = 1024
_NEAR = 16
"""Rows with whole numbers next to each other as keys are in one bucket: statements often change such together."""
_SMALL = 2 * 1024 * 1024
"""Bytes that come from the server sooner than it has their digests."""
_STEP = 8192


def small(link: Link, tables: Sequence[Table]) -> set[str]:
    """Those that the server takes for small: what it says is an estimate, and decides only how they are compared."""
    if not tables or not link.place.near:
        return set()
    names = ", ".join(literal(table.name) for table in tables)
    found = link.ask(
        f"SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN ({names})"
        f" AND data_length < {_SMALL}"
    )
    return {name for (name,) in found}


def differing(ours: Link, others: Link, table: Table, small: bool) -> list[Values]:
    """Keys: none of a row that differs is left out. Of a table without a key any one stands for all."""
    lists = _lists(ours, others, table) if small else None
    return _by_sums(ours, others, table) if lists is None else _of_lists(table, *lists)


# ------------------------------------------------------------------------------------------------- texts of all rows


def _lists(ours: Link, others: Link, table: Table) -> tuple[str, str] | None:
    """None: the server cut one, which is seen: no row's text has a ``;`` in it but at its end."""
    if table.strange is not None:
        return None
    first = [_spelled(column) for column in table.key]
    rest = [column for column in table.written if column not in table.key or column.digest not in first]
    parts = ", ".join([*first, *_digests(rest)])
    query = f"SELECT COUNT(*), GROUP_CONCAT(CONCAT_WS(',', {parts}), ';' SEPARATOR '') FROM {quoted(table.name)}"
    found = []
    for ((count, text),) in at_once(lambda: ours.ask(query), lambda: others.ask(query)):
        rows = text.decode("latin-1") if isinstance(text, bytes) else text or ""
        if rows.count(";") != int(count):
            return None
        found.append(rows)
    now, was = found
    return now, was


def _of_lists(table: Table, now: str, was: str) -> list[Values]:
    if now == was:
        return []
    now, was = _apart(now, was)
    rows, others = now.split(";"), was.split(";")
    if not table.key:
        return [{}] if Counter(rows) != Counter(others) else []
    several = len(table.key)
    keys = {tuple(row.split(",", several)[:several]) for row in {*rows} ^ {*others} if row}
    return [_key(table, key) for key in sorted(keys)]


def _key(table: Table, spelled: Sequence[str]) -> Values:
    return {column.name: _read(column, value) for column, value in zip(table.key, spelled, strict=True)}


def _apart(one: str, other: str) -> tuple[str, str]:
    """Without most of what they begin and end with alike, at the ends of rows."""
    start, most = 0, min(len(one), len(other))
    while start + _STEP < most and one.startswith(other[start : start + _STEP], start):
        start += _STEP
    start = one.rfind(";", 0, start) + 1
    end = 0
    while start + end + _STEP < most and one.endswith(other[-end - _STEP : len(other) - end], 0, len(one) - end):
        end += _STEP
    return one[start : _after(one, end)], other[start : _after(other, end)]


def _after(text: str, end: int) -> int:
    return text.find(";", len(text) - end) + 1 or len(text)


def _spelled(column: Column) -> str:
    """An expression for what a key holds, of which it can be read again."""
    if column.kind in ("text", "bytes"):
        return f"HEX({column.read})" if column.kind == "bytes" else f"HEX(CONVERT({column.read} USING utf8mb4))"
    return column.read


def _read(column: Column, spelled: str) -> Scalar:
    if column.kind in ("text", "bytes"):
        held = bytes.fromhex(spelled)
        return held if column.kind == "bytes" else held.decode()
    return column.value(spelled)


# --------------------------------------------------------------------------------------------------- sums of buckets


def _by_sums(ours: Link, others: Link, table: Table) -> list[Values]:
    query = sums(table, BUCKETS)
    now, was = at_once(lambda: _summed(ours, query), lambda: _summed(others, query))
    if any(None in side or any(each[-1] != "0" for each in side.values()) for side in (now, was)):
        raise ResourceError(f"the rows of {table.name} could not be compared", hint="nothing was changed")
    buckets = [str(bucket) for bucket in {**now, **was} if now.get(bucket) != was.get(bucket)]
    if not buckets or not table.key:
        return [{}] if buckets else []
    where = f"{_bucket(table, BUCKETS)} IN ({', '.join(buckets)})"
    here, there = at_once(lambda: set(table.given(ours, where)), lambda: set(table.given(others, where)))
    return list(table.keys_of(here ^ there))


def _summed(link: Link, query: str) -> dict[str | None, tuple[str, ...]]:
    return {row[0]: row[1:] for row in link.ask(query)}


def sums(table: Table, buckets: int) -> str:
    """A query: of each bucket its number, how many rows, and what is else if any of them is. None of that where the
    last is not 0."""
    parts = ", ".join(f"SUM(CAST(CONV(SUBSTR(d, {at}, 16), 16, 10) AS UNSIGNED))" for at in (1, 17))
    row = _joined(table.written)
    digests = f"SELECT {_bucket(table, buckets)} AS b, SHA2({row}, 256) AS d FROM {quoted(table.name)}"
    return f"SELECT b, COUNT(*), {parts}, SUM(d IS NULL) FROM ({digests}) AS digests GROUP BY b"


def _bucket(table: Table, buckets: int) -> str:
    if [column.kind for column in table.key] == ["int"]:
        return f"CRC32({table.key[0].read} DIV {_NEAR}) % {buckets}"
    return f"CRC32({_joined(table.key or table.written)}) % {buckets}"


def _joined(columns: Sequence[Column]) -> str:
    return f"CONCAT_WS(',', {', '.join(_digests(columns))})"


def _digests(columns: Iterable[Column]) -> list[str]:
    return [f"IFNULL({column.digest}, 'N')" for column in columns]
