"""Values as PostgreSQL itself writes them in text, and reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from agentrt.contracts import Scalar

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

_BOOL, _BYTEA = 16, 17
_INTEGERS, _FLOATS = {20, 21, 23, 26}, {700, 701}


def array(values: Iterable[Scalar]) -> str:
    """An array of text as PostgreSQL reads it."""

    def one(value: Scalar) -> str:
        if value is None:
            return "NULL"
        if type(value) is int:
            return str(value)
        text = value if isinstance(value, str) else (written(value) or b"").decode()
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return "{" + ",".join(map(one, values)) + "}"


def types(values: Sequence[Scalar]) -> list[int]:
    """By oid; 0 where the statement says what it is."""
    return [_BYTEA if isinstance(v, bytes) else _BOOL if isinstance(v, bool) else 0 for v in values]


def written(value: Scalar) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode()
    return repr(value).encode() if isinstance(value, float) else str(value).encode()


def rows_of(result: PGresult, count: int) -> list[tuple[Scalar, ...]]:
    """The first ``count``; values as what people take them for: written again they are the same."""
    value, columns = result.get_value, []
    for column in range(result.nfields):
        read = _reader(result.ftype(column))
        given = [value(row, column) for row in range(count)]
        columns.append([None if each is None else read(each) for each in given])
    return list(zip(*columns, strict=True)) if columns else [()] * count


def _reader(of: int) -> Callable[[bytes], Scalar]:
    if of in _INTEGERS:
        return int
    if of in _FLOATS:
        return float
    if of == _BOOL:
        return lambda value: value == b"t"
    if of == _BYTEA:
        return lambda value: bytes.fromhex(value[2:].decode())
    return bytes.decode
