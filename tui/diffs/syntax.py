"""Colours of a language, for the lines that are shown."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from .text import MOST_CHARACTERS, Span

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LOOKS = ("comment", "keyword", "string", "number", "name")
"""A handful, so that every theme and sixteen colours can tell them apart."""
_MOST_BYTES = 64_000
"""Of a file; what follows has no colours, and what follows on a line that is too long."""
_MOST_SECONDS = 0.5
"""For a file: what is meant to be read slowly stops having colours."""
_TOKENS = {
    "Comment": "comment",
    "Keyword": "keyword",
    "Operator.Word": "keyword",
    "Literal.String": "string",
    "Literal.Number": "number",
    "Name.Builtin": "name",
    "Name.Class": "name",
    "Name.Decorator": "name",
    "Name.Exception": "name",
    "Name.Function": "name",
    "Name.Namespace": "name",
    "Name.Tag": "name",
    "Generic.Heading": "name",
    "Generic.Subheading": "name",
}


class Colours:
    """Of one content. It is read as far as lines were asked for, and no line twice."""

    def __init__(self, path: str, lines: Sequence[bytes]) -> None:
        self._found: dict[int, list[Span]] = {}
        self._tokens: Iterator[tuple[int, str, str]] = iter(())
        self._read = 0
        self._left = _MOST_SECONDS
        self._starts: list[int] = []
        lexer = _lexer(path.rpartition("/")[2])
        if lexer is None:
            return
        texts = list(_beginning(lines))
        self._starts = [0, *accumulate(map(len, texts))]
        self._tokens = ((at, str(kind)[6:], text) for at, kind, text in lexer.get_tokens_unprocessed("".join(texts)))

    def spans(self, number: int) -> Sequence[Span]:
        """Of the line ``number``, from 1."""
        if number < len(self._starts):
            self._read_to(self._starts[number])
        return self._found.get(number, ())

    def _read_to(self, end: int) -> None:
        began = time.monotonic()
        while self._read < end and self._left > 0:
            token = next(self._tokens, None)
            now = time.monotonic()
            began, self._left = now, self._left - (now - began)
            if token is None:
                return
            at, kind, text = token
            self._read = at + len(text)
            look = _look(kind)
            if look is not None and text.strip():
                self._keep(at, self._read, look)

    def _keep(self, start: int, end: int, look: str) -> None:
        """A token may go over many lines."""
        number = bisect_right(self._starts, start)
        while start < end and number < len(self._starts):
            at, stop = self._starts[number - 1], min(end, self._starts[number])
            self._found.setdefault(number, []).append(Span(start - at, stop - at, look))
            start, number = stop, number + 1


def _beginning(lines: Iterable[bytes]) -> Iterator[str]:
    left = _MOST_BYTES
    for line in lines:
        left -= len(line)
        if left < 0 or len(line) > MOST_CHARACTERS:
            return
        yield line.decode("utf-8", "surrogateescape")


@lru_cache(maxsize=200)
def _look(kind: str) -> str | None:
    """``Name.Function.Magic`` is a ``Name.Function``."""
    while kind:
        if kind in _TOKENS:
            return _TOKENS[kind]
        kind = kind.rpartition(".")[0]
    return None


@lru_cache(maxsize=200)
def _lexer(name: str) -> Lexer | None:
    """By the file's name alone; what the file holds has no say."""
    from pygments.lexers import find_lexer_class_for_filename

    found = find_lexer_class_for_filename(name)
    return None if found is None or found.name == "Text only" else found()
