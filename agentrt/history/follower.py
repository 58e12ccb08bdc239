"""A session read as it grows: what came since it was last asked, and only that."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from agentrt.records.operations import Kind, Review, Status

from . import removals, rows
from .chains import Chains, Files
from .removals import Removals
from .sessions import check_session
from .tallies import Tally, read_tallies

_OPERATIONS = """
    SELECT o.id, o.kind, o.actor, o.started, o.action, o.target, json_extract(o.decision, '$.verdict'),
           x.status, b.layers, b.applied, a.layers, a.applied
    FROM operation o JOIN view b ON b.id = o.before
    LEFT JOIN outcome x ON x.session = o.session AND x.operation = o.id LEFT JOIN view a ON a.id = x.after
    WHERE o.session = ? AND o.id BETWEEN ? AND ? ORDER BY o.id"""
_ENDED = "SELECT 1 FROM outcome WHERE session = ? AND operation = ?"
_REVIEWED = "SELECT count(*) FROM review WHERE session = ?"
_REVIEWS = "SELECT operation, review FROM review WHERE session = ? AND operation >= ? ORDER BY operation, position"
_START = "SELECT layers, applied FROM view JOIN session ON view.id = session.start WHERE session.id = ?"
_BRANCHES = """
    SELECT id, title, parent_operation, (SELECT coalesce(max(id), 0) FROM operation WHERE session = s.id)
    FROM session s WHERE parent = ? ORDER BY number"""
_REMOVALS = "SELECT count(*) FROM removal"
_LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Light:
    """An operation without its effects, observation and texts of rules."""

    id: int
    session: str
    kind: Kind
    actor: str
    status: Status
    started: float
    action: Mapping[str, Any] | None
    target: tuple[int, ...]
    verdict: str
    """Of its decision; empty where there is none."""
    before: Files
    after: Files
    tally: Tally

    @property
    def is_verification(self) -> bool:
        return self.kind == "act" and self.target != ()


@dataclass(frozen=True, slots=True)
class Branch:
    """A session that was forked from another one."""

    session: str
    title: str
    operation: int
    """Where; 0 is the start."""
    operations: int
    """How many it has."""


@dataclass(slots=True)
class News:
    """What came."""

    operations: list[Light] = field(default_factory=list)
    """That began, or ended, in order of their numbers."""
    reviews: dict[int, Review] = field(default_factory=dict)
    """That are others now, by operation."""
    branches: Sequence[Branch] | None = None
    """All of them, where one is new or grew."""
    removals: Removals | None = None
    """All of them, where there are more."""

    def __bool__(self) -> bool:
        return bool(self.operations or self.reviews) or self.branches is not None or self.removals is not None


class Follower:
    """One session of a journal, within transactions that the caller begins by ``reading``. See ``Journal.follow``."""

    def __init__(
        self, db: sqlite3.Connection, session: str, reading: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self.session, self.reading = session, reading
        self.chains = Chains(db)
        self._db = db
        self._seen: tuple[int, int] | None = None
        self._last = 0
        self._running: list[int] = []
        """Operations that have not ended: one at most, and those that crashes left."""
        self._reviewed = self._removed = 0
        self.reviews: dict[int, Review] = {}
        """By operation, as it is now."""
        self._branches: list[Branch] = []
        check_session(db, session)
        self.start = Files(*db.execute(_START, (session,)).fetchone())

    def changed(self) -> bool:
        """Whether anybody wrote anything to the journal since ``read`` was last called."""
        return self._version() != self._seen

    def read(self) -> News:
        """What came since the last call; at first, all there is."""
        news = News()
        for id in [id for id in self._running if self._db.execute(_ENDED, (self.session, id)).fetchone()]:
            self._running.remove(id)
            news.operations += self._operations(id, id)
        began = self._operations(self._last + 1, _LAST)
        if began:
            self._last = began[-1].id
            self._running += [operation.id for operation in began if operation.status == "intent"]
            news.operations += began
        news.reviews = self._new_reviews(news.operations)
        branches = [
            Branch(id, rows.untext(title), operation, operations)
            for id, title, operation, operations in self._db.execute(_BRANCHES, (self.session,))
        ]
        if branches != self._branches:
            news.branches = self._branches = branches
        if removals.kept(self._db):
            (removed,) = self._db.execute(_REMOVALS).fetchone()
            if removed != self._removed:
                self._removed, news.removals = removed, removals.read(self._db)
        self._seen = self._version()  # of this transaction's moment
        return news

    def _new_reviews(self, operations: Sequence[Light]) -> dict[int, Review]:
        (count,) = self._db.execute(_REVIEWED, (self.session,)).fetchone()
        if count == self._reviewed:
            return {}
        # Mostly those of these operations are all that is new.
        fresh = bool(operations) and not any(operation.id in self.reviews for operation in operations)
        found = self._db.execute(_REVIEWS, (self.session, operations[0].id)).fetchall() if fresh else []
        if len(found) != count - self._reviewed:
            found = self._db.execute(_REVIEWS, (self.session, 1)).fetchall()
        now = dict(found)  # the last one of an operation wins
        news = dict(now.items() - self.reviews.items())
        self._reviewed = count
        self.reviews |= now
        return news

    def _version(self) -> tuple[int, int]:
        """What others wrote changes the first number, what this connection writes the second."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        return version, self._db.total_changes

    def _operations(self, first: int, last: int) -> list[Light]:
        found = self._db.execute(_OPERATIONS, (self.session, first, last)).fetchall()
        tallies = read_tallies(self._db, self.session, first, last) if found else {}
        nothing = Tally()
        return [
            Light(
                id=id,
                session=self.session,
                kind=kind,
                actor=actor,
                status=status or "intent",
                started=started,
                action=rows.decoded(action),
                target=tuple(rows.decoded(target) or ()),
                verdict=verdict or "",
                before=Files(*before),
                after=Files(*(before if status is None else after)),
                tally=tallies.get(id, nothing),
            )
            for id, kind, actor, started, action, target, verdict, status, *views in found
            for before, after in ((views[:2], views[2:]),)
        ]
