"""A text file taken apart and put together again without losing a byte.

Text is UTF-8 with surrogate escapes for what is not. Only ``\\n`` ends a line; the ``\\r`` of a CRLF file belongs to
the line end, and a byte order mark to the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .fields import encode

_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class TextFile:
    """The text of a file without its byte order mark."""

    text: str
    marked: bool
    """It began with a UTF-8 byte order mark."""

    @classmethod
    def of(cls, data: bytes) -> TextFile:
        text = data.decode("utf-8", "surrogateescape")
        return cls(text.removeprefix(_MARK), text.startswith(_MARK))

    def encode(self, text: str) -> bytes:
        """The bytes of the same file with another text."""
        return encode(_MARK + text if self.marked else text)


def split(text: str) -> list[str]:
    """Lines with their ends; only the last may have none."""
    parts = text.split("\n")
    last = parts.pop()
    return [part + "\n" for part in parts] + ([last] if last else [])


def bare(line: str) -> str:
    """A line without its end."""
    return line.removesuffix("\n").removesuffix("\r") if line.endswith("\n") else line


def end_of(line: str) -> str:
    """``\\r\\n``, ``\\n`` or nothing."""
    return line[len(bare(line)) :]


def all_crlf(text: str) -> bool:
    """Every line ends in CRLF, and there is one."""
    return 0 < text.count("\n") == text.count("\r\n")


def to_crlf(text: str) -> str:
    return re.sub(r"(?<!\r)\n", "\r\n", text)


def like(lines: Sequence[str], place: int) -> str:
    """How a new line at index ``place`` should end: as the one above it, or else below it."""
    for neighbour in (*lines[max(place - 1, 0) : place], *lines[place : place + 1]):
        if end := end_of(neighbour):
            return end
    return end_of(lines[0]) if lines and end_of(lines[0]) else "\n"


def join(lines: Sequence[str], original: Sequence[str]) -> str:
    """The text of ``lines``; it ends with a newline if ``original`` did, or was empty."""
    newline = end_of(original[0]) if original else ""
    whole = [line if line.endswith("\n") else line + (newline or "\n") for line in lines]
    if whole and original and not end_of(original[-1]) and bare(whole[-1]):
        whole[-1] = bare(whole[-1])
    return "".join(whole)
