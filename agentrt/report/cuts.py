"""Text that agents and commands wrote, as a page shows it: safe, and no longer than anybody reads."""

from __future__ import annotations

from dataclasses import dataclass

from agentrt.showing.plain import plain, plain_lines
from agentrt.showing.words import counted

LINE = 2_000
"""Characters shown of one line."""
LINES = 1_000
"""Lines shown of one text."""
FOLDED = 40
"""Lines from which on a text, or a diff, is folded at first."""


@dataclass(frozen=True)
class Shown:
    """What of a text is shown."""

    text: str
    """Lines, every character visible."""
    left: str = ""
    """What was left out, counted; empty where nothing was."""
    lines: int = 0
    """Shown."""

    @property
    def folded(self) -> bool:
        return self.lines > FOLDED


def shown(text: str) -> Shown:
    """The beginning of ``text``; what is left out is left out before anything is made of it."""
    lines = text.rstrip("\n").split("\n")
    kept = lines[:LINES]
    long = sum(max(len(line) - LINE, 0) for line in kept)
    left = [counted(len(lines) - LINES, "line")] if len(lines) > LINES else []
    left += [counted(long, "character")] if long else []
    told = f"{' and '.join(left)} left out" if left else ""
    return Shown("\n".join(plain_lines(line_start(line)) for line in kept), told, len(kept))


def line_start(line: str) -> str:
    return line if len(line) <= LINE else line[:LINE] + "…"


def one_line(text: str) -> str:
    """A short text on one line."""
    return plain(line_start(text))
