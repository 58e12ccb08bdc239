"""The rows of an action, compared with what is there now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from agentrt.records import PathConflict

from ..rows import Change, Row, Standing, Values, conflict_of, exact_all, same
from .catalog import Table, quoted
from .line import Line
from .measuring import Key, Rows, exact_row, select
from .values import array

_AT_ONCE = 2000
"""Rows of one statement."""


@dataclass(slots=True)
class Present:
    """Of one table: where what is to go is, and what stands against it."""

    gone: list[tuple[str, Change]] = field(default_factory=list)
    """``ctid`` of what is there of the change's one side."""
    conflicts: list[PathConflict] = field(default_factory=list)


async def compare(line: Line, database: str, table: Table, changes: Sequence[Change], to: Standing) -> Present:
    """Whether each row is as the other side than ``to`` left it."""
    present = Present()
    source: Standing = "after" if to == "before" else "before"
    if changes and (wrong := _other_columns(database, table, changes[0])):
        present.conflicts.append(wrong)
        return present
    if table.key:
        by_key: dict[Key, tuple[str, Row | None]] = {
            exact_all(table.key_of(row.values).values()): (at, row)
            for at, row in await with_keys(line, table, [change.key for change in changes])
        }
        for change in changes:
            at, there = by_key.get(exact_all(change.key.values()), ("", None))
            if not same(there, change.side(source)):
                present.conflicts.append(conflict_of(database, change.table, change.key, change.side(to), there))
            elif there is not None:
                present.gone.append((at, change))
        return present
    wanted = [(change, row) for change in changes if (row := change.side(source)) is not None]
    places: dict[Key, list[str]] = {}
    for at, row in await alike(line, table, [row.values for _, row in wanted]):
        places.setdefault(exact_row(row), []).append(at)
    for change, row in wanted:
        if left := places.get(exact_row(row)):
            present.gone.append((left.pop(), change))
        else:
            present.conflicts.append(conflict_of(database, change.table, change.key, change.side(to), None))
    return present


def _other_columns(database: str, table: Table, change: Change) -> PathConflict | None:
    row = change.before or change.after
    recorded, now = set(row.values if row else ()), {column.name for column in table.columns}
    if recorded == now and set(table.key or recorded) == set(change.key):
        return None
    return PathConflict(
        path=f"{database}:{change.table}",
        ours=f"columns {', '.join(sorted(recorded))}, rows told apart by {', '.join(sorted(change.key))}",
        theirs=f"columns {', '.join(sorted(now))}, rows told apart by {', '.join(sorted(table.key or now))}",
    )


async def with_keys(line: Line, table: Table, keys: Sequence[Values]) -> Rows:
    """The rows that have one of these primary keys."""
    names = [quoted(name) for name in table.key]
    found: Rows = []
    for start in range(0, len(keys), _AT_ONCE):
        part = keys[start : start + _AT_ONCE]
        where = f"({', '.join(names)}) IN (SELECT {', '.join(table.typed(table.key, 'v'))} FROM {unnest(table.key)})"
        found += await select(line, table, where, [array(key[name] for key in part) for name in table.key])
    return found


async def alike(line: Line, table: Table, rows: Sequence[Values]) -> Rows:
    """The rows that are one of these, and perhaps some that look like them."""
    names = [column.name for column in table.columns]
    distinct = list({exact_all(values.values()): values for values in rows}.values())
    mine = _joined([quoted(name) for name in names])
    theirs = _joined([f"({cast})" for cast in table.typed(names, "v")])
    found: Rows = []
    for start in range(0, len(distinct), _AT_ONCE):
        part = distinct[start : start + _AT_ONCE]
        where = f"{mine} IN (SELECT {theirs} FROM {unnest(names)})"
        found += await select(line, table, where, [array(values[name] for values in part) for name in names])
    return found


async def counts(line: Line, table: Table, rows: Sequence[Values]) -> Counter[Key]:
    """How often each of these whole rows is there."""
    found = Counter(exact_row(row) for _, row in await alike(line, table, rows))
    return Counter({key: found[key] for key in {exact_all(values.values()) for values in rows}})


def unnest(names: Sequence[str], first: int = 1, alias: str = "v") -> str:
    """Arrays of text, given as values from ``first`` on, as rows."""
    arrays = ", ".join(f"${place}::text[]" for place in range(first, first + len(names)))
    return f"unnest({arrays}) AS {alias} ({', '.join(map(quoted, names))})"


def _joined(expressions: Sequence[str]) -> str:
    each = (f"pg_catalog.quote_nullable({expression}::text)" for expression in expressions)
    return f"pg_catalog.concat_ws(',', {', '.join(each)})"


def gone_table(database: str, label: str) -> PathConflict:
    return PathConflict(path=f"{database}:{label}", ours="its rows as they were", theirs="no such table")
