"""The lists of views as the numbers of their chains: two lists are the same when their numbers are.

Ten thousand views list fifty million layers; as chains they are ten thousand rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from .views import apart

Item = str | int


class Files(NamedTuple):
    """Of a view, what says how the files stand, as numbers of chains."""

    layers: int
    applied: int
    """Of applies, and of operations whose changes to resources stand: see ``views.apart``."""


class Chains:
    """Those of one session, read when they are asked for, within a transaction; rows never change."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._rows: dict[int, tuple[int, Item]] = {}
        self._apart: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {}

    def above(self, chain: int) -> set[int]:
        """It and every chain it is built on, the empty one among them: the beginnings of its list."""
        found = {0}
        while chain:
            found.add(chain)
            chain = self._row(chain)[0]
        return found

    def parent(self, chain: int) -> int:
        """The chain of its list without the last item."""
        return self._row(chain)[0] if chain else 0

    def last(self, chain: int) -> Item | None:
        """The last item of its list; None where that is empty."""
        return self._row(chain)[1] if chain else None

    def outside(self, chain: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The applies of its list, and the marks."""
        if chain not in self._apart:
            items, at = [], chain
            while at:
                at, item = self._row(at)
                items.append(item)
            self._apart[chain] = apart(reversed(items))
        return self._apart[chain]

    def having(self, item: Callable[[Item], bool]) -> Callable[[int], bool]:
        """Says of a chain whether ``item`` is true of one in its list."""
        known = {0: False}

        def has(chain: int) -> bool:
            line = []
            while chain not in known:
                line.append(chain)
                chain = self._row(chain)[0]
            for number in reversed(line):
                known[number] = known[chain] or item(self._row(number)[1])
                chain = number
            return known[chain]

        return has

    def _row(self, chain: int) -> tuple[int, Item]:
        if chain not in self._rows:
            found = self._db.execute("SELECT parent, item FROM chain WHERE id = ?", (chain,)).fetchone()
            if found is None:
                raise ValueError(f"there is no chain {chain}")
            self._rows[chain] = found
        return self._rows[chain]
