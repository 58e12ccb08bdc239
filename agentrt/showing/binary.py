"""Git's binary patches: contents whole, deflated, in base 85, with the names git gives to both."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator

_LINE = 52
"""Bytes of a line; its length stands in front as one letter."""


def binary_patch(first: bytes | None, second: bytes | None, algorithm: str) -> str:
    """From ``first`` to ``second`` and back; None: there is no such file. ``algorithm`` is the repository's."""
    # Git takes a binary patch only where the object names, in full, say what it is for.
    names = (_name(first, algorithm), _name(second, algorithm))
    return f"index {names[0]}..{names[1]}\nGIT binary patch\n{_literal(second)}\n{_literal(first)}\n"


def _name(data: bytes | None, algorithm: str) -> str:
    if data is None:
        return "0" * hashlib.new(algorithm).digest_size * 2
    return hashlib.new(algorithm, b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _literal(data: bytes | None) -> str:
    data = data or b""
    return f"literal {len(data)}\n" + "".join(_lines(zlib.compress(data)))


def _lines(packed: bytes) -> Iterator[str]:
    for start in range(0, len(packed), _LINE):
        part = packed[start : start + _LINE]
        length = chr(len(part) + (64 if len(part) <= 26 else 70))  # A … Z are 1 … 26, a … z are 27 … 52
        yield f"{length}{base64.b85encode(part, pad=True).decode('ascii')}\n"
