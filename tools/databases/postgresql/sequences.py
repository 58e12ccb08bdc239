"""Sequences stand outside every transaction: how far each was and is, and how to put it back where that is safe.

It is safe where nobody used it since, and no row has a number that would come again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from agentrt.records import SchemaEffect

from .catalog import Name, quoted
from .line import Line
from .values import array

State = tuple[int, bool]
"""``last_value``, ``is_called``."""
States = dict[Name, State]


class Moved(NamedTuple):
    name: Name
    before: State
    after: State

    def written(self) -> list[Any]:
        return [*self.name, list(self.before), list(self.after)]

    @classmethod
    def read(cls, written: list[Any]) -> Moved:
        schema, name, before, after = written
        return cls(Name(schema, name), (before[0], before[1]), (after[0], after[1]))

    def turned(self) -> Moved:
        return Moved(self.name, self.after, self.before)


_ALL = """
    SELECT n.nspname, c.relname
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'S' AND c.relpersistence <> 't'
       AND CASE WHEN c.relkind = 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT') END
"""


async def read(line: Line, among: Collection[int] | None = None) -> States:
    """All that may be read, or these by their oid."""
    if among is not None and not among:
        return {}
    if among is None:
        listed = await line.ask(_ALL)
    else:
        listed = await line.ask(f"{_ALL} AND c.oid = ANY ($1::oid[])", [array(among)])
    names = [Name(*row) for row in listed.rows]
    if not names:
        return {}
    each = (f"SELECT {place}, last_value, is_called FROM {name.sql}" for place, name in enumerate(names))
    found = await line.run(" UNION ALL ".join(each))
    return {names[place]: (last, called) for place, last, called in found.rows}


def moved(before: States, after: States) -> tuple[Moved, ...]:
    return tuple(
        Moved(name, before[name], state) for name, state in after.items() if name in before and before[name] != state
    )


async def effects(
    line: Line, database: str, found: Collection[Moved], written: Collection[Name], *, back: bool = False
) -> list[SchemaEffect]:
    """Of those that did not just give numbers to rows of ``written``, or (``back``) take them back."""
    told = []
    for each in found:
        owner = (await line.run(_OWNER, [each.name.schema, each.name.name])).rows
        step, schema, table, *_ = owner[0] if owner else (1, None, None)
        forward = (each.after[0] - each.before[0]) * step >= 0
        if not ((forward or back) and (schema, table) in written):
            told.append(
                SchemaEffect(
                    database=database, object="sequence", name=each.name.label, change="modified",
                    before=_said(each.before), after=_said(each.after),
                )
            )  # fmt: skip
    return told


_OWNER = """
    SELECT s.seqincrement, tn.nspname, t.relname, a.attname, pg_catalog.pg_has_role(c.relowner, 'USAGE')
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
      LEFT JOIN pg_catalog.pg_depend d
        ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
       AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0
      LEFT JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
      LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE c.relkind = 'S' AND n.nspname = $1 AND c.relname = $2
"""


async def hold(line: Line, name: Name, step: int) -> None:
    """It stays what it is (``step`` is its own), but from here on it is this transaction's, as no setval makes it:
    nobody else gets a number until the end, and a rollback takes back what follows."""
    await line.run(f"ALTER SEQUENCE {name.sql} INCREMENT BY {step}")


async def put(line: Line, move: Moved) -> bool:
    """From ``before`` to ``after`` within the transaction, where it is safe, else not at all. Whether it moved."""
    owner = (await line.run(_OWNER, [move.name.schema, move.name.name])).rows
    if not owner or not owner[0][4]:
        return False
    step, schema, table, column, _ = owner[0]
    await hold(line, move.name, step)
    last, called = (await line.run(f"SELECT last_value, is_called FROM {move.name.sql}")).rows[0]
    if (last, called) != move.before:
        return False
    to, used = move.after
    up = step > 0
    if table is not None:
        beyond = (">" if up else "<") + ("" if used else "=")
        taken = f"SELECT 1 FROM {Name(schema, table).sql} WHERE {quoted(column)} {beyond} {to} LIMIT 1"
        if (await line.run(taken)).rows:
            return False
    await line.run(f"SELECT pg_catalog.setval($1::regclass, {to}, {used})", [move.name.sql])
    return True


def _said(state: State) -> str:
    last, called = state
    return f"last_value {last}" if called else f"starts with {last}"
