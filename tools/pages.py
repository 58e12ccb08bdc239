"""One page of lines, with a last line that says which these are and where to read on."""

from __future__ import annotations

from .display import line_range, numbered
from .fields import encode

_LINES = 2000
_BYTES = 24_000
"""Stays below what an observation shows by default, so that a page is never cut in its middle."""
_WIDTH = 2000


class Page:
    """Lines from ``first`` on, ``last`` being the last one that is wanted."""

    def __init__(self, first: int, last: int, *, of: str) -> None:
        """``of``: how many lines there are, in words."""
        self._first, self._last, self._of = first, last, of
        self._lines: list[str] = []
        self._room = _BYTES

    def add(self, line: str) -> bool:
        """Whether the next line, without its end, still fits. The first one always does."""
        self._room -= len(encode(line[:_WIDTH])) + 9
        if self._lines and (self._room < 0 or len(self._lines) == _LINES):
            return False
        self._lines.append(_printable(line))
        return True

    def text(self, *notes: str) -> str:
        end = self._first + len(self._lines) - 1
        told = [f"{line_range(self._first, end)} of {self._of}"]
        if end < self._last:
            told.append(f"read on with start={end + 1}")
        return numbered(self._lines, self._first, _WIDTH) + f"\n[{'; '.join([*told, *notes])}]"


def _printable(line: str) -> str:
    """Bytes that are not UTF-8 as ``\\xNN``."""
    return encode(line).decode("utf-8", "backslashreplace")
