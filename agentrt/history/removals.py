"""What was removed from the store although the journal names it: by the quota, or because somebody wanted it gone."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Literal

from agentrt.records import Record, Text, View

Removed = Literal["layer", "output", "aside", "path"]
Because = Literal["quota", "purge"]

_NAME = re.compile(r"s\d+\.\d+")
"""A sandbox may name a part of a layer; what follows the name begins with a character no name has."""


class Removal(Record):
    """One thing that is not kept any more."""

    kind: Removed
    name: Text
    """Of a layer, an output or an aside its name in the store; of a path, as it was purged."""
    at: float
    """Seconds since the epoch."""
    because: Because


class Removals:
    """All of them."""

    def __init__(self, found: Iterable[Removal] = ()) -> None:
        self._found = {(removal.kind, removal.name): removal for removal in found}

    def find(self, kind: Removed, name: str) -> Removal | None:
        return self._found.get((kind, name))

    def names(self, kind: Removed) -> set[str]:
        return {name for of, name in self._found if of == kind}

    def paths(self) -> list[Removal]:
        """What was purged, oldest first."""
        return [removal for removal in self._found.values() if removal.kind == "path"]

    def of_view(self, session: str, view: View) -> Removal | None:
        """Why nothing can go to a view of this session any more; None where it can."""
        if not self._found:
            return None
        layers = (self.find("layer", name) for name in layer_names(view.snapshot.layers))
        asides = (self.find("aside", f"{session}.{op}") for op in (*view.applied, *view.marks))
        return next((removal for removal in (*layers, *asides) if removal is not None), None)


def layer_names(layers: Iterable[str]) -> set[str]:
    return {found.group() for found in map(_NAME.match, layers) if found}


def kept(db: sqlite3.Connection) -> bool:
    """Whether the journal has a table for them."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'removal'").fetchone() is not None


def read(db: sqlite3.Connection) -> Removals:
    """None in a journal of version 1 that is opened to be read."""
    if not kept(db):
        return Removals()
    query = "SELECT kind, name, at, because FROM removal ORDER BY number"
    return Removals(
        Removal(kind=kind, name=os.fsdecode(name), at=at, because=because)
        for kind, name, at, because in db.execute(query)
    )


def add(db: sqlite3.Connection, kind: Removed, names: Sequence[str], because: Because) -> None:
    stored = (os.fsencode(name) if kind == "path" else name for name in names)
    rows = ((kind, name, time.time(), because) for name in stored)
    db.executemany("INSERT INTO removal (kind, name, at, because) VALUES (?, ?, ?, ?)", rows)
