"""What a transaction did, from evidence, before anybody else sees it.

Which tables: those it holds a lock on that writers take, and no end of a statement gives back. Which rows: of what it
sees, those whose ``xmin`` is its own; of what was there before, those that carry an ``xmax`` and that it does not see
any more. What is in the catalog is compared whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agentrt.contracts import Scalar
from agentrt.errors import UsageError

from ..rows import Change, Row, exact, exact_all, same
from . import sequences
from .catalog import Table, tables
from .line import Line, both
from .sequences import Moved
from .transaction import Transaction
from .values import array

_LARGE_OBJECTS = "2613, 2995"
_WRITTEN = f"""
    SELECT c.oid, c.relkind::text, pg_catalog.format('%I.%I', n.nspname, c.relname),
           c.relisshared OR c.oid IN ({_LARGE_OBJECTS})
      FROM pg_catalog.pg_locks l
      JOIN pg_catalog.pg_class c ON c.oid = l.relation
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE l.locktype = 'relation' AND l.pid = pg_catalog.pg_backend_pid() AND l.granted
       AND l.database IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
       AND l.mode NOT IN ('AccessShareLock', 'RowShareLock') AND c.relpersistence <> 't'
       AND (n.nspname <> 'pg_toast' AND n.nspname <> 'pg_catalog' OR c.relisshared OR c.oid IN ({_LARGE_OBJECTS}))
     GROUP BY 1, 2, 3, 4
     ORDER BY 1
"""
_RELATIONS = """
    SELECT c.oid, (pg_catalog.to_jsonb(c) - '{relfilenode,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,
           relminmxid}'::text[])::text, c.relkind::text
      FROM pg_catalog.pg_class c
"""
"""With all that stays when a table is emptied, or looked at for the planner."""

Key = tuple[tuple[str, Scalar], ...]
Rows = list[tuple[str, Row]]
"""With where each is: its ``ctid``."""


@dataclass(frozen=True, slots=True)
class Measured:
    changes: tuple[Change, ...]
    tables: dict[str, Table]
    """By the name that ``changes`` have."""
    moved: tuple[Moved, ...]
    """Sequences."""


async def measure(transaction: Transaction, but: Collection[int] = ()) -> Measured:
    """``transaction`` is settled; ``but``: tables that are looked at in another way.

    Raises ``UsageError`` for what could not be put back; ``ResourceError``.
    """
    new = transaction.new
    found: dict[str, list[int]] = {}
    for oid, kind, name, beyond in (await new.ask(_WRITTEN)).rows:
        if beyond:
            raise UsageError(f"{name} was written, which could not be put back", hint="nothing of it stands")
        if kind == "f":
            raise UsageError(f"{name} is a table of another server: what is written there could not be put back")
        if kind == "m":
            raise UsageError(f"{name} is a materialized view: what was in it could not be put back")
        found.setdefault(str(kind), []).append(int(str(oid)))
    written = await tables(new, [oid for oid in found.get("r", []) if oid not in but])
    changes = [change for table in written.values() for change in await _changes(transaction, table)]
    moved = sequences.moved(transaction.sequences, await sequences.read(new, found.get("S", [])))
    return Measured(tuple(changes), {table.name.label: table for table in written.values()}, moved)


async def only_emptied(transaction: Transaction) -> bool:
    """Where nothing but ``pg_class`` was written: whether only tables were emptied, whose rows are known."""
    found = await transaction.new.run(f"{_RELATIONS} WHERE pg_catalog.age(c.xmin) <= 0")
    oids = [oid for oid, *_ in found.rows]
    before = await transaction.old.run(f"{_RELATIONS} WHERE c.oid = ANY ($1::oid[])", [array(oids)])
    if sorted(row[:3] for row in found.rows) != sorted(row[:3] for row in before.rows):
        return False
    return all(oid in transaction.whole for oid, _, kind in (row[:3] for row in found.rows) if kind in "rm")


async def _changes(transaction: Transaction, table: Table) -> list[Change]:
    new, old = transaction.new, transaction.old
    if (whole := transaction.whole.get(table.oid)) is not None:
        return list(paired(table, (row for _, row in whole), (row for _, row in await select(new, table, "true"))))
    after, before = await both(select(new, table, "pg_catalog.age(xmin) <= 0"), select(old, table, "xmax <> '0'::xid"))
    if before:
        seen = await new.run(
            f"SELECT ctid::text FROM ONLY {table.name.sql} WHERE ctid = ANY ($1::tid[])",
            [array(at for at, _ in before)],
        )
        still = {at for (at,) in seen.rows}
        before = [(at, row) for at, row in before if at not in still]
    if (before or after) and not table.columns:
        raise UsageError(f"{table.name.label} has no columns that could be put back")
    return list(paired(table, (row for _, row in before), (row for _, row in after)))


async def select(line: Line, table: Table, where: str, values: Sequence[Scalar] = ()) -> Rows:
    names = [column.name for column in table.columns]
    listed = f", {table.listed}" if names else ""
    found = await line.run(f"SELECT ctid::text{listed} FROM ONLY {table.name.sql} WHERE {where}", values)
    return [(str(at), Row(dict(zip(names, row, strict=True)))) for at, *row in found.rows]


def paired(table: Table, before: Iterable[Row], after: Iterable[Row]) -> Iterable[Change]:
    """Row by row where the table has a key; else whole rows that went and whole rows that came."""
    label = table.name.label
    if not table.key:
        went, came = list(before), list(after)
        left = Counter(exact_row(row) for row in went)
        arrived = Counter(exact_row(row) for row in came)
        for rows, surplus in ((went, left - arrived), (came, arrived - left)):
            for row in rows:
                if surplus[exact_row(row)] > 0:
                    surplus[exact_row(row)] -= 1
                    gone = rows is went
                    yield Change(label, row.values, row if gone else None, None if gone else row)
        return
    then = {exact_all(table.key_of(row.values).values()): row for row in before}
    now = {exact_all(table.key_of(row.values).values()): row for row in after}
    for key in then | now:
        one, other = then.get(key), now.get(key)
        if not same(one, other):
            values = (one or other or Row({})).values
            yield Change(label, table.key_of(values), one, other)


def exact_row(row: Row) -> Key:
    """Equal for rows that are the same, and for no others; their columns in the same order."""
    return exact_all(row.values.values())


def balance(changes: Iterable[Change]) -> dict[tuple[str, Any], int]:
    """How many of each row there are more than there were, by table."""
    sums: Counter[tuple[str, Any]] = Counter()
    for change in changes:
        for row, sign in ((change.before, -1), (change.after, 1)):
            if row is not None:
                sums[change.table, tuple(sorted((name, exact(value)) for name, value in row.values.items()))] += sign
    return {key: count for key, count in sums.items() if count}
