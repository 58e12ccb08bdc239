"""The journal: everything that happened over a workspace, in order, for good. docs/journal.md specifies the file.

Before an operation happens its intent is written, afterwards its outcome; each is on the disk when the call returns.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from agentrt.errors import AgentrtError, JournalError
from agentrt.records import Decision, Effect, Judgement, Message, Observation, Operation, View, dump_json
from agentrt.records.operations import Kind, Review, Status

from . import messages, removals, rows, sessions
from .database import connect, transaction, translated, unreadable
from .follower import Follower
from .removals import Because, Removals, Removed
from .sessions import SessionInfo
from .views import Views

__all__ = ["Journal", "SessionInfo"]

_LAST = 2**63 - 1  # the largest number SQLite holds


class Journal:
    """The open journal. One writer at a time (``store.Lock``), any number of readers, also meanwhile.

    Every method may raise ``JournalError`` (damaged), ``DiskFull`` (nothing was written) and ``SessionBusy``.
    """

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db
        self._views = Views(db)

    @classmethod
    def open(cls, path: Path, *, create: bool = True, read_only: bool = False) -> Self:
        """Open the file ``path``. Raises ``JournalError`` where it is damaged, newer than us or something else.

        Where there is none: it is made, or (``create=False``, ``read_only``) ``UnknownOperation`` is raised.
        """
        return cls(path, connect(path, create=create, read_only=read_only))

    def close(self) -> None:
        """Close it; closing twice is fine."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()

    # Sessions

    def create_session(
        self, *, title: str = "", parent: tuple[str, int] | None = None, start: View | None = None
    ) -> SessionInfo:
        """A new session, which becomes the current one.

        ``parent`` is the session and operation it forks from; it then starts with the view after that operation,
        unless ``start`` says otherwise. Raises ``UnknownOperation``.
        """
        with self._writing():
            if start is None:
                start = View() if parent is None else self._view_after(*parent)
            id = sessions.add_session(self._db, self._views, title=title, parent=parent, start=start)
            sessions.make_current(self._db, id)
            return sessions.read_session(self._db, self._views, id)

    def sessions(self) -> list[SessionInfo]:
        """All of them, oldest first."""
        with self._reading():
            return sessions.read_sessions(self._db, self._views)

    def counts(self) -> dict[str, int]:
        """How many operations each session has that has any."""
        with self._reading():
            return sessions.read_counts(self._db)

    def session(self, id: str) -> SessionInfo:
        """Raises ``UnknownOperation``, whose hint lists what there is."""
        with self._reading():
            return sessions.read_session(self._db, self._views, id)

    def current(self) -> str | None:
        """The session that is meant where none is named; None before the first."""
        with self._reading():
            return sessions.current(self._db)

    def make_current(self, session: str) -> None:
        """Raises ``UnknownOperation``."""
        with self._writing():
            sessions.check_session(self._db, session)
            sessions.make_current(self._db, session)

    def sandbox(self, session: str) -> tuple[str | None, bool]:
        """What was chosen for it last, as JSON; whether an action was carried out in it."""
        with self._reading():
            return sessions.read_sandbox(self._db, session)

    def choose_sandbox(self, session: str, chosen: str) -> None:
        with self._writing():
            sessions.choose_sandbox(self._db, session, chosen)

    def resources(self, session: str) -> str | None:
        """The databases that were chosen for it last, as JSON; None where none ever was."""
        with self._reading():
            return sessions.read_resources(self._db, session)

    def choose_resources(self, session: str, chosen: str) -> None:
        with self._writing():
            sessions.choose_resources(self._db, session, chosen)

    def cut_off(self) -> list[str]:
        """The sessions whose last operation is an intent, oldest first."""
        with self._reading():
            return sessions.cut_off(self._db)

    # Operations

    def intend(
        self,
        session: str,
        *,
        kind: Kind,
        actor: str,
        before: View,
        action: Mapping[str, Any] | None = None,
        target: Sequence[int] = (),
        decision: Decision | None = None,
    ) -> Operation:
        """Record that an operation is about to happen. Its number is the next: 1, 2, 3 … in the session.

        Raises ``UnknownOperation`` for a session that is not there.
        """
        with self._writing():
            sessions.check_session(self._db, session)
            last = "SELECT coalesce(max(id), 0) FROM operation WHERE session = ?"
            op = int(self._db.execute(last, (session,)).fetchone()[0]) + 1
            asked = None if action is None else dump_json(action)
            aim = dump_json(target) if target else None
            started, number = time.time(), self._views.number(before)
            self._insert("operation", session, op, kind, actor, started, number, asked, aim, rows.record(decision))
        return Operation(
            id=op,
            session=session,
            kind=kind,
            actor=actor,
            status="intent",
            started=started,
            action=None if asked is None else json.loads(asked),
            target=tuple(target),
            decision=decision,
            before=before,
            after=before,
        )

    def settle(
        self,
        intent: Operation,
        *,
        status: Status,
        after: View,
        effects: Sequence[Effect] = (),
        observation: Observation | None = None,
        judgement: Judgement | None = None,
        review: Review | None = None,
        reviews: Mapping[int, Review] | None = None,
        note: str = "",
    ) -> Operation:
        """Record how what was intended ended, all in one transaction.

        A ``review`` is the policy's word on it; ``reviews`` is what it means for that of other operations.

        Raises ``UnknownOperation``, and ``JournalError`` for what is settled already.
        """
        session, op = intent.session, intent.id
        with self._writing():
            sessions.check_operation(self._db, session, op)
            query = "SELECT 1 FROM outcome WHERE session = ? AND operation = ?"
            if self._db.execute(query, (session, op)).fetchone():
                raise JournalError(f"operation {op} of {session} is settled already", hint="this is a bug in agentrt")
            seen, judged = rows.observation(observation), rows.record(judgement)
            number = self._views.number(after)
            self._insert("outcome", session, op, status, time.time(), number, seen, judged, rows.text(note))
            self._db.executemany(
                "INSERT INTO effect VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (rows.effect(session, op, position, effect) for position, effect in enumerate(effects)),
            )
            if observation is not None and observation.output:
                self._insert("output", session, op, rows.text(observation.output))
            if review is not None:
                self._review(session, op, review, "policy")
            for other, word in (reviews or {}).items():
                sessions.check_operation(self._db, session, other)
                self._review(session, other, word, intent.actor)
        outcome = {"status": status, "after": after, "effects": tuple(effects), "observation": observation}
        return intent.model_copy(update={**outcome, "judgement": judgement, "review": review, "note": note})

    def operation(self, session: str, op: int, *, effects_at: Collection[str] | None = None) -> Operation:
        """One operation, with its output. Never settled, it is an ``intent`` whose after is its before.

        ``effects_at`` as for ``operations``. Raises ``UnknownOperation``.
        """
        with self._reading():
            sessions.check_operation(self._db, session, op)
            return rows.read_operations(
                self._db, self._views, session, op, op, with_output=True, effects_at=effects_at
            )[0]

    def operations(
        self, session: str, *, with_output: bool = False, effects_at: Collection[str] | None = None
    ) -> list[Operation]:
        """All of a session, oldest first. Without output it is "" and not read. Raises ``UnknownOperation``.

        ``effects_at``: without the effects on files at other paths than these, renamed ones excepted, which costs far
        less.
        """
        with self._reading():
            sessions.check_session(self._db, session)
            given: dict[str, Any] = {"with_output": with_output, "effects_at": effects_at}
            return rows.read_operations(self._db, self._views, session, 1, _LAST, **given)

    def work(self, session: str) -> dict[int, dict[str, Any]]:
        """Action, effects and review of every operation: these fields alone cost half of what ``operations`` does."""
        with self._reading():
            return rows.read_work(self._db, session)

    def actions(self, session: str, actor: str) -> list[Mapping[str, Any]]:
        """What one actor did or wanted to, oldest first."""
        with self._reading():
            return rows.read_actions(self._db, session, actor)

    def paths(self, session: str) -> Mapping[int, set[str]]:
        """By operation, what its effects are about, without the old names of what was renamed."""
        with self._reading():
            return rows.read_paths(self._db, session)

    def follow(self, session: str) -> Follower:
        """A session read as it grows, also by others. Raises ``UnknownOperation``."""
        with self._reading():
            return Follower(self._db, session, self._reading)

    def due(self) -> list[tuple[str, int, float]]:
        """What waits in an outbox and goes out by itself: session, operation, and when, in seconds since the epoch."""
        with self._reading():
            return rows.read_due(self._db)

    def set_review(self, session: str, op: int, review: Review, *, by: str) -> None:
        """The last one counts; earlier ones are kept. Raises ``UnknownOperation``."""
        with self._writing():
            sessions.check_operation(self._db, session, op)
            self._review(session, op, review, by)

    # What is not kept any more

    def removals(self) -> Removals:
        """What was removed from the store although views name it, and the paths that were purged."""
        with self._reading():
            return removals.read(self._db)

    def record_removals(self, kind: Removed, names: Sequence[str], because: Because) -> None:
        """Written before anything is removed: what is missing is then always known to be."""
        with self._writing():
            removals.add(self._db, kind, names, because)

    # The conversation

    def say(self, session: str, parent: int, role: str, body: Mapping[str, Any], operation: int | None = None) -> int:
        """Add a message after the message ``parent`` (0: as a first one); its id, unique in the journal.

        It is on the disk before the next operation's intent is: nothing waits for it until something is done.
        Raises ``UnknownOperation`` for a session or operation that is not there, and for a parent that is neither
        the session's nor of one it was forked from.
        """
        with self._writing(synced=False):
            return messages.add_message(self._db, session, parent, role, body, operation)

    def conversation(
        self, head: int, *, after: int = 0, last: int | None = None, roles: Collection[str] | None = None
    ) -> list[Message]:
        """The messages from the first to ``head``; none for 0.

        Of these only the ones later than ``after``, only the ``last`` so many, and only those of ``roles``: what is
        left out is not read. Raises ``UnknownOperation``.
        """
        with self._reading():
            return messages.read_line(self._db, head, after=after, last=last, roles=roles)

    def message_head(self, session: str) -> int:
        """The message the session's conversation has come to; 0 for none.

        That is what was said last, or where the last operation left it, whichever came later (an undo takes the
        conversation back). Raises ``UnknownOperation``.
        """
        with self._reading():
            return messages.read_head(self._db, self._views, session)

    def tasks(self, session: str | None = None) -> Mapping[str, str]:
        """What each session was first asked to do, or one; nothing of those that were not asked anything."""
        with self._reading():
            return messages.read_tasks(self._db, session)

    def cost_usd(self, session: str) -> float:
        """What all turns of a session's planner have cost, those that were undone as well, where prices are known."""
        with self._reading():
            return messages.read_cost(self._db, session)

    # Within a transaction

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            with translated(self.path), transaction(self._db, write=False):
                yield
        except AgentrtError:
            raise
        except ValueError as error:  # a column's JSON that is none, or makes no record
            raise unreadable(self.path, error) from error

    @contextmanager
    def _writing(self, *, synced: bool = True) -> Iterator[None]:
        try:
            with translated(self.path), transaction(self._db, write=True, synced=synced):
                yield
        except BaseException:
            self._views.forget()
            raise

    def _insert(self, table: str, *row: object) -> None:
        self._db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)

    def _review(self, session: str, op: int, review: Review, by: str) -> None:
        query = "SELECT count(*) FROM review WHERE session = ? AND operation = ?"
        (position,) = self._db.execute(query, (session, op)).fetchone()
        self._insert("review", session, op, position, review, by, time.time())

    def _view_after(self, session: str, op: int) -> View:
        if op == 0:
            return sessions.read_session(self._db, self._views, session).start
        sessions.check_operation(self._db, session, op)
        return rows.read_operations(self._db, self._views, session, op, op, with_output=False)[0].after
