"""Which side of an action is there now: what is kept for that, and the comparing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..kept import Kept
from ..rows import Change, Standing, exact_all, same
from . import sequences
from .altered import Altered
from .catalog import Name, Table, oids, tables
from .definitions import describe
from .line import Line
from .lines import Lines
from .measuring import Measured, exact_row, select
from .present import counts, with_keys
from .sequences import Moved
from .transaction import Transaction


async def own(transaction: Transaction, measured: Measured) -> dict[str, Any]:
    """What is kept beside the changes: the tables' names, how far sequences went, and of tables without a key how often
    each row was there in the end."""
    by_table: dict[str, list[Change]] = {}
    for change in measured.changes:
        by_table.setdefault(change.table, []).append(change)
    often = {}
    for label, changes in by_table.items():
        if not (table := measured.tables[label]).key:
            found = await counts(transaction.new, table, [change.key for change in changes])
            often[label] = [found[exact_all(change.key.values())] for change in changes]
    return {
        "xid": transaction.xid,
        "tables": {label: list(measured.tables[label].name) for label in by_table},
        "often": often,
        "sequences": [move.written() for move in measured.moved],
    }


async def stands(lines: Lines, kept: Kept) -> bool | None:
    """True: all rows are as the action left them; False: all as before it. Raises ``ResourceError``."""
    async with lines.asked() as line:
        await line.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if "definitions" in kept.own:
            return await _defined(line, kept)
        if not kept.changes:  # where rows changed, nobody misses the numbers
            return await _moved(line, [Moved.read(written) for written in kept.own["sequences"]])
        names = {label: Name(*name) for label, name in kept.own["tables"].items()}
        there = await oids(line, list(names.values()))
        here = await tables(line, list(there.values()))
        sides: set[Standing] = {"before", "after"}
        for label, name in names.items():
            if (table := here.get(there.get(name, 0))) is None:
                return None
            changes = [change for change in kept.changes if change.table == label]
            sides &= await _sides(line, table, changes, kept.own["often"].get(label))
        return None if len(sides) != 1 else sides == {"after"}


async def _defined(line: Line, kept: Kept) -> bool | None:
    altered = Altered.read(kept.own["definitions"])
    present = await describe(line)
    ats = altered.before.entries | altered.after.entries
    both: tuple[Standing, ...] = ("before", "after")
    found = []
    for standing in both:
        side = altered.side(standing)
        if any(present.entries.get(at) != side.entries.get(at) for at in ats):
            continue
        names = altered.names({label: Name(*name) for label, name in kept.own["tables"].items()}, standing)
        there = await oids(line, list(names.values()))
        here = await tables(line, [*there.values(), *(present.oids[at] for at in side.rows)])
        rows = {at: here[present.oids[at]] for at in side.rows}
        if any(
            [
                Counter(exact_row(row) for _, row in await select(line, rows[at], "true"))
                != Counter(map(exact_row, side.rows[at]))
                for at in rows
            ]
        ):
            continue
        changes = {label: [change for change in kept.changes if change.table == label] for label in names}
        if all(
            [
                name in there
                and standing in await _sides(line, here[there[name]], changes[label], kept.own["often"].get(label))
                for label, name in names.items()
            ]
        ):
            found.append(standing)
    return None if len(found) != 1 else found == ["after"]


async def _sides(line: Line, table: Table, changes: list[Change], often: list[int] | None) -> set[Standing]:
    columns = {column.name for column in table.columns}
    if any(row.values.keys() != columns for change in changes for row in (change.before, change.after) if row):
        return set()
    if often is None:
        found = {
            exact_all(row.values[name] for name in changes[0].key): row
            for _, row in await with_keys(line, table, [change.key for change in changes])
        }
        both: tuple[Standing, ...] = ("before", "after")
        return {side for side in both if all(same(found.get(exact_all(c.key.values())), c.side(side)) for c in changes)}
    sums: dict[Any, int] = {}
    for change in changes:
        key = exact_all(change.key.values())
        sums[key] = sums.get(key, 0) + (1 if change.before is None else -1)
    after = dict(zip((exact_all(change.key.values()) for change in changes), often, strict=True))
    there = dict(await counts(line, table, [change.key for change in changes]))
    found_sides: set[Standing] = set()
    if there == after:
        found_sides.add("after")
    if there == {key: count - sums[key] for key, count in after.items()}:
        found_sides.add("before")
    return found_sides


async def _moved(line: Line, moves: list[Moved]) -> bool | None:
    there = await oids(line, [move.name for move in moves])
    now = await sequences.read(line, list(there.values()))
    if all(now.get(move.name) == move.after for move in moves):
        return True
    return False if all(now.get(move.name) == move.before for move in moves) else None
