"""What a transaction that is still open has changed, row by row, whoever wrote it: statements, triggers, foreign keys.

Two connections look at a table: the one of the transaction, and another one that sees what is committed. The server
sums up each side in buckets, and rows are read only of those buckets that differ. What differs is the transaction's, or
was committed by others since it began to read; so each such row is locked by the transaction and looked at again from
both sides. While it is locked nobody else changes it: what differs then is the transaction's work, and what the other
side sees is what was there before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from agentrt.errors import ResourceError

from ..rows import Change, Row, Values, same
from .place import Link
from .table import CHUNK, Found, Table, place_of

BUCKETS = 1024
T = TypeVar("T")


def measure(ours: Link, others: Link, tables: Iterable[Table]) -> list[Change]:
    """``others`` is in no transaction. Raises ``ResourceError``, and what the driver raises."""
    return [change for table in tables for change in _changes(ours, others, table)]


def _changes(ours: Link, others: Link, table: Table) -> Iterator[Change]:
    differing = _differing(ours, others, table)
    if not differing:
        return
    if not table.key:
        yield from _copies(ours, others, table)
        return
    now, was = _both(lambda link: _by_key(table, table.in_buckets(link, BUCKETS, differing)), ours, others)
    keys = [
        (now.get(place) or was[place]).key
        for place in {**was, **now}
        if place not in now or place not in was or not same(now[place].row, was[place].row)
    ]
    for start in range(0, len(keys), CHUNK):
        some = keys[start : start + CHUNK]
        now = _by_key(table, table.with_keys(ours, some, " FOR UPDATE"))
        was = _by_key(table, table.with_keys(others, some))
        for key in some:
            place = place_of(table.name, key)
            before, after = (side[place].row if place in side else None for side in (was, now))
            if not same(before, after):
                yield Change(table.name, key, before, after)


def _copies(ours: Link, others: Link, table: Table) -> Iterator[Change]:
    now, rows = table.copies(ours, " FOR UPDATE")
    was, gone = table.copies(others)
    for place, row in {**gone, **rows}.items():
        yield from copies(table.name, row, was[place], now[place])


def copies(table: str, row: Row, was: int, now: int) -> Iterator[Change]:
    """Of a row that there were ``was`` of, and are ``now``: the key's last part tells which of them."""
    for number in range(min(was, now) + 1, max(was, now) + 1):
        key: Values = {**row.values, "": number}
        yield Change(table, key, row, None) if was > now else Change(table, key, None, row)


def _differing(ours: Link, others: Link, table: Table) -> list[int]:
    query = table.digests(BUCKETS)
    now, was = _both(lambda link: {row[0]: row[1:] for row in link.ask(query)}, ours, others)
    for side in (now, was):
        if None in side or any(each[-1] != "0" for each in side.values()):
            raise ResourceError(f"the rows of {table.name} could not be compared", hint="nothing was changed")
    return [int(bucket) for bucket in sorted({**now, **was}) if now.get(bucket) != was.get(bucket)]


def _both(look: Callable[[Link], T], ours: Link, others: Link) -> tuple[T, T]:
    """What either sees, asked at once: the server has the work."""
    with ThreadPoolExecutor(1) as apart:
        theirs = apart.submit(look, others)
        return look(ours), theirs.result()


def _by_key(table: Table, found: Iterable[Found]) -> dict[object, Found]:
    return {place_of(table.name, each.key): each for each in found}
