"""What a transaction that is still open has changed, row by row, whoever wrote it: statements, triggers, foreign keys.

Two connections look at a table: the one of the transaction, and another one that sees what is committed. What differs
is the transaction's, or was committed by others since it began to read; so each such row is locked by the transaction
and looked at again from both sides. While it is locked nobody else changes it: what differs then is the transaction's
work, and what the other side sees is what was there before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..rows import Change, Place, Row, Values, place_of, same
from .comparing import differing, small
from .place import Link
from .table import CHUNK, Found, Table


def measure(ours: Link, others: Link, tables: Iterable[Table]) -> list[Change]:
    """``others`` is in no transaction. Raises ``ResourceError``, and what the driver raises."""
    tables = list(tables)
    ours.settle()
    ours.uncover(table.name for table in tables)
    few = small(others, tables)
    return [change for table in tables for change in _changes(ours, others, table, table.name in few)]


def _changes(ours: Link, others: Link, table: Table, small: bool) -> Iterator[Change]:
    found = differing(ours, others, table, small)
    if not found:
        return
    if not table.key:
        yield from _copies(ours, others, table)
        return
    keys = {place_of(table.name, key): key for key in found}
    places = list(keys)
    for start in range(0, len(places), CHUNK):
        some = places[start : start + CHUNK]
        those = [keys[place] for place in some]
        now = _by_place(table, table.with_keys(ours, those, " FOR UPDATE"))
        was = _by_place(table, table.with_keys(others, those))
        for place in some:
            before, after = was.get(place), now.get(place)
            if not same(before, after):
                yield Change(table.name, keys[place], before, after)


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


def _by_place(table: Table, found: Iterable[Found]) -> dict[Place, Row]:
    return {place_of(table.name, key): row for key, row in found}
