"""What ``difflib.SequenceMatcher`` finds, found in seconds where it takes minutes.

It looks for the longest run of equal lines, and then again on either side of it, reading all that is left anew each
time: with thousands of changes in a long file that is minutes. Here every run is found in one pass. They are taken
longest first, each cut to what the ones taken before it left, and come out the same.
"""

from __future__ import annotations

import difflib
from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import Match
from itertools import pairwise

_MOST_PAIRS = 1_000_000
"""Pairs of equal lines that are held at once, some 130 bytes each. More are divided the slow way first."""
_Area = tuple[int, int, int, int]
"""From and to in the first sequence, from and to in the second."""


class Matcher(difflib.SequenceMatcher[bytes]):
    """Without junk, over lines."""

    a: Sequence[bytes]
    b: Sequence[bytes]
    b2j: dict[bytes, list[int]]
    """Places in ``b`` of lines that are not everywhere."""
    matching_blocks: list[Match] | None

    def __init__(self, old: list[bytes], new: list[bytes]) -> None:
        super().__init__(None, old, new)

    def get_matching_blocks(self) -> list[Match]:
        """As ``difflib`` says: (start in old, start in new, length), in order, and one of length 0 at the end."""
        if self.matching_blocks is None:
            found = [block for area in self._areas() for block in self._blocks(area)]
            self.matching_blocks = _joined(sorted(found), len(self.a), len(self.b))
        return self.matching_blocks

    def pairs(self) -> int:
        """Of equal lines, at most: what it costs. Above a million it may take minutes all the same."""
        return self._pairs((0, len(self.a), 0, len(self.b)))

    def _areas(self) -> Iterator[_Area | Match]:
        """What is small enough to be held at once, and the matches between."""
        left: list[_Area] = [(0, len(self.a), 0, len(self.b))]
        while left:
            area = left.pop()
            if self._pairs(area) <= _MOST_PAIRS:
                yield area
                continue
            i, j, size = match = self.find_longest_match(*area)
            if size:
                yield match
                left += [(area[0], i, area[2], j), (i + size, area[1], j + size, area[3])]

    def _pairs(self, area: _Area) -> int:
        """At most so many."""
        a, places = self.a, self.b2j
        return sum(len(places.get(a[i], ())) for i in range(area[0], area[1])) if area[2] < area[3] else 0

    def _blocks(self, area: _Area | Match) -> list[tuple[int, int, int]]:
        if isinstance(area, Match):
            return [area]
        alo, ahi, blo, bhi = area
        # In order, in both sequences; what is between two of them is open. The outer ones are the area's borders.
        taken = [(alo - 1, blo - 1, 1), (ahi, bhi, 1)]
        waiting = self._runs(area)
        while waiting:
            size = max(waiting)
            for run in sorted(waiting.pop(size)):
                at = bisect_right(taken, run[0], key=_start)
                room = _between(taken[at - 1], taken[at])
                i, j, k = _cut(*run, size, room)
                if k == size:
                    insort(taken, self._extended(i, j, k, room))
                elif k > 0:
                    waiting[k].append((i, j))
        rooms = (_between(*pair) for pair in pairwise(taken))
        return taken[1:-1] + [self._extended(r[0], r[2], 0, r) for r in rooms]

    def _runs(self, area: _Area) -> defaultdict[int, list[tuple[int, int]]]:
        """Where runs of equal lines start that no equal lines go on from on either side, by their length."""
        alo, ahi, blo, bhi = area
        found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        lengths: dict[int, int] = {}
        for i in range(alo, ahi):
            now: dict[int, int] = {}
            for j in self.b2j.get(self.a[i], ()):
                if blo <= j < bhi:
                    now[j] = lengths.pop(j - 1, 0) + 1
            for j, size in lengths.items():
                found[size].append((i - size, j - size + 1))
            lengths = now
        for j, size in lengths.items():
            found[size].append((ahi - size, j - size + 1))
        return found

    def _extended(self, i: int, j: int, size: int, room: _Area) -> tuple[int, int, int]:
        """With the equal lines around it that are everywhere, and with what follows on them."""
        a, b = self.a, self.b
        alo, ahi, blo, bhi = room
        while size and i > alo and j > blo and a[i - 1] == b[j - 1]:
            i, j, size = i - 1, j - 1, size + 1
        while i + size < ahi and j + size < bhi and a[i + size] == b[j + size]:
            size += 1
        return i, j, size


def _start(block: tuple[int, int, int]) -> int:
    return block[0]


def _between(first: tuple[int, int, int], second: tuple[int, int, int]) -> _Area:
    return first[0] + first[2], second[0], first[1] + first[2], second[1]


def _cut(i: int, j: int, size: int, room: _Area) -> tuple[int, int, int]:
    """A run, as far as it lies in ``room``.

    What was taken is no shorter than it, so that it reaches into one gap at most: the one after the last start that
    is not behind its own.
    """
    alo, ahi, blo, bhi = room
    skip = max(alo - i, blo - j, 0)
    return i + skip, j + skip, min(size, ahi - i, bhi - j) - skip


def _joined(blocks: list[tuple[int, int, int]], old: int, new: int) -> list[Match]:
    found: list[Match] = []
    i1, j1, size1 = 0, 0, 0
    for i, j, size in blocks:
        if i1 + size1 == i and j1 + size1 == j:
            size1 += size
            continue
        if size1:
            found.append(Match(i1, j1, size1))
        i1, j1, size1 = i, j, size
    if size1:
        found.append(Match(i1, j1, size1))
    return [*found, Match(old, new, 0)]
