"""What an action did to definitions: those that are not what they were, on either side, and rows that went along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agentrt.records import Effect, SchemaEffect

from ..kept import decode, encode
from ..rows import Change, Row, Standing, effects_of, exact_all
from .definitions import Definition, Definitions

Whatever = Literal["created", "modified", "deleted"]


@dataclass(frozen=True, slots=True)
class Side:
    definitions: Definitions
    rows: dict[str, list[Row]] = field(default_factory=dict)
    """All rows of those tables that are not the same on both sides; those of others are not kept."""

    def written(self) -> dict[str, Any]:
        rows = {
            table: [[list(row.values), [encode(value) for value in row.values.values()]] for row in those]
            for table, those in self.rows.items()
        }
        return {"definitions": self.definitions.written(), "rows": rows}

    @classmethod
    def of(cls, written: dict[str, Any]) -> Side:
        rows = {
            table: [Row(dict(zip(names, map(decode, values), strict=True))) for names, values in those]
            for table, those in written["rows"].items()
        }
        return cls(Definitions.of(written["definitions"]), rows)


@dataclass(frozen=True, slots=True)
class Altered:
    before: Side
    after: Side
    renamed: dict[str, str]
    """Tables whose rows are those of another name: from before to after."""

    def side(self, standing: Standing) -> Side:
        return self.before if standing == "before" else self.after

    def origins(self, to: Standing) -> dict[str, str]:
        """By the name there, the name it comes from."""
        return self.renamed if to == "before" else {after: before for before, after in self.renamed.items()}

    def written(self) -> dict[str, Any]:
        return {"before": self.before.written(), "after": self.after.written(), "renamed": self.renamed}

    @classmethod
    def of(cls, written: dict[str, Any]) -> Altered:
        return cls(Side.of(written["before"]), Side.of(written["after"]), dict(written["renamed"]))


def altered(before: Side, after: Side) -> Altered | None:
    """What is left of both where they are not the same; None: nothing is. Rows are of all tables that have any."""
    one, other = before.definitions, after.definitions
    renamed = dict(_renamed(before, after))
    tables, rows = set[str](), set[str]()
    for name in one.tables | other.tables:
        was, now = one.tables.get(name), other.tables.get(name)
        same = was is not None and now is not None and _columns(was) == _columns(now)
        if same and counted(before.rows.get(name, [])) == counted(after.rows.get(name, [])):
            if was != now or (was and now and was.number != now.number):
                tables.add(name)
            continue
        tables.add(name)
        if name not in renamed and name not in renamed.values():
            rows.add(name)
    views = {name for name in one.views | other.views if one.views.get(name) != other.views.get(name)}
    if not tables and not views:
        return None
    return Altered(_part(before, tables, views, rows), _part(after, tables, views, rows), renamed)


def counted(rows: Sequence[Row]) -> Counter[Any]:
    """How many there are of each."""
    return Counter((tuple(row.values), exact_all(row.values.values())) for row in rows)


def _renamed(before: Side, after: Side) -> Iterator[tuple[str, str]]:
    one, other = before.definitions.tables, after.definitions.tables
    free = [name for name in other if name not in one]
    for name in one:
        if name in other:
            continue
        for new in free:
            if one[name].body != other[new].body or one[name].number != other[new].number:
                continue
            if counted(before.rows.get(name, [])) == counted(after.rows.get(new, [])):
                free.remove(new)
                yield name, new
                break


def _columns(definition: Definition) -> list[str]:
    return [line.removesuffix(",") for line in definition.body.split("\n") if line.startswith("  `")]


def _part(side: Side, tables: set[str], views: set[str], rows: set[str]) -> Side:
    found = Definitions(
        {name: each for name, each in side.definitions.tables.items() if name in tables},
        {name: each for name, each in side.definitions.views.items() if name in views},
    )
    return Side(found, {name: side.rows.get(name, []) for name in rows & found.tables.keys()})


# ----------------------------------------------------------------------------------------------------------- told


def effects(database: str, those: Altered, to: Standing) -> list[Effect]:
    """What going there does."""
    source, target = those.side("after" if to == "before" else "before"), those.side(to)
    origins = those.origins(to)
    found: list[Effect] = []
    changes: list[Change] = []
    tables, others = source.definitions.tables, target.definitions.tables
    for name in tables | others:
        was, now = tables.get(origins.get(name, name)), others.get(name)
        if now is None and name in origins.values():
            continue
        before = None if was is None else was.said(origins.get(name, name))
        after = None if now is None else now.said(name)
        there = source.rows.get(name)
        if before == after and there is None and was and now and was.number != now.number:
            before, after = (f"{said} AUTO_INCREMENT = {each.number}" for said, each in ((before, was), (after, now)))
        if before != after:
            note = f"renamed from {origins[name]}" if name in origins else ""
            count = len(there) if there is not None and was is not None else None
            found.append(_effect(database, "table", name, before, after, rows=count, note=note))
        if now is not None and name not in origins and (was is None or before == after):
            changes += _exchanged(name, there or [], target.rows.get(name) or [])
        triggers, comes = ({t.name: t.sql for t in side.triggers} if side else {} for side in (was, now))
        found += _differing(database, "trigger", triggers, comes)
    views, seen = ({n: v.sql for n, v in side.definitions.views.items()} for side in (source, target))
    return [*found, *_differing(database, "view", views, seen), *effects_of(database, changes)]


def _differing(database: str, kind: str, was: dict[str, str], now: dict[str, str]) -> Iterator[SchemaEffect]:
    for name in was | now:
        if was.get(name) != now.get(name):
            yield _effect(database, kind, name, was.get(name), now.get(name))


def _effect(
    database: str, kind: str, name: str, before: str | None, after: str | None, rows: int | None = None, note: str = ""
) -> SchemaEffect:
    change: Whatever = "created" if before is None else "deleted" if after is None else "modified"
    return SchemaEffect(
        database=database, object=kind, name=name, change=change, before=before, after=after, rows=rows, note=note
    )


def _exchanged(name: str, was: Sequence[Row], now: Sequence[Row]) -> Iterator[Change]:
    """Rows that are on one side only."""
    gone, new = counted(was), counted(now)
    number = 0
    for rows, less, side in ((was, new.copy(), "before"), (now, gone.copy(), "after")):
        for row in rows:
            ((place, _),) = counted([row]).items()
            number += 1
            if less[place] > 0:
                less[place] -= 1
            elif side == "before":
                yield Change(name, {"": number}, row, None)
            else:
                yield Change(name, {"": number}, None, row)
