"""A line as it is shown: safe, tabs as wide as they are, with the parts of it that are stressed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from agentrt.showing.plain import cells, plain, rows

MOST_CHARACTERS = 4000
"""Of a line; the rest is counted."""
TAB = 4
"""Columns."""


class Span(NamedTuple):
    """Characters of a line, and what is said of them (``keyword``, ``changed`` …)."""

    start: int
    end: int
    look: str


class Piece(NamedTuple):
    """Text that is safe to show, and how it looks: from the general to the special."""

    text: str
    looks: tuple[str, ...] = ()


def decoded(line: bytes) -> tuple[str, int]:
    """The beginning of a line without its end, bytes that are not UTF-8 as surrogate escapes; and how many bytes more
    there are."""
    whole = line.removesuffix(b"\n")
    if len(whole) <= MOST_CHARACTERS:
        return whole.decode("utf-8", "surrogateescape"), 0
    text = whole[: 4 * MOST_CHARACTERS].decode("utf-8", "surrogateescape")[:MOST_CHARACTERS]
    return text, len(whole) - len(text.encode("utf-8", "surrogateescape"))


def pieces(text: str, spans: Iterable[Span], looks: tuple[str, ...] = ()) -> list[Piece]:
    """``text`` in pieces that look the same throughout. Spans count characters of ``text``; they may overlap."""
    waiting = sorted(spans, reverse=True)
    borders = sorted({0, len(text), *(_border(text, at) for span in waiting for at in span[:2])})
    found: list[Piece] = []
    column = 0
    looking: list[Span] = []
    for start, end in pairwise(borders):
        while waiting and waiting[-1].start <= start:
            looking.append(waiting.pop())
        looking = [span for span in looking if _border(text, span.end) >= end]
        piece = _expanded(text[start:end], column)
        column += cells(piece)
        found.append(Piece(piece, (*looks, *(span.look for span in looking))))
    return found


def shown(line: bytes) -> str:
    """All of a line that is shown."""
    text, more = decoded(line)
    return _expanded(text, 0) + (more_text(more) if more else "")


def more_text(count: int) -> str:
    return f" … {count:,} bytes more"


def height(line: bytes, width: int) -> int:
    """Rows of a line that is wrapped."""
    text = shown(line)
    if text.isascii():
        return max(-(-len(text) // width), 1)
    return sum(1 for _ in rows(text, width))


def wrapped(line: Sequence[Piece], width: int, part: int) -> list[Piece]:
    """Row ``part`` of a line that is wrapped."""
    text = "".join(piece.text for piece in line)
    start = 0
    for number, row in enumerate(rows(text, width)):
        if number == part:
            return list(_sliced(line, start, start + len(row)))
        start += len(row)
    return []


def _sliced(line: Iterable[Piece], start: int, end: int) -> Iterator[Piece]:
    at = 0
    for piece in line:
        if text := piece.text[max(start - at, 0) : max(end - at, 0)]:
            yield Piece(text, piece.looks)
        at += len(piece.text)


def _border(text: str, at: int) -> int:
    """Not between a character and the marks on it: ``plain`` wants to see them together."""
    while at < len(text) and not text[at].isascii() and _leans(text[at]):
        at += 1
    return min(at, len(text))


@cache
def _leans(character: str) -> bool:
    return plain("x" + character) != "x" + plain(character)


def _expanded(text: str, column: int) -> str:
    if "\t" not in text:
        return plain(text)
    result = ""
    for number, cell in enumerate(text.split("\t")):
        if number:
            result += " " * (TAB - (column + cells(result)) % TAB)
        result += plain(cell)
    return result
