"""What becomes of definitions, told: as SQL, before and after."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import cast

from agentrt.contracts import Scalar
from agentrt.records import Effect, SchemaEffect

from ..rows import Change, Row, Standing, effects_of
from . import defining
from .altered import Altered, Side
from .catalog import Name
from .definitions import Entry, label
from .measuring import exact_row


def effects(database: str, altered: Altered, to: Standing) -> list[Effect]:
    """What going there does; rows of tables that come are told as rows, others with their table."""
    expects: Standing = "after" if to == "before" else "before"
    source, target = altered.side(expects), altered.side(to)
    renamed = {other: one for one, other in altered.renames(to)[0]}
    carried = set(renamed.values())
    found: list[Effect] = []
    for at in source.entries | target.entries:
        now, was = target.entries.get(at), source.entries.get(renamed.get(at, at))
        either = now or was
        if either is None or (now is None and at in carried) or either["kind"] == "constraint":
            continue
        before, after = (_said(entry, side) for entry, side in ((was, source), (now, target)))
        old = f"renamed from {label(source.entries[renamed[at]])}" if at in renamed else ""
        if now == was:
            continue
        if was is not None and now is not None and before == after:  # in words that no statement has
            before, after = (f"{text}\n-- {_apart(one, other)}" for text, one, other in _both(before, was, after, now))
        rows = source.rows.get(renamed.get(at, at)) if was else None
        found.append(
            SchemaEffect(
                database=database, object=either["kind"], name=label(either),
                change="created" if was is None else "deleted" if now is None else "modified",
                before=before, after=after, rows=None if rows is None else len(rows), note=old,
            )
        )  # fmt: skip
    changes = [
        Change(label(target.entries[at]), {"": number}, None, row)
        for at, rows in target.rows.items()
        if renamed.get(at, at) not in source.rows
        for number, row in enumerate(rows)
    ]
    for at in source.rows.keys() & target.rows.keys():
        if source.entries.get(at) != target.entries.get(at):
            continue  # it is told with its table
        changes += _exchanged(at.partition(" ")[2], source.rows[at], target.rows[at])
    return [*found, *_constraints(database, source, target), *effects_of(database, changes)]


def _exchanged(name: str, was: Sequence[Row], now: Sequence[Row]) -> Iterator[Change]:
    """Rows of a table that was made again as it had been."""
    gone, new = (Counter(map(exact_row, rows)) for rows in (was, now))
    for number, (rows, others) in enumerate(((was, new), (now, gone))):
        left = Counter(others)
        for at, row in enumerate(rows):
            if left[exact_row(row)] > 0:
                left[exact_row(row)] -= 1
                continue
            key: dict[str, Scalar] = {"": f"{number} {at}"}
            yield Change(name, key, row, None) if number == 0 else Change(name, key, None, row)


def _both(before: str | None, was: Entry, after: str | None, now: Entry) -> Iterator[tuple[str | None, Entry, Entry]]:
    yield before, was, now
    yield after, now, was


def _apart(one: Entry, other: Entry) -> str:
    """What of an entry is not as in the other."""
    found = {key: value for key, value in one.items() if value != other.get(key)}
    if "columns" in found:
        others = {column["name"]: column for column in other["columns"] or ()}
        found["columns"] = {
            column["name"]: {k: v for k, v in column.items() if v != others.get(column["name"], {}).get(k)}
            for column in one["columns"] or ()
            if column != others.get(column["name"])
        }
    return json.dumps(found, default=str, sort_keys=True)


def _constraints(database: str, source: Side, target: Side) -> Iterator[SchemaEffect]:
    """Of tables that stay as they are but for these."""
    for at in source.entries | target.entries:
        was, now = source.entries.get(at), target.entries.get(at)
        either = cast(Entry, now or was)
        on = f"table {Name(*either['on']).sql}" if either["kind"] == "constraint" else ""
        if on and on not in source.entries and on not in target.entries and was != now:
            yield SchemaEffect(
                database=database, object="constraint", name=label(either),
                change="created" if was is None else "deleted" if now is None else "modified",
                before=_said(was, source), after=_said(now, target),
            )  # fmt: skip


def _said(entry: Entry | None, side: Side) -> str | None:
    """As SQL; a table with its constraints, and with what is not usual."""
    if entry is None:
        return None
    said = list(defining.create(entry)) or [defining.named(entry)]
    bare = entry | {"owner": "", "acl": None, "comment": None}
    plain = bare | {"options": None, "toast": None, "enabled": "O", "owned": None}
    said += _others(entry["kind"], plain, bare | {"comment": entry["comment"]})
    if entry["kind"] == "table":
        usual = {"default": None, "required": False, "identity": "", "statistics": None, "options": None}
        loose = entry | {"columns": [column | usual for column in entry["columns"] or ()]}
        whole = entry | {"columns": [column | {"identity": ""} for column in entry["columns"] or ()]}
        said += defining.tightened(loose, whole, {})
        on = [entry["schema"], entry["name"]]
        said += [
            line
            for each in side.entries.values()
            if each["kind"] == "constraint" and each["on"] == on
            for line in defining.create(each)
        ]
    return ";\n".join(said)


def _others(kind: str, plain: Entry, entry: Entry) -> Sequence[str]:
    return list(defining.finished(plain | {"columns": entry.get("columns")}, entry)) if kind != "constraint" else []
