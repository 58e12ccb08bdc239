"""Sessions as rows. Functions are called within a transaction."""

from __future__ import annotations

import sqlite3
import sys
import time
from typing import Any

from agentrt.errors import UnknownOperation
from agentrt.records import Record, Text, View, dump_json

from . import rows
from .views import Views

_SESSIONS = "SELECT id, created, parent, parent_operation, title, start FROM session"


class SessionInfo(Record):
    """One line of operations over the workspace."""

    id: str
    """``s1``, ``s2``, ``s3`` …"""
    created: float
    """Seconds since the epoch."""
    parent: str | None = None
    """The session it was forked from."""
    parent_operation: int | None = None
    title: Text = ""
    start: View = View()
    """The view of operation 0."""


def read_sessions(db: sqlite3.Connection, views: Views) -> list[SessionInfo]:
    """All of them, oldest first."""
    return _infos(db, views, db.execute(f"{_SESSIONS} ORDER BY number").fetchall())


def read_counts(db: sqlite3.Connection) -> dict[str, int]:
    """Operations by session; only of those that have some."""
    return dict(db.execute("SELECT session, count(*) FROM operation GROUP BY session").fetchall())


def read_session(db: sqlite3.Connection, views: Views, id: str) -> SessionInfo:
    """Raises ``UnknownOperation``."""
    check_session(db, id)
    return _infos(db, views, db.execute(f"{_SESSIONS} WHERE id = ?", (id,)).fetchall())[0]


def add_session(
    db: sqlite3.Connection, views: Views, *, title: str, parent: tuple[str, int] | None, start: View
) -> str:
    """The new session's id."""
    (number,) = db.execute("SELECT coalesce(max(number), 0) + 1 FROM session").fetchone()
    session, operation = parent or (None, None)
    row = (number, f"s{number}", time.time(), rows.text(title), session, operation, views.number(start))
    db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return f"s{number}"


def choose_sandbox(db: sqlite3.Connection, session: str, chosen: str) -> None:
    db.execute("INSERT INTO sandbox (session, chosen, at) VALUES (?, ?, ?)", (session, chosen, time.time()))


def read_sandbox(db: sqlite3.Connection, session: str) -> tuple[str | None, bool]:
    """What was chosen last, for it or for what it was forked from; whether an action was carried out in it by then."""
    chosen, begun = None, False
    line: str | None = session
    until: int = sys.maxsize
    while line is not None and (chosen is None or not begun):
        if chosen is None:
            latest = "SELECT chosen FROM sandbox WHERE session = ? ORDER BY number DESC LIMIT 1"
            (chosen,) = db.execute(latest, (line,)).fetchone() or (None,)
        acted = (
            "SELECT 1 FROM outcome JOIN operation ON operation.session = outcome.session AND id = outcome.operation"
            " WHERE outcome.session = ? AND id <= ? AND kind = 'act' AND status = 'settled' LIMIT 1"
        )
        begun = begun or db.execute(acted, (line, until)).fetchone() is not None
        line, until = db.execute("SELECT parent, parent_operation FROM session WHERE id = ?", (line,)).fetchone()
    return chosen, begun


def choose_resources(db: sqlite3.Connection, session: str, chosen: str) -> None:
    db.execute("INSERT INTO resources (session, chosen, at) VALUES (?, ?, ?)", (session, chosen, time.time()))


def read_resources(db: sqlite3.Connection, session: str) -> str | None:
    """What was chosen last, for it or for what it was forked from."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'resources'").fetchone() is None:
        return None  # a journal of an earlier version that is opened to be read
    line: str | None = session
    while line is not None:
        latest = "SELECT chosen FROM resources WHERE session = ? ORDER BY number DESC LIMIT 1"
        if (found := db.execute(latest, (line,)).fetchone()) is not None:
            return str(found[0])
        (line,) = db.execute("SELECT parent FROM session WHERE id = ?", (line,)).fetchone()
    return None


def check_session(db: sqlite3.Connection, id: str) -> None:
    """Raises ``UnknownOperation`` unless it is there."""
    if id.isascii() and db.execute("SELECT 1 FROM session WHERE id = ?", (id,)).fetchone():
        return
    latest = [row[0] for row in db.execute("SELECT id FROM session ORDER BY number DESC LIMIT 10")]
    hint = f"there are: {', '.join(reversed(latest))}" if latest else "there is none yet; agentrt new makes one"
    raise UnknownOperation(f"no session {dump_json(id)} in this workspace", hint=hint)


def check_operation(db: sqlite3.Connection, session: str, op: int) -> None:
    """Raises ``UnknownOperation`` unless session and operation are there."""
    check_session(db, session)
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM operation WHERE session = ?", (session,)).fetchone()
    if not 0 < op <= last:  # numbers have no gaps
        hint = f"it has 1 to {last}; agentrt log lists them" if last else "it has none yet"
        raise UnknownOperation(f"no operation {op} in session {session}", hint=hint)


def last_outcome(db: sqlite3.Connection, session: str) -> tuple[int, int | None]:
    """The last operation that has ended and the number of the view after it; 0 and None where none has."""
    query = "SELECT operation, after FROM outcome WHERE session = ? ORDER BY operation DESC LIMIT 1"
    row: tuple[int, int] | None = db.execute(query, (session,)).fetchone()
    return row or (0, None)


def cut_off(db: sqlite3.Connection) -> list[str]:
    """The sessions whose last operation has no outcome, oldest first."""
    last = "SELECT s.number, s.id, (SELECT max(id) FROM operation WHERE session = s.id) AS last FROM session s"
    ended = "SELECT 1 FROM outcome WHERE session = found.id AND operation = last"
    query = f"SELECT id FROM ({last}) AS found WHERE last IS NOT NULL AND NOT EXISTS ({ended}) ORDER BY number"
    return [str(row[0]) for row in db.execute(query)]


def make_current(db: sqlite3.Connection, session: str) -> None:
    db.execute("INSERT INTO current (session, at) VALUES (?, ?)", (session, time.time()))


def current(db: sqlite3.Connection) -> str | None:
    row = db.execute("SELECT session FROM current ORDER BY number DESC LIMIT 1").fetchone()
    return row and str(row[0])


def _infos(db: sqlite3.Connection, views: Views, found: list[tuple[Any, ...]]) -> list[SessionInfo]:
    known = views.read(start for *_, start in found)
    return [
        SessionInfo(
            id=id,
            created=created,
            parent=parent,
            parent_operation=operation,
            title=rows.untext(title),
            start=known[start],
        )
        for id, created, parent, operation, title, start in found
    ]
