"""What an operation did to files, line by line."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from agentrt.records import FileEffect, Operation
from agentrt.runtime import Runtime
from agentrt.showing.patch import patch_of
from agentrt.showing.sides import Sides
from agentrt.showing.words import counted

from .cuts import FOLDED, LINES, one_line

FILES = 100
"""Files of one operation whose lines are shown."""
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")

LineKind = Literal["added", "removed", "same", "hunk", "about"]


@dataclass(frozen=True, slots=True)
class Line:
    """One of a patch, safe to show, with its ``+`` or ``-``."""

    kind: LineKind
    text: str


@dataclass(frozen=True)
class FileDiff:
    """One file."""

    path: str
    counts: str
    """``+3 -1``, or why there are no lines."""
    lines: Sequence[Line]
    left: str
    folded: bool


class Contents(Protocol):
    """Where the content of files is to be had."""

    def diffs(self, operation: Operation) -> AsyncIterator[FileDiff]:
        """Of the files of a settled operation."""


class Kept:
    """In the session's layers."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def diffs(self, operation: Operation) -> AsyncIterator[FileDiff]:
        """Of its first ``FILES`` files."""
        sides = Sides(self._runtime, operation.before.snapshot, operation.after.snapshot)
        for effect in operation.files[:FILES]:
            yield file_diff(effect, *await sides.of(effect))


def file_diff(effect: FileEffect, before: bytes | None, after: bytes | None) -> FileDiff:
    """``before`` and ``after`` are the contents, where they are regular files and can be had."""
    patch = patch_of(effect, before, after)
    lines = patch.text.split("\n")[:-1]
    counts = f"+{patch.added:,} -{patch.removed:,}" if patch.lines else patch.said
    left = f"{counted(len(lines) - LINES, 'line')} left out" if len(lines) > LINES else ""
    return FileDiff(one_line(effect.path), counts, list(_kinds(lines[:LINES])), left, len(lines) > FOLDED)


def _kinds(lines: Sequence[str]) -> Iterator[Line]:
    """A hunk's head says how many lines it has: content that looks like a head is told apart by it."""
    old = new = 0
    for line in lines:
        kind: LineKind = "about"
        if line.startswith("\\"):
            pass
        elif old > 0 or new > 0:
            kind = "added" if line[:1] == "+" else "removed" if line[:1] == "-" else "same"
            old -= kind != "added"
            new -= kind != "removed"
        elif found := _HUNK.match(line):
            kind = "hunk"
            old, new = (1 if count is None else int(count) for count in found.groups())
        yield Line(kind, "\t".join(map(one_line, line.split("\t"))))
