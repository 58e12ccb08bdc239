"""Views as rows: each is stored once, and its lists as chains, so that one more layer is one more row.

A chain is a list written as its last item and the chain before it; chain 0 is the empty list. Rows never change, so
what was read once stays true, and equal views come back as one object.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from agentrt.records import Snapshot, View, dump_json

_VIEWS = "SELECT id, layers, conversation, applied FROM view WHERE id IN (SELECT value FROM json_each(?))"
_CHAINS = """
    WITH RECURSIVE needed (id, parent, item) AS (
        SELECT id, parent, item FROM chain WHERE id IN (SELECT value FROM json_each(?))
        UNION
        SELECT chain.id, chain.parent, chain.item FROM needed JOIN chain ON chain.id = needed.parent WHERE chain.id > ?
    )
    SELECT id, parent, item FROM needed WHERE id != 0 ORDER BY id"""


def apart(outside: Iterable[str | int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What stands outside the sandbox is one list: the applies are numbers in it, and after them the operations whose
    changes to resources stand, as texts."""
    items = list(outside)
    return tuple(i for i in items if isinstance(i, int)), tuple(int(i) for i in items if isinstance(i, str))


class Views:
    """The views of one journal, by number. Its methods are called within a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.forget()

    def forget(self) -> None:
        """Needed when a transaction was rolled back: what it added is not there."""
        self._views: dict[int, View] = {}
        self._lists: dict[int, tuple[Any, ...]] = {0: ()}
        self._chains: dict[int, tuple[int, Any]] = {}
        """The chain before it and the last item, by chain: of the chains that were read, and of all before them."""
        self._last = 0
        """The last of these."""
        self._next: dict[tuple[int, str | int], int] = {}
        self._written: tuple[Sequence[str | int], int] = ((), 0)
        """The list that was stored last, and its chain: the next one mostly goes on with it."""

    def read(self, numbers: Iterable[int]) -> dict[int, View]:
        """Views by number; those asked for, at least."""
        missing = set(numbers) - self._views.keys()
        if missing:
            rows = self._db.execute(_VIEWS, (dump_json(missing),)).fetchall()
            self._read_chains({chain for _, layers, _, applied in rows for chain in (layers, applied)})
            for number, layers, conversation, applied in rows:
                # Not validated, so that long lists are shared and not looked through once for every view.
                snapshot = Snapshot.model_construct(layers=self._lists[layers])
                written, marks = apart(self._lists[applied])
                self._views[number] = View(snapshot=snapshot, conversation=conversation, applied=written, marks=marks)
        return self._views

    def number(self, view: View) -> int:
        """The number of a view, stored now if it was not. Within a writing transaction."""
        outside: list[str | int] = [*view.applied, *map(str, view.marks)]
        row = (self._chain(view.snapshot.layers), view.conversation, self._chain(outside))
        self._db.execute("INSERT OR IGNORE INTO view (layers, conversation, applied) VALUES (?, ?, ?)", row)
        found = self._db.execute("SELECT id FROM view WHERE layers = ? AND conversation = ? AND applied = ?", row)
        number = int(found.fetchone()[0])
        self._views[number] = view
        return number

    def _read_chains(self, chains: set[int]) -> None:
        missing = chains - self._lists.keys()
        # Mostly what is asked for goes on with what was read last; else it is read to the end.
        unknown, last = missing - self._chains.keys(), self._last
        while unknown:
            found = self._db.execute(_CHAINS, (dump_json(unknown), last)).fetchall()
            for chain, parent, item in found:
                self._chains[chain] = parent, item
                self._next[parent, item] = chain
            self._last = max(self._last, found[-1][0])
            unknown, last = {parent for _, parent, _ in found} - self._chains.keys() - {0}, 0
        # Not those on the way: of a long chain they come to half its length squared.
        for chain in sorted(missing):
            at, items = chain, list[Any]()
            while at not in self._lists:
                at, item = self._chains[at]
                items.append(item)
            self._lists[chain] = (*self._lists[at], *reversed(items))

    def _chain(self, items: Sequence[str | int]) -> int:
        if not items:
            return 0
        known, chain = self._written
        if items[: len(known)] != known:
            known, chain = (), 0
        for item in items[len(known) :]:
            found = self._next.get((chain, item))
            chain = self._extend(chain, item) if found is None else found
        self._written = items, chain
        return chain

    def _extend(self, chain: int, item: str | int) -> int:
        found = self._db.execute("SELECT id FROM chain WHERE parent = ? AND item = ?", (chain, item)).fetchone()
        if found is None:
            found = (self._db.execute("INSERT INTO chain (parent, item) VALUES (?, ?)", (chain, item)).lastrowid,)
        self._next[chain, item] = int(found[0])
        return int(found[0])
