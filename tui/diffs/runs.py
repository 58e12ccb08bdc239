"""A hunk as runs of lines that look alike: equal, removed or added ones, or, side by side, pairs of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from agentrt.history.hunks import Opcode

Mode = Literal["unified", "side-by-side"]


@dataclass(frozen=True, slots=True)
class Run:
    """Lines from the indices ``old`` and ``new`` on, so many on either side; those of a ``pair`` stand side by side."""

    kind: Literal["context", "added", "removed", "pair"]
    old: int
    new: int
    old_lines: int
    new_lines: int
    mates: int = 0
    """Of the first lines: they are compared with one on the other side, which starts at the other index."""

    @property
    def lines(self) -> int:
        return max(self.old_lines, self.new_lines)

    def numbers(self, line: int) -> tuple[int, int, int]:
        """Of a line, by its place in the run: its number before and after, from 1, and its mate's; 0: there is none."""
        old = self.old + line + 1 if line < self.old_lines else 0
        new = self.new + line + 1 if line < self.new_lines else 0
        if line >= self.mates:
            return old, new, 0
        return old, new, (self.new if self.kind == "removed" else self.old) + line + 1

    def place(self, old: int, new: int) -> int | None:
        """Where in the run a line with one of these numbers is."""
        if old and 0 <= old - 1 - self.old < self.old_lines:
            return old - 1 - self.old
        if new and 0 <= new - 1 - self.new < self.new_lines:
            return new - 1 - self.new
        return None


def runs(codes: Iterable[Opcode], mode: Mode) -> Iterator[Run]:
    for tag, i1, i2, j1, j2 in codes:
        old, new = i2 - i1, j2 - j1
        if tag == "equal":
            yield Run("context", i1, j1, old, new)
        elif tag == "replace" and mode == "side-by-side":
            yield Run("pair", i1, j1, old, new)
        else:
            if old:
                yield Run("removed", i1, j1, old, 0, min(old, new))
            if new:
                yield Run("added", i1, j1, 0, new, min(old, new))


def sizes(codes: Iterable[Opcode], mode: Mode) -> Iterator[int]:
    """Lines of each of these runs; no run is made."""
    for tag, i1, i2, j1, j2 in codes:
        if tag == "replace" and mode == "unified":
            yield i2 - i1
            yield j2 - j1
        else:
            yield max(i2 - i1, j2 - j1)
