"""The conversation as rows: a tree of messages, each pointing at the one before it. Called within a transaction."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Mapping
from typing import Any

from agentrt.errors import UnknownOperation
from agentrt.records import Message, dump_json

from .sessions import check_operation, check_session, last_outcome, read_session
from .views import Views

_LINE = """
    WITH RECURSIVE line (id, parent) AS (
        SELECT id, parent FROM message WHERE id = :head AND id > :after
        UNION ALL
        SELECT m.id, m.parent FROM line JOIN message m ON m.id = line.parent WHERE m.id > :after
        LIMIT :last
    )
    SELECT id, role, body, operation FROM line JOIN message USING (id)
    WHERE :roles IS NULL OR role IN (SELECT value FROM json_each(:roles)) ORDER BY id"""
_TASKS = """
    SELECT id, (SELECT body FROM message WHERE session = s.id AND role = 'task' ORDER BY id LIMIT 1)
    FROM session s WHERE :session IS NULL OR id = :session"""
_OWN = """
    WITH RECURSIVE lineage (id) AS (
        SELECT ? UNION SELECT parent FROM lineage JOIN session USING (id) WHERE parent IS NOT NULL
    )
    SELECT 1 FROM message WHERE id = ? AND session IN lineage"""


def add_message(
    db: sqlite3.Connection, session: str, parent: int, role: str, body: Mapping[str, Any], operation: int | None
) -> int:
    """The new message's id. Raises ``UnknownOperation``."""
    if operation is None:
        check_session(db, session)
    else:
        check_operation(db, session, operation)
    if parent and not db.execute(_OWN, (session, parent)).fetchone():
        raise UnknownOperation(
            f"no message {parent} in the conversation of session {session}",
            hint="a message follows one of its own session, or of one that session was forked from",
        )
    ended, _ = last_outcome(db, session)
    row = (session, parent or None, role, dump_json(body), operation, ended, time.time())
    columns = "session, parent, role, body, operation, ended, at"
    return db.execute(f"INSERT INTO message ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row).lastrowid or 0


def read_line(
    db: sqlite3.Connection, head: int, *, after: int = 0, last: int | None = None, roles: Collection[str] | None = None
) -> list[Message]:
    """From the first message to ``head``; of these the ones later than ``after``, the ``last`` so many, of ``roles``.

    Raises ``UnknownOperation``.
    """
    named = None if roles is None else json.dumps(sorted(roles))
    asked = {"head": head, "after": after, "last": -1 if last is None else last, "roles": named}
    found = db.execute(_LINE, asked).fetchall()
    if head and not found and not db.execute("SELECT 1 FROM message WHERE id = ?", (head,)).fetchone():
        raise UnknownOperation(f"no message {head}", hint="a view's conversation names the last message it has")
    return [
        Message(id=id, role=role, body=json.loads(body), operation=operation) for id, role, body, operation in found
    ]


def read_tasks(db: sqlite3.Connection, session: str | None) -> dict[str, str]:
    """The text of the first task of each session, or of one: its own, not what it was forked with."""
    found = db.execute(_TASKS, {"session": session}).fetchall()
    return {id: str(json.loads(body).get("text", "")) for id, body in found if body is not None}


def read_cost(db: sqlite3.Connection, session: str) -> float:
    """US dollars, by all turns of the session itself."""
    query = (
        "SELECT sum(body ->> '$.usage.cost_usd') FROM message WHERE session = ? AND role IN ('planner', 'compaction')"
    )
    return db.execute(query, (session,)).fetchone()[0] or 0.0


def read_head(db: sqlite3.Connection, views: Views, session: str) -> int:
    """What was said last, or where the last operation left the conversation, whichever came later."""
    start = read_session(db, views, session).start
    query = "SELECT id, ended FROM message WHERE session = ? ORDER BY id DESC LIMIT 1"
    said = db.execute(query, (session,)).fetchone()
    ended, view = last_outcome(db, session)
    if said and said[1] == ended:
        return int(said[0])
    if view is None:
        return start.conversation
    return int(db.execute("SELECT conversation FROM view WHERE id = ?", (view,)).fetchone()[0])
