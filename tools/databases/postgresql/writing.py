"""Rows written as they are recorded, many in one statement, and nothing of the tables' own doing beside that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from agentrt.errors import Conflict
from agentrt.records import PathConflict

from ..rows import Change, Row, Standing, exact
from .catalog import Reference, Table, quoted
from .line import Line, Refused
from .present import Present, unnest
from .unique import unique
from .values import array

_AT_ONCE = 2000
T = TypeVar("T")
Found = Sequence[tuple[Table, Sequence[Change], Present]]
"""What is to change in each table, and what is there of it."""


@dataclass(frozen=True, slots=True)
class Writer:
    """In one transaction, whose tables nobody else writes meanwhile."""

    line: Line
    database: str
    references: Sequence[Reference]
    quiet: bool
    """No trigger fires, also none that keeps foreign keys: they are checked at the end."""

    async def write(self, found: Found, to: Standing) -> None:
        """Put each change's side there. Raises ``Conflict`` where a constraint is against it."""
        ordered = self._parents_first(found)
        if self.quiet:
            await self._out_and_in(ordered, to)
            return
        await self.line.run("SET CONSTRAINTS ALL DEFERRED")  # what can wait: rows may refer in a circle
        await self.line.run("SAVEPOINT agentrt")
        try:
            await self._in_and_out(ordered, to)
        except Conflict:  # of two rows with one unique value; then nothing may follow those that go
            await self.line.run("ROLLBACK TO SAVEPOINT agentrt")
            await self._out_and_in(ordered, to)

    async def _out_and_in(self, ordered: Found, to: Standing) -> None:
        for table, _, present in reversed(ordered):
            await self._delete(table, self._going(table, present, to))
        for table, changes, present in ordered:
            await self._update(table, self._changing(table, present, to))
            await self._insert(table, self._coming(table, changes, present, to))

    async def _in_and_out(self, ordered: Found, to: Standing) -> None:
        """No row refers to one that is not there, at any time."""
        referred = [each for each in ordered if self._referred(each[0])]
        for each in ordered:
            table, changes, present = each
            if each not in referred:
                await self._delete(table, self._going(table, present, to))
            await self._insert(table, self._coming(table, changes, present, to))
            await self._update(table, self._changing(table, present, to))
        for table, _, present in reversed(referred):
            await self._delete(table, self._going(table, present, to))

    def _going(self, table: Table, present: Present, to: Standing) -> list[str]:
        return [at for at, change in present.gone if change.side(to) is None or self._replaces(table, change)]

    def _changing(self, table: Table, present: Present, to: Standing) -> list[tuple[str, Change, Row]]:
        return [
            (at, change, row)
            for at, change in present.gone
            if (row := change.side(to)) is not None and not self._replaces(table, change)
        ]

    def _coming(self, table: Table, changes: Sequence[Change], present: Present, to: Standing) -> list[Row]:
        there = {id(change) for _, change in present.gone}
        return [
            row
            for change in changes
            if (row := change.side(to)) is not None and (id(change) not in there or self._replaces(table, change))
        ]

    def _referred(self, table: Table) -> bool:
        return any(table.oid in reference.parent_oids for reference in self.references)

    def _replaces(self, table: Table, change: Change) -> bool:
        """Whether a changed row is taken out and put in again, so that no two rows have to pass each other (``UPDATE t
        SET place = place + 1``, back). Not where something else of the database would follow the row out."""
        if self.quiet or not self._referred(table):
            return True
        always = {column.name for column in table.columns if column.always}
        return any(name in always for name in differing(change))

    def _parents_first(self, found: Found) -> Found:
        left, ordered = list(found), list[tuple[Table, Sequence[Change], Present]]()
        while left:
            waiting = {table.oid for table, _, _ in left}
            free = [each for each in left if not self._parents(each[0]) & waiting] or left[:1]  # they refer in a circle
            ordered += free
            left = [each for each in left if each not in free]
        return ordered

    def _parents(self, table: Table) -> set[int]:
        return {oid for each in self.references if table.oid in each.child_oids for oid in each.parent_oids} - {
            table.oid
        }

    async def _delete(self, table: Table, places: Sequence[str]) -> None:
        for part in self._parts(table, places):
            await self._run(table, f"DELETE FROM ONLY {table.name.sql} WHERE ctid = ANY ($1::tid[])", [array(part)])

    async def _update(self, table: Table, rows: Sequence[tuple[str, Change, Row]]) -> None:
        names = sorted({name for _, change, _ in rows for name in differing(change)})
        pairs = ", ".join(f"{quoted(name)} = {cast}" for name, cast in zip(names, table.typed(names, "v"), strict=True))
        for part in self._parts(table, rows):
            values = [
                array(at for at, _, _ in part),
                *(array(row.values[name] for _, _, row in part) for name in names),
            ]
            await self._run(
                table,
                f"UPDATE ONLY {table.name.sql} AS t SET {pairs} FROM {unnest(['at the place', *names])} "
                f'WHERE t.ctid = v."at the place"::tid',
                values,
            )

    async def _insert(self, table: Table, rows: Sequence[Row]) -> None:
        names = [column.name for column in table.columns]
        for part in self._parts(table, rows):
            await self._run(
                table,
                f"INSERT INTO {table.name.sql} ({table.listed}) OVERRIDING SYSTEM VALUE "
                f"SELECT {', '.join(table.typed(names, 'v'))} FROM {unnest(names)}",
                [array(row.values[name] for row in part) for name in names],
            )

    def _parts(self, table: Table, items: Sequence[T]) -> Iterable[Sequence[T]]:
        """Each of one statement: all of them, where rows of the table refer to each other."""
        refers = any(table.oid in each.child_oids and table.oid in each.parent_oids for each in self.references)
        size = len(items) if refers and items else _AT_ONCE
        return (items[start : start + size] for start in range(0, len(items), size))

    async def _run(self, table: Table, statement: str, values: Sequence[str]) -> None:
        try:
            await self.line.run(statement, values)
        except Refused as error:
            raise against(self.database, error, table.name.label) from None

    async def check(self, written: Iterable[int]) -> None:
        """Foreign keys and deferrable unique ones, where no trigger did. Raises ``Conflict``."""
        oids = set(written)
        if self.quiet:
            await unique(self.line, self.database, oids)
        for each in self.references if self.quiet else ():
            own = "" if oids & set(each.parent_oids) else " AND pg_catalog.age(c.xmin) <= 0"
            if not each.validated or not oids & {*each.child_oids, *each.parent_oids}:
                continue
            pairs = list(zip(each.columns, each.referred, strict=True))
            filled = " AND ".join(f"c.{quoted(column)} IS NOT NULL" for column in each.columns)
            equal = " AND ".join(f"p.{quoted(referred)} = c.{quoted(column)}" for column, referred in pairs)
            shown = ", ".join(f"c.{quoted(column)}" for column in each.columns)
            left = await self.line.run(
                f"SELECT {shown} FROM {each.child_only} {each.child.sql} AS c WHERE {filled}{own} AND NOT EXISTS "
                f"(SELECT FROM {each.parent_only} {each.parent.sql} AS p WHERE {equal}) LIMIT 1"
            )
            if left.rows:
                said = ", ".join(f"{name}={value}" for name, value in zip(each.columns, left.rows[0], strict=True))
                raise Conflict(
                    "a foreign key would be broken",
                    conflicts=[
                        PathConflict(
                            path=f"{self.database}:{each.child.label}",
                            ours=f"rows of {each.parent.label} as they were",
                            theirs=f"a row with {said}, which {each.name} wants to be in {each.parent.label}",
                        )
                    ],
                )


def differing(change: Change) -> list[str]:
    """Columns that are not the same on both sides."""
    if change.before is None or change.after is None:
        return []
    after = change.after.values
    return [name for name, value in change.before.values.items() if exact(value) != exact(after[name])]


def against(database: str, error: Refused, label: str = "", ours: str = "its rows as they were") -> Conflict:
    """A constraint, or a trigger, was against it."""
    return Conflict(
        f"the database is against it: {error.message}",
        conflicts=[
            PathConflict(
                path=f"{database}:{label or error.table}",
                ours=ours,
                theirs=error.detail or error.message,
            )
        ],
    )
