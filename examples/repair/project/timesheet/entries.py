"""Reading a timesheet: one stretch of work a line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Entry:
    """One stretch of work."""

    day: date
    minutes: int
    project: str


def parse(text: str) -> list[Entry]:
    """Entries in the order written; blank lines and comments are left out."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [parse_line(line) for line in lines if line]


def parse_line(line: str) -> Entry:
    """`2024-05-02 09:15-11:45 garden`"""
    day, span, project = line.split(maxsplit=2)
    start, _, end = span.partition("-")
    minutes = clock(end) - clock(start)
    return Entry(date.fromisoformat(day), minutes, project)


def clock(text: str) -> int:
    """Minutes since midnight of `09:15`."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
