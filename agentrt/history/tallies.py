"""How many effects of which kind an operation had: all that a list says of them, without reading each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from agentrt.contracts import PUSHING
from agentrt.records import Effect, FileEffect, RequestEffect, RowsEffect
from agentrt.records.effects import HARM, Reversibility

_GROUPS = """
    SELECT operation, kind, change, reversibility, substr(path, 1, 1) = x'2f', count(*),
           total(coalesce(json_extract(detail, '$.after.type'), json_extract(detail, '$.before.type')) = 'directory'),
           total(coalesce(json_extract(detail, '$.inserted'), 0) + coalesce(json_extract(detail, '$.updated'), 0)
                 + coalesce(json_extract(detail, '$.deleted'), 0)), total(json_extract(detail, '$.queued')),
           kind = 'request' AND json_extract(detail, '$.method') = ? AS pushes
    FROM effect WHERE session = ? AND operation BETWEEN ? AND ?
    GROUP BY operation, 2, 3, 4, 5, pushes ORDER BY operation, min(position)"""

_Group = tuple[str, str, Reversibility, int | None, int, float, float, float, int]
"""Kind, change, reversibility, whether outside the workspace; how many, and among them how many folders, rows, and
databases' effects that wait; and whether they are pushes."""


@dataclass(slots=True)
class Tally:
    """The effects of one operation, counted."""

    inside: dict[str, int] = field(default_factory=dict)
    """Of files in the workspace, by change; in the order in which they come."""
    folders: bool = False
    """Whether folders are among these."""
    outside: int = 0
    """Files elsewhere in the sandbox."""
    deleted: int = 0
    """Files deleted, wherever."""
    rows: int = 0
    """Of databases."""
    schemas: int = 0
    """Tables, indexes, views … of databases."""
    sent: int = 0
    """Requests and pushes."""
    final: int = 0
    """Of these, those that nothing takes back."""
    refused: int = 0
    queued: int = 0
    """Those that were held back, and wait or did so."""
    held: int = 0
    """Tables whose rows were, or definitions."""
    pushes: dict[str, int] = field(default_factory=dict)
    """Of what was sent, refused and queued, by change."""
    worst: Reversibility | None = None
    """What is hardest to take back; None for no effects."""

    @property
    def files(self) -> int:
        return sum(self.inside.values()) + self.outside

    @property
    def requests(self) -> int:
        return self.sent + self.refused + self.queued


def tally_of(effects: Iterable[Effect]) -> Tally:
    return _tally(map(_group, effects))


def read_tallies(db: sqlite3.Connection, session: str, first: int, last: int) -> dict[int, Tally]:
    """Of the operations ``first`` to ``last`` that have effects, within a transaction."""
    found = db.execute(_GROUPS, (PUSHING, session, first, last))
    return {operation: _tally(row[1:] for row in rows) for operation, rows in groupby(found, lambda row: row[0])}


def _group(effect: Effect) -> _Group:
    if not isinstance(effect, FileEffect):
        rows = effect.count if isinstance(effect, RowsEffect) else 0
        held = not isinstance(effect, RequestEffect) and effect.queued
        pushes = isinstance(effect, RequestEffect) and effect.method == PUSHING
        return effect.kind, effect.change, effect.reversibility, None, 1, 0, rows, held, pushes
    state = effect.after or effect.before
    folder = state is not None and state.type == "directory"
    return effect.kind, effect.change, effect.reversibility, not effect.in_workspace, 1, folder, 0, 0, False


def _tally(groups: Iterable[_Group]) -> Tally:
    tally = Tally()
    for kind, change, reversibility, outside, count, folders, rows, held, pushes in groups:
        tally.held += int(held)
        if tally.worst is None or HARM.index(reversibility) > HARM.index(tally.worst):
            tally.worst = reversibility
        if pushes:
            tally.pushes[change] = tally.pushes.get(change, 0) + count
        if kind == "file":
            tally.deleted += count * (change == "deleted")
            if outside:
                tally.outside += count
            else:
                tally.inside[change] = tally.inside.get(change, 0) + count
                tally.folders |= folders > 0
        elif kind == "rows":
            tally.rows += int(rows)
        elif kind == "schema":
            tally.schemas += count
        elif change == "sent":
            tally.sent += count
            tally.final += count * (reversibility == "irreversible")
        elif change == "queued":
            tally.queued += count
        else:
            tally.refused += count
    return tally
