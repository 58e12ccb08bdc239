"""All operations of a session as rows: the newest at the bottom, then "now". Forks hang below where they began."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from agentrt.history.timeline import STEPS
from agentrt.showing.entries import Entry, Fork
from agentrt.showing.marks import FORK, HARMS, HERE, STATES
from agentrt.showing.plain import plain
from agentrt.showing.words import counted, told_text

from .rows import NARROW, NOW, START, Columns, Key, Part, Role, fitted, harm_tag

_TIMES_FROM = 64
"""Columns of a list that shows the time of day, too."""
_SAID = frozenset({"undone", "denied", "failed", "rolled_back", "rejected", "intent"})
"""States that change what a row means: by their word, too, where there is room."""
_ROLES: dict[str, Role] = {"pending": "warn", "accepted": "good", "rejected": "bad", "denied": "bad", "failed": "bad"}


class History(Protocol):
    """A session, as ``agentrt.showing.entries.Feed`` has it."""

    @property
    def entries(self) -> Sequence[Entry]: ...
    @property
    def stands(self) -> frozenset[int]: ...
    @property
    def to_review(self) -> Collection[int]: ...
    @property
    def forks(self) -> Sequence[Fork]: ...
    @property
    def head(self) -> int: ...


@dataclass(frozen=True)
class Row:
    """An operation, or one of the rows between and around them."""

    key: Key
    text: str = ""
    """Of what is no operation."""
    entry: Entry | None = None
    undone: bool = False
    waits: bool = False
    """For a person's word."""
    here: bool = False
    """The files stand here."""

    @property
    def state(self) -> str:
        """A key of ``STATES``; "" for what is no operation."""
        if self.entry is None:
            return ""
        if self.undone:
            return "undone"
        if self.entry.status != "settled":
            return self.entry.status
        settled = self.entry.review if self.entry.review != "pending" or self.waits else None
        return settled or "done"

    @cached_property
    def shown(self) -> str:
        """All words of the row, the longest a terminal could show: what is searched."""
        here = str(HERE) if self.here else ""
        if self.entry is None:
            return "\n".join((self.key.what, self.text, here))
        entry = self.entry
        harm = HARMS[entry.worst].word if entry.worst else ""
        words = (str(entry.id), plain(entry.actor), told(entry), entry.effects, STATES[self.state].word, harm, here)
        return "\n".join(words)

    @cached_property
    def lowered(self) -> str:
        """The same in small letters."""
        return self.shown.lower()


def told(entry: Entry) -> str:
    """What an operation was, in words: ``$ make``, ``undo of 5, 4``."""
    if entry.verification:
        return f"verify: {entry.about}"
    return told_text(entry.kind, entry.about)


def timeline(history: History, before: Sequence[Row] = ()) -> list[Row]:
    """From the start to now. ``before`` is what came of this earlier: rows that are the same are taken from it."""
    known = {id(row.entry): row for row in before if row.entry is not None}
    waiting, stands, head = frozenset(history.to_review), history.stands, history.head
    forks: dict[int, list[Row]] = {}
    for fork in history.forks:
        forks.setdefault(fork.operation, []).append(_fork(fork))
    rows = [Row(START, "the start", here=head == 0), *forks.get(0, ())]
    for entry in history.entries:
        number = entry.id
        undone = number not in stands and _can_be_undone(entry)
        row = known.get(id(entry))
        if row is None or (row.undone, row.waits, row.here) != (undone, number in waiting, number == head):
            key = Key("operation", number)
            row = Row(key, entry=entry, undone=undone, waits=number in waiting, here=number == head)
        rows.append(row)
        if number in forks:
            rows += forks[number]
    return [*rows, Row(NOW, "now")]


def columns(history: History) -> Columns:
    """What the rows of a session share."""
    entries = history.entries
    return Columns.of(len(entries), map(plain, {entry.actor for entry in entries}))


def line(row: Row, shared: Columns, width: int) -> list[Part]:
    """One row in ``width`` columns."""
    entry = row.entry
    harm = harm_tag(entry.worst) if entry is not None else []
    here = [Part(HERE.glyph if harm and width < NARROW else str(HERE), "here")] if row.here else []
    if entry is None:
        number = shared.number(0 if row.key == START else None)
        glyph = FORK.glyph if row.key.what == "fork" else " "
        return fitted(width, [Part(f"{number}{glyph} ")], here, [], Part(row.text), Part(""))
    mark, dim = STATES[row.state], _dimmed(row)
    role = dim or _ROLES.get(row.state, "")
    lead = [Part(shared.number(entry.id), dim)]
    if width >= _TIMES_FROM:
        lead.append(Part(time.strftime("%H:%M:%S ", time.localtime(entry.started)), "dim"))
    lead += [Part(f"{mark.glyph} ", role), *shared.actor(plain(entry.actor), width)]
    said = [Part(mark.word, role)] if row.state in _SAID else []
    return fitted(width, lead, [*harm, *here], said, Part(told(entry), dim), Part(entry.effects, "dim"))


def _dimmed(row: Row) -> Role:
    return "dim" if row.undone else ""


def _can_be_undone(entry: Entry) -> bool:
    return entry.kind in STEPS and entry.status == "settled" and not entry.verification


def _fork(fork: Fork) -> Row:
    title = f" {plain(fork.title)}" if fork.title else ""
    return Row(Key("fork", fork.session), f"{plain(fork.session)}{title} ({counted(fork.operations, 'operation')})")
