"""What the catalog says of tables: how their rows are told apart, and what each column is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from agentrt.contracts import Scalar

from ..rows import Values
from .line import Line
from .values import array


class Column(NamedTuple):
    name: str
    type: str
    """As a cast wants it, with its schema."""
    always: bool
    """``GENERATED ALWAYS AS IDENTITY``: no UPDATE sets it."""


class Name(NamedTuple):
    schema: str
    name: str

    @property
    def sql(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def label(self) -> str:
        """As people say it."""
        plain = ident(self.name)
        return plain if self.schema == "public" else f"{ident(self.schema)}.{plain}"


@dataclass(frozen=True, slots=True)
class Table:
    oid: int
    name: Name
    columns: tuple[Column, ...]
    """That can be written: what is generated is left out."""
    key: tuple[str, ...]
    """The primary key; empty where there is none: the whole row is."""

    @property
    def listed(self) -> str:
        return ", ".join(quoted(column.name) for column in self.columns)

    def typed(self, names: Iterable[str], source: str) -> list[str]:
        """Casts of text columns of ``source`` to what the table's are."""
        types = {column.name: column.type for column in self.columns}
        return [f"{source}.{quoted(name)}::{types[name]}" for name in names]

    def key_of(self, values: Values) -> Values:
        return {name: values[name] for name in self.key} if self.key else values


class Reference(NamedTuple):
    """A foreign key, of whole partitioned tables where it is of them."""

    name: str
    child: Name
    child_only: str
    """``ONLY`` where rows of inheriting tables are none of its own."""
    parent: Name
    parent_only: str
    columns: tuple[str, ...]
    referred: tuple[str, ...]
    validated: bool
    child_oids: tuple[int, ...]
    parent_oids: tuple[int, ...]
    """With the partitions it is of."""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def ident(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_$]*", name) else quoted(name)


async def tables(line: Line, oids: Sequence[int]) -> dict[int, Table]:
    """Ordinary tables, also those that are partitions, of these; the line reads under ``EXACT``."""
    found = await line.ask(
        """
        SELECT c.oid, n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
               a.attidentity = 'a', pg_catalog.array_position(i.indkey::int2[], a.attnum)
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          LEFT JOIN pg_catalog.pg_attribute a
            ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
          LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary
         WHERE c.oid = ANY ($1::oid[]) AND c.relkind = 'r'
         ORDER BY c.oid, a.attnum
        """,
        [array(oids)],
    )
    grouped: dict[int, list[tuple[Any, ...]]] = {}
    for row in found.rows:
        grouped.setdefault(int(str(row[0])), []).append(row)
    return {oid: _table(oid, rows) for oid, rows in grouped.items()}


def _table(oid: int, rows: list[tuple[Any, ...]]) -> Table:
    columns = tuple(Column(row[3], row[4], row[5]) for row in rows if row[3] is not None)
    places = sorted((row[6], row[3]) for row in rows if row[6] is not None)
    return Table(oid, Name(rows[0][1], rows[0][2]), columns, tuple(name for _, name in places))


async def oids(line: Line, names: Sequence[Name]) -> dict[Name, int]:
    """Of tables and sequences; what is not there is left out."""
    found = await line.ask(
        """
        SELECT n.nspname, c.relname, c.oid
          FROM unnest($1::text[], $2::text[]) AS v (schema, name)
          JOIN pg_catalog.pg_namespace n ON n.nspname = v.schema
          JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = v.name
        """,
        [array(name.schema for name in names), array(name.name for name in names)],
    )
    return {Name(str(schema), str(name)): int(str(oid)) for schema, name, oid in found.rows}


async def unlockable(line: Line, names: Collection[Name]) -> set[Name]:
    """Of these tables, those that this role may not lock against what others write."""
    found = await line.ask(
        """
        SELECT n.nspname, c.relname
          FROM unnest($1::text[], $2::text[]) AS v (schema, name)
          JOIN pg_catalog.pg_namespace n ON n.nspname = v.schema
          JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = v.name
         WHERE NOT pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')
        """,
        [array(name.schema for name in names), array(name.name for name in names)],
    )
    return {Name(str(schema), str(name)) for schema, name in found.rows}


async def references(line: Line, of: Iterable[int]) -> list[Reference]:
    """Foreign keys from or to these tables."""
    found = await line.ask(
        """
        WITH RECURSIVE up AS (
            SELECT f.oid, f.conparentid, f.conrelid AS child, f.confrelid AS parent
              FROM pg_catalog.pg_constraint f
             WHERE f.contype = 'f' AND (f.conrelid = ANY ($1::oid[]) OR f.confrelid = ANY ($1::oid[]))
            UNION
            SELECT f.oid, f.conparentid, up.child, up.parent
              FROM up JOIN pg_catalog.pg_constraint f ON f.oid = up.conparentid
        )
        SELECT f.conname, cn.nspname, c.relname, c.relkind = 'p', pn.nspname, p.relname, p.relkind = 'p',
               (SELECT pg_catalog.json_agg(a.attname ORDER BY k.place)::text
                  FROM pg_catalog.unnest(f.conkey) WITH ORDINALITY AS k (number, place)
                  JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.number),
               (SELECT pg_catalog.json_agg(a.attname ORDER BY k.place)::text
                  FROM pg_catalog.unnest(f.confkey) WITH ORDINALITY AS k (number, place)
                  JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.number),
               f.convalidated, pg_catalog.json_agg(up.child::int8)::text, pg_catalog.json_agg(up.parent::int8)::text
          FROM up
          JOIN pg_catalog.pg_constraint f ON f.oid = up.oid AND f.conparentid = 0
          JOIN pg_catalog.pg_class c ON c.oid = f.conrelid
          JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
          JOIN pg_catalog.pg_class p ON p.oid = f.confrelid
          JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
         GROUP BY f.oid, f.conname, cn.nspname, c.relname, c.relkind, pn.nspname, p.relname, p.relkind, f.conkey,
                  f.confkey, f.conrelid, f.confrelid, f.convalidated
         ORDER BY f.oid
        """,
        [array(of)],
    )
    return [_reference(*row) for row in found.rows]


def _reference(*row: Scalar) -> Reference:
    import json

    values: list[Any] = list(row)
    return Reference(
        values[0], Name(values[1], values[2]), "" if values[3] else "ONLY", Name(values[4], values[5]),
        "" if values[6] else "ONLY", tuple(json.loads(values[7])), tuple(json.loads(values[8])), values[9],
        tuple(json.loads(values[10])), tuple(json.loads(values[11])),
    )  # fmt: skip
