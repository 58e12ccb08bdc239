"""The border between what agents wrote and a person's terminal. Every untrusted string passes here, once."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache

_PIPED = 200


def plain(text: str) -> str:
    """On one line, every character visible: controls, escapes, directions, zero widths and stray bytes as marks.

    >>> plain("a\\x1b[31m\\nb")
    'a\\\\x1b[31m\\\\nb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else _mark(c) for c in text)


def plain_lines(text: str) -> str:
    """The same, but lines stay lines and tabs stay tabs."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(plain(cell) for cell in line.split("\t")) for line in lines)


def cells(text: str) -> int:
    """The columns a text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns."""
    return text if cells(text) <= width else next(rows(text, max(width - 1, 1))) + "…"


def rows(text: str, width: int) -> Iterator[str]:
    """``text`` in pieces of at most ``width`` columns; of nothing one."""
    at, used = 0, 0
    for number, character in enumerate(text):
        taken = _cells(character)
        if used + taken > width and number > at:
            yield text[at:number]
            at, used = number, 0
        used += taken
    yield text[at:]


def terminal_width() -> int:
    """Columns; where there is no terminal a fixed number, so that piped output is the same everywhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPED


@cache
def _cells(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 0 if unicodedata.category(character) in ("Mn", "Me") else 1


def _mark(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return ascii(character)[1:-1]
