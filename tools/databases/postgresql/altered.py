"""What an action did to definitions: measured, kept on disk, and told.

Of everything that is not what it was both sides are kept, and all rows of tables that were made, dropped, or whose
columns or key changed, on each side where there is such a table. Of other tables rows are measured as ever.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from agentrt.errors import UsageError

from ..kept import Kept, decode, encode
from ..rows import Row, Standing
from . import covered, defining, emptying, sequences
from .catalog import Name, Table, tables
from .definitions import Described, Entries, Entry, describe, label
from .measuring import only_emptied, select
from .transaction import Transaction

Rows = dict[str, list[Row]]
"""By the table's address."""


@dataclass(frozen=True, slots=True)
class Side:
    entries: Entries
    rows: Rows
    states: dict[str, tuple[int, bool]]
    """How far sequences were, that are not on both sides."""


@dataclass(frozen=True, slots=True)
class Altered:
    before: Side
    after: Side
    renamed: tuple[tuple[str, str], ...]
    """Addresses, before and after, of what is called something else."""
    columns: dict[str, dict[str, str]]
    """Of columns that are, by their table's address after: names before, and after."""

    @property
    def nothing(self) -> bool:
        return not (self.before.entries or self.after.entries)

    def whole(self, after: Described) -> set[int]:
        """Tables, as they are after, of which no single rows are kept."""
        return {after.oids[at] for at in self.after.rows}

    def side(self, standing: Standing) -> Side:
        return self.before if standing == "before" else self.after

    def renames(self, to: Standing) -> tuple[list[tuple[str, str]], dict[str, dict[str, str]]]:
        """The way it goes; columns by their table's address there."""
        if to == "after":
            return list(self.renamed), self.columns
        back = {other: one for one, other in self.renamed}
        return [(other, one) for one, other in self.renamed], {
            back.get(at, at): {other: one for one, other in names.items()} for at, names in self.columns.items()
        }

    def names(self, names: dict[str, Name], side: Standing) -> dict[str, Name]:
        """What tables are called on a side; changes call them as they are after."""
        back = {other: self.before.entries[one] for one, other in self.renamed} if side == "before" else {}
        found = {label: back.get(f"table {name.sql}") for label, name in names.items()}
        return {
            label: names[label] if entry is None else Name(entry["schema"], entry["name"])
            for label, entry in found.items()
        }

    def written(self) -> dict[str, Any]:
        sides = {
            name: {
                "entries": side.entries,
                "rows": {
                    at: [list(row.values), [[encode(value) for value in each.values.values()] for each in rows]]
                    for at, rows in side.rows.items()
                    for row in [rows[0] if rows else Row({})]
                },
                "states": {at: list(state) for at, state in side.states.items()},
            }
            for name, side in (("before", self.before), ("after", self.after))
        }
        return sides | {"renamed": [list(pair) for pair in self.renamed], "columns": self.columns}

    @classmethod
    def read(cls, written: dict[str, Any]) -> Altered:
        def side(of: dict[str, Any]) -> Side:
            rows = {
                at: [Row(dict(zip(names, map(decode, each), strict=True))) for each in values]
                for at, (names, values) in of["rows"].items()
            }
            return Side(of["entries"], rows, {at: (last, called) for at, (last, called) in of["states"].items()})

        renamed = tuple((one, other) for one, other in written["renamed"])
        return cls(side(written["before"]), side(written["after"]), renamed, written["columns"])


async def measure(transaction: Transaction) -> tuple[Altered, Described, Described] | None:
    """With all there was before, and is after; None: no definition is another. ``transaction`` is settled.

    Raises ``UsageError`` for what could not be put back, ``ResourceError``.
    """
    catalogs = await covered.changed(transaction)
    if not catalogs or (catalogs == {"pg_class"} and await only_emptied(transaction)):
        return None
    await covered.check(transaction, catalogs)
    if await emptying.unread(transaction) or await emptying.undescribed(transaction):
        raise UsageError(emptying.UNREAD, hint=emptying.ALONE)
    before = transaction.defined or await emptying.described(transaction)
    after = await describe(transaction.new)
    await covered.alone(transaction)
    altered = await _between(transaction, before, after)
    return None if altered.nothing else (altered, before, after)


async def _between(transaction: Transaction, before: Described, after: Described) -> Altered:
    at_before, at_after = ({(_kind(at), oid): at for at, oid in side.oids.items()} for side in (before, after))
    stay = [(at_before[key], at_after[key]) for key in at_before if key in at_after]
    for one, other in stay:
        _comparable(before.entries[one], after.entries[other])
    changed = {
        at for at in before.entries | after.entries if before.entries.get(at) != after.entries.get(at)
    } | {at for at, oid in before.oids.items() if at in after.oids and after.oids[at] != oid}  # fmt: skip
    changed |= {
        f"table {Name(*each['on']).sql}"
        for side in (before, after)
        for at in changed & side.entries.keys()
        for each in [side.entries[at]]
        if each.get("type") == "p"
    }
    old = await _tables(transaction, before, {at for at in changed if at.startswith("table ")}, new=False)
    new = await _tables(transaction, after, {at for at in changed if at.startswith("table ")}, new=True)
    same_rows = {
        (one, other)
        for one, other in stay
        if one in old and other in new and _shape(before, one, old[one]) == _shape(after, other, new[other])
    }
    whole_before = {at: old[at] for at in old if at not in {one for one, _ in same_rows}}
    whole_after = {at: new[at] for at in new if at not in {other for _, other in same_rows}}
    now = await sequences.read(transaction.new)
    sides = (
        Side(
            {at: before.entries[at] for at in before.entries if at in changed},
            {at: [row for _, row in transaction.whole[table.oid]] for at, table in whole_before.items()},
            _states(before.entries, changed - after.entries.keys(), transaction.sequences),
        ),
        Side(
            {at: after.entries[at] for at in after.entries if at in changed},
            {at: [row for _, row in await select(transaction.new, table, "true")] for at, table in whole_after.items()},
            _states(after.entries, changed - before.entries.keys(), now),
        ),
    )
    for side in sides:
        for entry in side.entries.values():
            _can_be_told(entry)
    columns = {}
    for one, other in stay:
        names = before.columns.get(one, {})
        renamed = {
            name: after.columns[other][number]
            for number, name in names.items()
            if after.columns[other].get(number, name) != name
        }
        if renamed:
            columns[other] = renamed
    return Altered(*sides, tuple(pair for pair in stay if pair[0] != pair[1]), columns)


def _kind(at: str) -> str:
    return at.partition(" ")[0]


def _comparable(before: Entry, after: Entry) -> None:
    """Raises ``UsageError``: privileges were given or taken."""
    columns = {column["name"]: column["acl"] for column in before.get("columns") or ()}
    if (before.get("acl") != after.get("acl") and before.get("owner") == after.get("owner")) or any(
        columns.get(column["name"], column["acl"]) != column["acl"] for column in after.get("columns") or ()
    ):  # fmt: skip
        raise UsageError(f"privileges on {label(before)} would be changed, which could not be put back")


def _can_be_told(entry: Entry) -> None:
    if entry.get("kin"):
        raise UsageError(f"{label(entry)} inherits, or is inherited from: such tables could not be put back")
    if entry.get("relkind", "r") not in "rv":
        raise UsageError(f"{label(entry)} is not on an ordinary table, and could not be put back")
    if entry.get("tablespace"):
        raise UsageError(f"{label(entry)} is in a tablespace of its own, and could not be put back")


async def _tables(transaction: Transaction, side: Described, ats: Collection[str], *, new: bool) -> dict[str, Table]:
    oids = {side.oids[at]: at for at in ats if at in side.oids}
    found = await tables(transaction.new if new else transaction.old, list(oids))
    return {oids[oid]: table for oid, table in found.items()}


def _shape(side: Described, at: str, table: Table) -> Any:
    return [defining.laid(column) for column in side.entries[at]["columns"] or ()], table.key


def _states(entries: Entries, ats: Collection[str], known: sequences.States) -> dict[str, tuple[int, bool]]:
    found = {}
    for at in ats:
        if at.startswith("sequence ") and at in entries:
            name = Name(entries[at]["schema"], entries[at]["name"])
            if name not in known:
                raise UsageError(f"the sequence {name.label} may not be read, and could not be put back")
            found[at] = known[name]
    return found


def defined(kept: Kept) -> set[Name]:
    """All tables of either side."""
    written = kept.own.get("definitions") or {}
    entries = [entry for side in ("before", "after") if written for entry in written[side]["entries"].values()]
    return {Name(entry["schema"], entry["name"]) for entry in entries if entry["kind"] == "table"} | {
        Name(*entry["on"]) for entry in entries if "on" in entry
    }
