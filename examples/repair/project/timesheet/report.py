"""From entries to a bill."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .entries import Entry

QUARTER = 15


def totals(entries: Iterable[Entry]) -> dict[str, int]:
    """Minutes of each project, in the order projects first appear."""
    minutes: dict[str, int] = defaultdict(int)
    for entry in entries:
        minutes[entry.project] += entry.minutes
    return dict(minutes)


def billed(minutes: int) -> int:
    """Minutes rounded to quarters of an hour."""
    return minutes // QUARTER * QUARTER


def report(entries: Iterable[Entry]) -> str:
    """One line a project: hours with two decimals, then its name."""
    lines = (f"{billed(minutes) / 60:6.2f}  {project}" for project, minutes in totals(entries).items())
    return "\n".join(lines)
