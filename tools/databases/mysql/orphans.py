"""Rows that refer to rows that are not there any more: foreign keys were off while rows were written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentrt.records import PathConflict

from ..rows import Change, Row, path_of, words
from .place import Link, quoted
from .reach import Foreign, Schema
from .table import CHUNK, Table


def orphans(link: Link, schema: Schema, tables: dict[str, Table], net: Sequence[Change]) -> Iterator[PathConflict]:
    """Because of what ``net`` wrote. Those rows that are looked at are locked."""
    own = [foreign for foreign in schema.foreign if foreign.schema == schema.name]
    link.uncover({name for foreign in own for name in (foreign.child, foreign.parent)})
    for foreign in schema.foreign:
        values: dict[tuple[str, ...], None] = {}
        for change in net:
            if change.table == foreign.parent:
                _note(values, tables[change.table], foreign.referred, change.before)
            if change.table == foreign.child and foreign.schema == schema.name:
                _note(values, tables[change.table], foreign.columns, change.after)
        yield from _of(link, foreign, list(values))


def _note(values: dict[tuple[str, ...], None], table: Table, names: tuple[str, ...], row: Row | None) -> None:
    columns = {column.name: column for column in table.columns}
    if row is not None and all(row.values.get(name) is not None for name in names):
        values[tuple(columns[name].literal(row.values[name]) for name in names)] = None


def _of(link: Link, foreign: Foreign, values: Sequence[tuple[str, ...]]) -> Iterator[PathConflict]:
    child = f"{quoted(foreign.schema)}.{quoted(foreign.child)}"
    columns = ", ".join(f"c.{quoted(name)}" for name in foreign.columns)
    joined = " AND ".join(
        f"p.{quoted(there)} = c.{quoted(here)}" for here, there in zip(foreign.columns, foreign.referred, strict=True)
    )
    for start in range(0, len(values), CHUNK):
        some = ", ".join(f"({', '.join(each)})" for each in values[start : start + CHUNK])
        for found in link.ask(
            f"SELECT {columns} FROM {child} AS c LEFT JOIN {quoted(foreign.parent)} AS p ON {joined}"
            f" WHERE ({columns}) IN ({some}) AND p.{quoted(foreign.referred[0])} IS NULL LIMIT 20 LOCK IN SHARE MODE"
        ):
            row = Row(dict(zip(foreign.columns, found, strict=True)))
            yield PathConflict(
                path=path_of(link.place.name, foreign.child, row.values),
                ours=f"a row without the one of {foreign.parent} it refers to",
                theirs=words(row),
            )
