"""Lines of text in pieces, each with the name of a style, and how they are broken to fit.

What is in a piece is safe to show and is never read as markup. The names are those of ``STYLES``; what they look like
is for the widget to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentrt.showing.plain import cells, plain_lines, rows

Piece = tuple[str, str]
"""Text, and the name of a style; "" is as the rest."""
Line = tuple[Piece, ...]

STYLES = ("dim", "strong", "title", "emphasis", "code", "good", "warn", "bad")
_TAB = 8
_PADDING = 4
"""Characters a column may hold: some take none, and a row of them alone would have no end."""


def shown(text: str, style: str = "", indent: str = "") -> tuple[Line, ...]:
    """Untrusted text, made safe: a line for each of its lines."""
    return tuple(((f"{indent}{line}", style),) for line in safe(text).split("\n")) if text else ()


def safe(text: str) -> str:
    """Untrusted text with its lines, tabs as blanks; what ends the last line is no line of its own."""
    return plain_lines(text.rstrip("\n")).expandtabs(_TAB)


def text_of(line: Line) -> str:
    return "".join(text for text, _ in line)


def fitted(line: Line, width: int, *, words: bool = False) -> Iterator[Line]:
    """The line in rows of at most ``width`` columns, of nothing one; rows after the first are indented like it.

    ``words``: broken at blanks where that is possible.
    """
    text = text_of(line)
    if len(text) <= width * _PADDING and cells(text) <= width:
        yield line
        return
    indent = min(len(text) - len(text.lstrip(" ")), width // 2)
    room, at = width, 0
    while True:
        end = at + _row(text, at, room)
        if words and end < len(text) and text[end] != " ":
            blank = text.rfind(" ", at + room // 3, end)
            end = blank + 1 if blank >= 0 else end
        yield _part(line, at, end, indent if at else 0)
        at, room = end, max(width - indent, 1)
        if words and text.startswith(" ", at):
            at += 1
        if at >= len(text):
            return


def _row(text: str, at: int, room: int) -> int:
    """How many characters from ``at`` on fit."""
    piece = text[at : at + room * _PADDING]
    return max(min(len(piece), room) if piece.isascii() else len(next(rows(piece, room))), 1)


def _part(line: Line, start: int, end: int, indent: int) -> Line:
    parts: list[Piece] = [(" " * indent, "")] if indent else []
    at = 0
    for text, style in line:
        if at < end and at + len(text) > start:
            parts.append((text[max(start - at, 0) : end - at], style))
        at += len(text)
    return tuple(parts)
