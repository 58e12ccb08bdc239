"""From the definitions on one side of an action to those on the other: first so that rows fit in, then all the rest.

Nothing here has to be believed: whoever does it describes everything again, and compares it whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from agentrt.errors import Conflict
from agentrt.records import PathConflict

from . import defining, sequences
from .catalog import Name, quoted
from .definitions import Described, Entries, Entry, address, describe
from .line import Line, Refused
from .writing import against

_GOES = ("trigger", "view", "index", "constraint", "table", "sequence", "function", "procedure")
_COMES = ("function", "procedure", "sequence", "table")


class Statement(NamedTuple):
    sql: str
    instead: str = ""
    """Where something hangs on it that is put back afterwards."""


@dataclass
class Rebuild:
    line: Line
    database: str
    found: Described
    """All there is when it begins."""
    source: Entries
    target: Entries
    """Of what changes; more is added of what has to be taken away meanwhile."""
    renamed: Sequence[tuple[str, str]]
    """Addresses, from and to, of what is called something else."""
    columns: dict[str, dict[str, str]]
    """Of tables and views, by their address in ``target``: how columns are called, and will be."""
    carried: Entries = field(default_factory=dict)
    states: sequences.States = field(default_factory=dict)
    """How far sequences were, when it began."""

    async def loosen(self) -> None:
        """All that goes is gone, and tables have their columns. Raises ``Conflict``."""
        self.states = await sequences.read(self.line)
        await self._rename()
        present = (await describe(self.line)).entries
        going = [
            each
            for at, each in present.items()
            if (at in self.source or at in self.target)
            and each != self.target.get(at)
            and not (at in self.target and defining.in_place(each, self.target[at]))
            and not defining.is_identity(each)
        ]
        going.sort(key=lambda each: (_GOES.index(each["kind"]), each.get("type") != "f"))
        await self._all(
            [
                Statement(defining.drop(each), defining.drop(each, " CASCADE") if self._may_take_along(each) else "")
                for each in going
            ]
        )
        present = (await describe(self.line)).entries
        coming: list[Statement] = []
        for at, each in self._ordered(self.target):
            if at not in present and each["kind"] in ("function", "procedure", "table"):
                coming += map(Statement, defining.create(each))
            elif each["kind"] == "table":
                coming += map(Statement, defining.loosened(present[at], each))
        await self._all(coming)
        present = (await describe(self.line)).entries
        for at, was in self.found.entries.items():
            if at not in self.source and at not in self.target and present.get(at) != was:
                if at not in present and was["kind"] == "table":
                    raise self._hangs(at, "it would go along")
                self.carried[at] = was

    async def tighten(self) -> None:
        """With the rows in it. Raises ``Conflict``."""
        wanted = self.target | self.carried
        present = (await describe(self.line)).entries
        owned = {tuple(each["owned"][:3]): each for each in wanted.values() if defining.is_identity(each)}
        statements: list[Statement] = []
        for at, each in self._ordered(wanted):
            if at not in present:
                statements += map(Statement, defining.create(each))
            elif each["kind"] in ("function", "procedure") and present[at]["sql"] != each["sql"]:
                statements.append(Statement(each["sql"]))
        for at, each in wanted.items():
            if each["kind"] == "table" and each != present.get(at):
                statements += map(Statement, defining.tightened(present[at], each, owned))
        await self._all(statements)
        present = (await describe(self.line)).entries
        finishing: list[Statement] = []
        for at, each in self._ordered(wanted):
            if at in present and present[at] != each:
                if each["kind"] == "view":
                    finishing += map(Statement, defining.tightened(present[at], each, {}))
                finishing += map(Statement, defining.finished(present[at], each))
        await self._all(finishing)
        await self._count_on()

    async def _count_on(self) -> None:
        """Sequences that went along with a table, and came again, are where they were."""
        now = await describe(self.line)
        for at, oid in self.found.oids.items():
            if at.startswith("sequence ") and now.oids.get(at, oid) != oid:
                name = Name(now.entries[at]["schema"], now.entries[at]["name"])
                if name not in self.states:
                    raise self._hangs(at, "how far it is may not be read")
                last, called = self.states[name]
                await self.line.run(f"SELECT pg_catalog.setval($1::regclass, {last}, {called})", [name.sql])

    async def _rename(self) -> None:
        both = [(self.source[one], self.target[other]) for one, other in self.renamed]
        statements: list[str] = []
        for hanging in (False, True):
            final: list[str] = []
            for place, (one, other) in enumerate(both):
                if (one["kind"] in ("constraint", "trigger")) is not hanging:
                    continue
                if hanging:
                    one = one | {"on": other["on"]}
                if one["name"] != other["name"]:
                    passing = f"agentrt {place}"
                    statements.append(defining.rename(one, passing))
                    one = one | {"name": passing}
                if one["schema"] != other["schema"] and not hanging:
                    if one["kind"] != "index" and not one.get("owned"):  # they go with their table
                        statements.append(f"ALTER {defining.named(one)} SET SCHEMA {quoted(other['schema'])}")
                    one = one | {"schema": other["schema"]}
                if one["name"] != other["name"]:
                    final.append(defining.rename(one, other["name"]))
            statements += final
            if not hanging:
                statements += self._columns()
        for statement in statements:
            await self._run(statement)

    def _may_take_along(self, entry: Entry) -> bool:
        """What comes again is; so are defaults of a sequence's own column. What is anybody else's is missed then."""
        return address(entry) in self.target or entry["kind"] == "sequence"

    def _columns(self) -> list[str]:
        first, then = [], []
        for at, names in self.columns.items():
            table = self.target[at]
            at_table = f"ALTER TABLE {Name(table['schema'], table['name']).sql} RENAME COLUMN"
            for place, (one, other) in enumerate(names.items()):
                passing = quoted(f"agentrt {place}")
                first.append(f"{at_table} {quoted(one)} TO {passing}")
                then.append(f"{at_table} {passing} TO {quoted(other)}")
        return first + then

    def _ordered(self, entries: Entries) -> list[tuple[str, Entry]]:
        def place(each: tuple[str, Entry]) -> tuple[int, bool]:
            kind = each[1]["kind"]
            return (_COMES.index(kind) if kind in _COMES else len(_COMES), each[1].get("type") == "f")

        return sorted(entries.items(), key=place)

    async def _all(self, statements: Sequence[Statement]) -> None:
        """In this order, but what needs a later one waits for it."""
        left = list(statements)
        while left:
            waiting: list[Statement] = []
            wrong: Refused | None = None
            for statement in left:
                try:
                    await self._try(statement.sql)
                except Refused as error:
                    wrong = wrong or error
                    waiting.append(statement)
            if len(waiting) == len(left):
                helped = next((each for each in waiting if each.instead), None)
                if helped is None:
                    assert wrong is not None
                    raise self._against(wrong)
                await self._run(helped.instead)
                waiting.remove(helped)
            left = waiting

    async def _try(self, statement: str) -> None:
        await self.line.run("SAVEPOINT agentrt_step")
        try:
            await self.line.run(statement)
        except Refused:
            await self.line.run("ROLLBACK TO SAVEPOINT agentrt_step")
            await self.line.run("RELEASE SAVEPOINT agentrt_step")
            raise
        await self.line.run("RELEASE SAVEPOINT agentrt_step")

    async def _run(self, statement: str) -> None:
        try:
            await self.line.run(statement)
        except Refused as error:
            raise self._against(error) from None

    def _against(self, error: Refused) -> Conflict:
        return against(self.database, error, error.table or "definitions", "its definitions as they were")

    def _hangs(self, at: str, why: str) -> Conflict:
        return Conflict(
            f"database {self.database} would change more than it is to",
            conflicts=[PathConflict(path=f"{self.database}:{at}", ours="as it was", theirs=why)],
        )
