"""Markdown as lines: headings, lists, tables, code. Nothing in it opens, loads or runs: links and images are words.

The text is made safe before, and what entities in it stand for is made safe again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from agentrt.showing.plain import cells, plain

from .lines import Line, Piece, fitted

MOST = 30_000
"""Characters above which a text is shown as it is."""
_COLUMNS = 20
"""Of a table; what is wider is no table one could read."""
_NARROW = 12
"""Columns that are left for text, however deep it stands in lists and quotes."""
_NESTING = 20
"""How deep lists and quotes stand in each other; more than that is shown as it is."""
_APART = {
    *("paragraph_open", "heading_open", "fence", "code_block", "hr"),
    *("blockquote_open", "bullet_list_open", "ordered_list_open"),
}
"""Tokens before which a row is left free."""
_STYLES = {"strong": "strong", "em": "emphasis", "s": "dim", "link": "emphasis"}


def markdown(text: str, width: int) -> tuple[Line, ...]:
    """``text`` is safe to show; the lines are of at most ``width`` columns."""
    if len(text) > MOST:
        return as_it_is(text, width)
    try:
        tokens = _PARSER.parse(text)
    except (RecursionError, ValueError):  # of what is built to be hard to read
        return as_it_is(text, width)
    if any(token.level >= _NESTING - 1 for token in tokens):  # the parser leaves out what stands deeper
        return as_it_is(text, width)
    page = _Page(width)
    page.draw(tokens)
    return tuple(page.lines) or as_it_is(text, width)


def as_it_is(text: str, width: int, style: str = "", indent: str = "") -> tuple[Line, ...]:
    """Safe text whose lines stay lines."""
    return tuple(row for line in text.split("\n") for row in fitted(((indent + line, style),), width, words=True))


_PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": _NESTING}).enable(["table", "strikethrough"])


@dataclass
class _Page:
    width: int
    lines: list[Line] = field(default_factory=list)
    _first: list[str] = field(default_factory=list)
    """In front of the next row, from the outside in; where it is a list's number, only once."""
    _rest: list[str] = field(default_factory=list)
    """In front of the rows after it."""
    _numbers: list[int | None] = field(default_factory=list)
    """Of the next item of each list; None where they have none."""
    _gap: bool = False

    def draw(self, tokens: Sequence[Token]) -> None:
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.type == "table_open":
                end = next(n for n in range(at, len(tokens)) if tokens[n].type == "table_close")
                self._table(tokens[at:end])
                at = end
            elif token.type == "inline":
                heading = tokens[at - 1].type == "heading_open"
                for line in _inline(token.children or [], "title" if heading else ""):
                    self._put(line)
            else:
                self._block(token)
            at += 1

    def _block(self, token: Token) -> None:
        kind = token.type
        if kind in _APART:
            self._space(hidden=token.hidden)
        if kind in ("fence", "code_block"):
            for text in token.content.rstrip("\n").split("\n"):
                self._put(((plain(text), "code"),), words=False)
        elif kind == "hr":
            self._put((("─" * self._room, "dim"),))
        elif kind == "blockquote_open":
            self._enter("> ", "> ")
        elif kind in ("bullet_list_open", "ordered_list_open"):
            start = token.attrs.get("start", 1)
            self._numbers.append(int(start) if kind == "ordered_list_open" else None)
        elif kind == "list_item_open":
            number = self._numbers[-1]
            mark = "- " if number is None else f"{number}. "
            self._numbers[-1] = None if number is None else number + 1
            self._enter(mark, " " * len(mark))
        elif kind in ("blockquote_close", "list_item_close"):
            if kind == "list_item_close" and self._first[-1] != self._rest[-1]:
                self._put((("", ""),))  # an item of nothing
            self._first.pop()
            self._rest.pop()
        elif kind in ("bullet_list_close", "ordered_list_close"):
            self._numbers.pop()
        if kind in ("fence", "code_block", "hr") or (kind.endswith("_close") and not token.hidden):
            self._gap = True

    def _enter(self, first: str, rest: str) -> None:
        self._first.append(first)
        self._rest.append(rest)

    def _space(self, hidden: bool = False) -> None:
        """A row between blocks that stand apart."""
        if self._gap and not hidden and self.lines and self._first == self._rest:
            self._put((("", ""),))
        self._gap = False

    @property
    def _room(self) -> int:
        return max(self.width - len("".join(self._rest)), min(_NARROW, self.width))

    def _put(self, line: Line, *, words: bool = True) -> None:
        for row in fitted(line, self._room, words=words):
            before = "".join(self._first)[: max(self.width - self._room, 0)]
            self.lines.append(((before, "dim"), *row) if before else row)
            self._first[:] = self._rest

    def _table(self, tokens: Sequence[Token]) -> None:
        self._space()
        rows: list[tuple[list[Line], bool]] = []
        for token in tokens:
            if token.type == "tr_open":
                rows.append(([], False))
            elif token.type == "th_open":
                rows[-1] = rows[-1][0], True
            elif token.type == "inline":
                style = "strong" if rows[-1][1] else ""
                rows[-1][0].append(tuple(p for line in _inline(token.children or [], style) for p in line))
        columns = max((len(row) for row, _ in rows), default=0)
        widths = [max(_width(row[n]) for row, _ in rows if n < len(row)) for n in range(columns)]
        fits = columns <= _COLUMNS and sum(widths) + 2 * columns <= self._room
        for row, _ in rows:
            pieces: list[Piece] = []
            for cell, width in zip(row, widths, strict=False):
                pieces += [*cell, (" " * (width - _width(cell) + 2), "")] if fits else [*cell, (" | ", "dim")]
            self._put(tuple(pieces[:-1]))
        self._gap = True


def _width(line: Line) -> int:
    return sum(cells(text) for text, _ in line)


def _inline(tokens: Sequence[Token], base: str) -> Iterator[Line]:
    pieces: list[Piece] = []
    styles = [base]
    hrefs: list[tuple[str, int]] = []
    for token in tokens:
        name = token.type.removesuffix("_open").removesuffix("_close")
        if token.type == "hardbreak":
            yield tuple(pieces)
            pieces = []
        elif token.type == "softbreak":
            pieces.append((" ", styles[-1]))
        elif token.type == "code_inline":
            pieces.append((plain(token.content), "code"))
        elif token.type == "image":
            pieces.append((plain(f"[image: {token.content}] ({token.attrs.get('src', '')})"), "dim"))
        elif token.type.endswith("_open"):
            styles.append(_STYLES.get(name, styles[-1]))
            if name == "link":
                hrefs.append((str(token.attrs.get("href", "")), len(pieces)))
        elif token.type.endswith("_close"):
            styles.pop()
            if name == "link":
                pieces += _address(pieces, *hrefs.pop())
        elif token.content:
            pieces.append((plain(token.content), styles[-1]))
    yield tuple(pieces)


def _address(pieces: Sequence[Piece], href: str, start: int) -> list[Piece]:
    """Where a link leads is always said."""
    text = "".join(text for text, _ in pieces[start:])
    return [(f" ({plain(href)})", "dim")] if href not in (text, f"mailto:{text}") else []
