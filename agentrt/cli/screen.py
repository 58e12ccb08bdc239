"""Where a run is watched: lines that scroll, and on a terminal below them what changes all the time."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from agentrt.showing.plain import cells, cut, plain, rows

from .render import mute

_PERIOD = 0.1
"""Seconds from one drawing to the next."""
_OPEN_ROWS = 5
"""Of the line that the agent is still writing, the last ones."""


def can_draw() -> bool:
    """Standard output is a terminal where the cursor can be moved."""
    return sys.stdout.isatty() and os.environ.get("TERM") not in (None, "", "dumb")


class Lines:
    """Nothing but lines. When nobody reads on, the run still goes to its end."""

    live = False
    """Whether what is not yet a whole line can be shown."""

    def line(self, text: str = "") -> None:
        self._write(text + "\n")

    def stream(self, text: str) -> None:
        """What there is of the line that comes next, not yet made visible; shown where ``live``."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Nothing is written within, so that a person can be asked."""
        yield

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """What changes is kept up to date within."""
        yield

    def close(self) -> None:
        """Nothing is written later."""

    def _write(self, text: str) -> None:
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError:
            mute()


class Screen(Lines):
    """Draws at most ten times a second, each time with a single write, and only what has changed."""

    live = True

    def __init__(self, status: Callable[[int], str]) -> None:
        """``status`` gives the last row, for a number of columns; it is made visible here."""
        self._status = status
        self._lines: list[str] = []
        self._open = ""
        self._drawn: list[str] = []
        self._last = 0.0
        self._keeping = self._hidden = False

    def line(self, text: str = "") -> None:
        if not self._keeping:
            super().line(text)
            return
        self._lines.append(text)
        self._draw_if_due()

    def stream(self, text: str) -> None:
        self._open = text
        self._draw_if_due()

    @contextmanager
    def aside(self) -> Iterator[None]:
        self._draw([], _columns())
        self._hidden = True
        try:
            yield
        finally:
            self._hidden = False

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        self._keeping = True
        ticking = asyncio.ensure_future(self._tick())
        try:
            yield
        finally:
            ticking.cancel()
            self.close()

    def close(self) -> None:
        if self._keeping:
            self._draw([], _columns())
        self._keeping = False

    async def _tick(self) -> None:
        with suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(_PERIOD)
                self._draw_if_due()

    def _draw_if_due(self) -> None:
        now = time.monotonic()
        if self._keeping and not self._hidden and now - self._last >= _PERIOD:
            width = _columns()
            below = self._below(width)
            if self._lines or below != self._drawn:
                self._last = now
                self._draw(below, width)

    def _below(self, width: int) -> list[str]:
        writing = list(rows(plain(self._open), width - 1))[-_OPEN_ROWS:] if self._open else []
        return [*writing, cut(plain(self._status(width - 1)), width - 1)]

    def _draw(self, below: list[str], width: int) -> None:
        scrolling = "".join(f"{line}\n" for line in self._lines)
        shown = "\n".join([*below[:-1], _dimmed(below[-1])]) if below else ""
        self._write(self._erasing(width) + scrolling + shown)
        self._lines, self._drawn = [], below

    def _erasing(self, width: int) -> str:
        """From wherever that is since a resize: a terminal that became narrower has made more rows of it."""
        if not self._drawn:
            return ""
        up = sum(max(-(-cells(row) // width), 1) for row in self._drawn) - 1
        return "\r" + (f"\x1b[{up}A" if up else "") + "\x1b[J"


def _columns() -> int:
    try:
        return max(os.get_terminal_size(sys.stdout.fileno()).columns or 80, 20)
    except OSError:
        return 80


def _dimmed(text: str) -> str:
    return text if os.environ.get("NO_COLOR") else f"\x1b[2m{text}\x1b[22m"
