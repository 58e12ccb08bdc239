"""The tables of a MySQL schema as undo sees them: what finds a row, and reading and writing values exactly.

A value is read as text that the server makes of it, and written as a literal that the server makes the same value of:
numbers that no float holds, dates and times stay text, and text is compared by what it is, not by its collation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from agentrt.contracts import Scalar

from ..rows import Row, Values, exact, exact_all
from .place import Link, literal, quoted

Kind = Literal["int", "number", "float", "text", "bytes", "other"]
Lock = Literal["", " FOR UPDATE", " LOCK IN SHARE MODE"]
CHUNK = 500
"""Rows of one statement."""
_SHORT = 1024
"""Bytes of text that are compared as they are; of longer ones a digest is."""
_PACKET = 500_000
"""Characters of one statement that writes rows, about: well below any server's ``max_allowed_packet``."""
_INTS = {"tinyint", "smallint", "mediumint", "int", "bigint", "year"}
_PLAIN = {"date", "time", "datetime", "timestamp", "json", "uuid", "inet4", "inet6"}
_BYTES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}
_SHAPES = {
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
    "geometrycollection", "geomcollection",
}  # fmt: skip
_UNICODE = {"utf8mb4", "utf8mb3", "utf8", "latin1", "ascii", "ucs2", "utf16", "utf16le", "utf32"}
"""What comes back the same from the character set of the connection."""
_MAKES: dict[Kind, Callable[[Any], Scalar]] = {"int": int, "float": float, "bytes": bytes}
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Found(NamedTuple):
    key: Values
    row: Row


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    read: str
    """The expression it is read by."""
    digest: str
    """One that is different for every other value, and short."""
    charset: str
    """What text is written in where the connection's character set cannot say it; else empty."""
    computed: bool
    """By the server: it cannot be written."""
    type: str

    @classmethod
    def of(cls, name: str, type: str, charset: str | None, bytes: str | None, computed: bool) -> Column:
        """``bytes``: how many text has at most, if it is text."""
        at = quoted(name)
        if type in _INTS:
            return cls(name, "int", at, at, "", computed, type)
        if type == "bit":
            return cls(name, "int", f"CAST({at} AS UNSIGNED)", f"CAST({at} AS UNSIGNED)", "", computed, type)
        if type == "decimal":
            return cls(name, "number", at, at, "", computed, type)
        if type in ("float", "double"):  # a product with one is a double, and also keeps the sign of nought
            read = f"{at} * 1e0"
            return cls(name, "float", read, read, "", computed, type)
        if type in _BYTES:
            return cls(name, "bytes", at, f"SHA2({at}, 256)", "", computed, type)
        if type in _SHAPES:
            return cls(name, "bytes", at, f"SHA2(HEX({at}), 256)", "", computed, type)
        if type in _PLAIN:
            return cls(name, "text", at, f"SHA2(CAST({at} AS CHAR), 256)", "", computed, type)
        if charset is None:
            return cls(name, "other", at, at, "", computed, type)
        short = bytes is not None and int(bytes) <= _SHORT
        hashed = f"HEX({at})" if short else f"SHA2(CAST({at} AS BINARY), 256)"
        if charset in _UNICODE:
            return cls(name, "text", at, hashed, "", computed, type)
        return cls(name, "bytes", f"CAST({at} AS BINARY)", hashed, charset, computed, type)

    @property
    def make(self) -> Callable[[Any], Scalar] | None:
        """What makes a value of what the server gave for ``read``; None where that is one already."""
        return _MAKES.get(self.kind)

    def value(self, given: Any) -> Scalar:
        """What the server gave for ``read``."""
        make = self.make
        return given if given is None or make is None else make(given)

    def literal(self, value: Scalar) -> str:
        """The inverse."""
        if self.kind == "number" and isinstance(value, str) and _DECIMAL.fullmatch(value):
            return value
        if isinstance(value, float):  # the server reads a sign of nought in text only
            return f"'{value!r}'"
        written = literal(value)
        return f"_{self.charset} {written}" if self.charset and value is not None else written


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    key: tuple[Column, ...]
    """The primary key; without one a row is found by all it holds, and by how many of it there are."""
    counted: bool
    """It gives numbers out."""

    @classmethod
    def read(cls, link: Link, names: Iterable[str]) -> dict[str, Table]:
        """By name; those that are there."""
        wanted = ", ".join(literal(name) for name in names)
        if not wanted:
            return {}
        where = f"table_schema = DATABASE() AND table_name IN ({wanted})"
        columns: dict[str, dict[str, Column]] = {}
        counted: set[str] = set()
        for table, name, type, charset, bytes, expression, extra in link.ask(
            "SELECT table_name, column_name, data_type, character_set_name, character_octet_length,"
            " generation_expression, extra"
            f" FROM information_schema.columns WHERE {where} ORDER BY table_name, ordinal_position"
        ):
            computed = bool(expression) and "DEFAULT_GENERATED" not in extra
            columns.setdefault(table, {})[name] = Column.of(name, type.lower(), charset, bytes, computed)
            if "auto_increment" in extra.lower():
                counted.add(table)
        keys: dict[str, list[str]] = {}
        for table, name in link.ask(
            f"SELECT table_name, column_name FROM information_schema.statistics WHERE {where}"
            " AND index_name = 'PRIMARY' ORDER BY table_name, seq_in_index"
        ):
            keys.setdefault(table, []).append(name)
        return {
            name: cls(name, tuple(of.values()), tuple(of[each] for each in keys.get(name, ())), name in counted)
            for name, of in columns.items()
        }

    @property
    def written(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if not column.computed)

    @property
    def strange(self) -> Column | None:
        """One of a type that is not known to come back as it was."""
        return next((column for column in self.written if column.kind == "other"), None)

    # ------------------------------------------------------------------------------------------------------ reading

    def keys_of(self, rows: Iterable[Sequence[Any]]) -> Iterator[Values]:
        """Of such rows."""
        for values in self._values(rows):
            yield {column.name: values[column.name] for column in self.key}

    def with_keys(self, link: Link, keys: Sequence[Values], lock: Lock = "") -> Iterator[Found]:
        """Rows of these keys, and of such that are equal by their collation."""
        for start in range(0, len(keys), CHUNK):
            yield from self._found(link, self.where(keys[start : start + CHUNK]), lock)

    def all(self, link: Link) -> list[Row]:
        """As the server gives them."""
        return [row for _, row in self._found(link, "TRUE")]

    def copies(self, link: Link, lock: Lock = "") -> tuple[Counter[tuple[Any, ...]], dict[tuple[Any, ...], Row]]:
        """Of a table without a key: how many there are of each row."""
        counts: Counter[tuple[Any, ...]] = Counter()
        rows: dict[tuple[Any, ...], Row] = {}
        for _, row in self._found(link, "TRUE", lock):
            place = exact_all(row.values.values())
            counts[place] += 1
            rows[place] = row
        return counts, rows

    def where(self, keys: Sequence[Values]) -> str:
        if len(self.key) == 1:
            (column,) = self.key
            return f"{quoted(column.name)} IN ({', '.join(column.literal(key[column.name]) for key in keys)})"
        columns = ", ".join(quoted(column.name) for column in self.key)
        rows = (f"({', '.join(column.literal(key[column.name]) for column in self.key)})" for key in keys)
        return f"({columns}) IN ({', '.join(rows)})"

    def _found(self, link: Link, where: str, lock: Lock = "") -> Iterator[Found]:
        keys, read = [column.name for column in self.key], self._read
        beside = [column.name for column in read[len(self.written) :]]
        for values in self._values(self.given(link, where, lock)):
            key = {name: values[name] for name in keys}
            for name in beside:
                del values[name]
            yield Found(key, Row(values))

    def _values(self, rows: Iterable[Sequence[Any]]) -> Iterator[Values]:
        """Of rows as the server gives them."""
        names = [column.name for column in self._read]
        makes = [(column.name, column.make) for column in self._read if column.make is not None]
        for row in rows:
            values = dict(zip(names, row, strict=True))
            for name, make in makes:
                if (value := values[name]) is not None:
                    values[name] = make(value)
            yield values

    def given(self, link: Link, where: str, lock: Lock = "") -> list[tuple[Any, ...]]:
        """Rows as the server gives them: equal where they are the same."""
        reads = ", ".join(column.read for column in self._read)
        return link.ask(f"SELECT {reads} FROM {quoted(self.name)} WHERE {where}{lock}")

    @property
    def _read(self) -> tuple[Column, ...]:
        return (*self.written, *(column for column in self.key if column.computed))

    # ------------------------------------------------------------------------------------------------------ writing

    def delete(self, link: Link, keys: Sequence[Values]) -> None:
        """Rows of these keys, which were looked at: nothing else is equal to them."""
        for start in range(0, len(keys), CHUNK):
            link.run(f"DELETE FROM {quoted(self.name)} WHERE {self.where(keys[start : start + CHUNK])}")

    def delete_copy(self, link: Link, row: Row) -> None:
        """One of a table without a key."""
        link.run(f"DELETE FROM {quoted(self.name)} WHERE {self._exactly(row)} LIMIT 1")

    def insert(self, link: Link, rows: Sequence[Row]) -> None:
        columns = ", ".join(quoted(column.name) for column in self.written)
        head = f"INSERT INTO {quoted(self.name)} ({columns}) VALUES "
        some: list[str] = []
        size = 0
        for row in rows:
            one = f"({', '.join(column.literal(row.values[column.name]) for column in self.written)})"
            if some and (size + len(one) > _PACKET or len(some) == CHUNK):
                link.run(head + ", ".join(some))
                some, size = [], 0
            some.append(one)
            size += len(one)
        if some:
            link.run(head + ", ".join(some))

    def update(self, link: Link, key: Values, before: Row, after: Row) -> None:
        """What is not as it was."""
        changed = [
            f"{quoted(column.name)} = {column.literal(after.values[column.name])}"
            for column in self.written
            if exact(before.values[column.name]) != exact(after.values[column.name])
        ]
        # A column that the server sets by itself when another is changed is told to stay.
        kept = [
            f"{quoted(column.name)} = {column.literal(after.values[column.name])}"
            for column in self.written
            if column.type in ("timestamp", "datetime")
            and exact(before.values[column.name]) == exact(after.values[column.name])
        ]
        link.run(f"UPDATE {quoted(self.name)} SET {', '.join(changed + kept)} WHERE {self.where([key])}")

    def _exactly(self, row: Row) -> str:
        parts = []
        for column in self.written:
            value, at = row.values[column.name], quoted(column.name)
            if isinstance(value, str) and column.kind == "text":
                as_bytes = f"CAST(CONVERT({at} USING utf8mb4) AS BINARY)"
                parts.append(f"{as_bytes} = CAST({column.literal(value)} AS BINARY)")
            elif value is not None and column.kind == "bytes":
                parts.append(f"CAST({at} AS BINARY) = {literal(value)}")
            else:
                parts.append(f"{column.read} <=> {column.literal(value)}")
        return " AND ".join(parts)
