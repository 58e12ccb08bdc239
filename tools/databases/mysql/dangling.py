"""Rows of built tables that would refer to none, or that rows of others would refer to in vain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from agentrt.records import PathConflict

from ..rows import Row, Values, exact_all, path_of, words
from .definitions import refers
from .place import Link, quoted
from .table import Table

if TYPE_CHECKING:
    from .way import Way

_COLUMNS = re.compile(r"FOREIGN KEY \((.*?)\) REFERENCES `(?:[^`]|``)+` \((.*?)\)")
_NAME = re.compile(r"`((?:[^`]|``)+)`")


def dangling(link: Link, way: Way, exchanged: set[str]) -> Iterator[PathConflict]:
    """Of foreign keys from or to tables whose rows are ``exchanged``; before the exchange, with all locked."""
    for child, definition in way.target.tables.items():
        for clause in definition.foreign.values():
            parent = refers(clause)
            if not {child, parent} & exchanged:
                continue
            found = _COLUMNS.match(clause)
            assert found is not None
            here, there = ([name.replace("``", "`") for name in _NAME.findall(part)] for part in found.groups())
            names = way.before(child), way.before(parent)
            tables = Table.read(link, names)
            values = _values(link, tables[names[0]], here)
            parents = set(map(exact_all, (v.values() for v in _values(link, tables[names[1]], there).values())))
            for place, those in values.items():
                if place not in parents and not _equal(link, tables[names[1]], there, those):
                    yield PathConflict(
                        path=path_of(link.place.name, child, those),
                        ours=f"a row without the one of {parent} it refers to",
                        theirs=words(Row(those)),
                    )


def _values(link: Link, table: Table, names: list[str]) -> dict[object, Values]:
    columns = {column.name: column for column in table.columns}
    reads = ", ".join(columns[name].read for name in names)
    full = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in names)
    found = dict[object, Values]()
    for given in link.ask(f"SELECT DISTINCT {reads} FROM {quoted(table.name)} WHERE {full}"):
        values = {name: columns[name].value(value) for name, value in zip(names, given, strict=True)}
        found[exact_all(values.values())] = values
    return found


def _equal(link: Link, table: Table, names: list[str], values: Values) -> bool:
    """By collation, say."""
    columns = {column.name: column for column in table.columns}
    where = " AND ".join(
        f"{quoted(name)} = {columns[name].literal(value)}" for name, value in zip(names, values.values(), strict=True)
    )
    return bool(link.ask(f"SELECT 1 FROM {quoted(table.name)} WHERE {where} LIMIT 1"))
