"""What a transaction that is still open has changed, row by row, whoever wrote it: statements, triggers, foreign keys.

Two connections look at a table: the one of the transaction, and another one that sees what is committed. The server
sums up each side in buckets, and rows are read only of those buckets that differ. What differs is the transaction's, or
was committed by others since it began to read; so each such row is locked by the transaction and looked at again from
both sides. While it is locked nobody else changes it: what differs then is the transaction's work, and what the other
side sees is what was there before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from agentrt.errors import ResourceError

from ..rows import Change, Row, Values, same
from .place import Link, literal
from .table import CHUNK, Found, Table, place_of

BUCKETS = 1024
_SMALL = 16 * 1024 * 1024
"""Bytes that the server sorts in no time, and has room for."""
T = TypeVar("T")


def measure(ours: Link, others: Link, tables: Iterable[Table]) -> list[Change]:
    """``others`` is in no transaction. Raises ``ResourceError``, and what the driver raises."""
    tables = list(tables)
    small = _small(others, tables) if tables else set()
    return [change for table in tables for change in _changes(ours, others, table, table.name in small)]


def _changes(ours: Link, others: Link, table: Table, small: bool) -> Iterator[Change]:
    differing = _differing(ours, others, table, small)
    if not differing:
        return
    if not table.key:
        yield from _copies(ours, others, table)
        return
    here, there = _both(lambda link: set(table.in_buckets(link, BUCKETS, differing)), ours, others)
    keys = list({place_of(table.name, key): key for key in table.keys_of(here ^ there)}.values())
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


def _differing(ours: Link, others: Link, table: Table, small: bool) -> list[int]:
    for query in [table.lists(BUCKETS), table.sums(BUCKETS)] if small else [table.sums(BUCKETS)]:
        now, was = _both(partial(_summed, query), ours, others)
        if all(None not in side and all(each[-1] == "0" for each in side.values()) for side in (now, was)):
            return [int(str(bucket)) for bucket in {**now, **was} if now.get(bucket) != was.get(bucket)]
    raise ResourceError(f"the rows of {table.name} could not be compared", hint="nothing was changed")


def _summed(query: str, link: Link) -> dict[str | None, tuple[str, ...]]:
    return {row[0]: row[1:] for row in link.ask(query)}


def _small(link: Link, tables: Sequence[Table]) -> set[str]:
    """Those that the server takes for small: what it says is an estimate, and decides only how they are compared."""
    names = ", ".join(literal(table.name) for table in tables)
    found = link.ask(
        f"SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN ({names})"
        f" AND data_length < {_SMALL}"
    )
    return {name for (name,) in found}


def _both(look: Callable[[Link], T], ours: Link, others: Link) -> tuple[T, T]:
    """What either sees, asked at once: the server has the work."""
    with ThreadPoolExecutor(1) as apart:
        theirs = apart.submit(look, others)
        return look(ours), theirs.result()


def _by_key(table: Table, found: Iterable[Found]) -> dict[object, Found]:
    return {place_of(table.name, each.key): each for each in found}
