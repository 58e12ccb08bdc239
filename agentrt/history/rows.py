"""Operations as rows. Text that may hold surrogate escapes is ASCII JSON; a path is its bytes."""

from __future__ import annotations

import math
import os
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import cache
from json import JSONDecoder
from typing import Any, TypeVar

from pydantic import TypeAdapter

from agentrt.records import Decision, Effect, FileEffect, Judgement, Observation, Operation, Record, dump_json

from .views import Views

_RANGE = "WHERE session = ? AND operation BETWEEN ? AND ?"
_OPERATIONS = """
    SELECT o.id, o.kind, o.actor, o.started, o.before, o.action, o.target, o.decision,
           x.status, x.after, x.observation, x.judgement, x.note
    FROM operation o LEFT JOIN outcome x ON x.session = o.session AND x.operation = o.id
    WHERE o.session = ? AND o.id BETWEEN ? AND ? ORDER BY o.id"""
_EFFECTS = f"""
    SELECT operation, path, kind, change, reversibility, detail FROM effect {_RANGE} ORDER BY operation, position"""
_PATHS = "SELECT operation, path FROM effect WHERE session = ? AND path IS NOT NULL"
_ACTIONS = "SELECT action FROM operation WHERE session = ? AND actor = ? AND kind = 'act' ORDER BY id"
_REVIEWS = f"SELECT operation, review FROM review {_RANGE} ORDER BY operation, position"
_DUE = """
    SELECT e.session, e.operation, json_extract(e.detail, '$.due')
    FROM (SELECT session, operation, review, max(position) FROM review GROUP BY session, operation) AS r
    JOIN effect AS e ON e.session = r.session AND e.operation = r.operation
    WHERE r.review = 'pending' AND (e.change = 'queued' OR json_extract(e.detail, '$.queued'))"""
_OUTPUTS = f"SELECT operation, text FROM output {_RANGE}"
_APART = ("kind", "path", "change", "reversibility")
"""The fields of an effect that are columns of their own."""
_Ruling = TypeVar("_Ruling", Decision, Judgement)
_EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)
_decode = JSONDecoder().raw_decode
_LAST = 2**63 - 1


def text(value: str) -> str | None:
    """Text as a column: a JSON string, NULL for none."""
    return dump_json(value) if value else None


def untext(column: str | None) -> str:
    return decoded(column) or ""


def record(value: Record | None, **but: Any) -> str | None:
    """A record as a column: a JSON object without the fields that are at their default."""
    return None if value is None else dump_json(value.model_dump(exclude_defaults=True, **but))


def observation(value: Observation | None) -> str | None:
    """An observation as a column; its output has a table of its own."""
    return record(value, exclude={"output"})


def effect(session: str, operation: int, position: int, value: Effect) -> tuple[object, ...]:
    """An effect as a row of ``effect``."""
    path = os.fsencode(value.path) if isinstance(value, FileEffect) else None
    detail = record(value, exclude=set(_APART))
    return session, operation, position, value.kind, path, value.change, value.reversibility, detail


def read_operations(
    db: sqlite3.Connection,
    views: Views,
    session: str,
    first: int,
    last: int,
    *,
    with_output: bool,
    effects_at: Collection[str] | None = None,
) -> list[Operation]:
    """The operations ``first`` to ``last`` of a session, in a fixed number of queries, within a transaction.

    Raises ``ValueError`` for what is not as schema.sql has it.
    """
    places = None if effects_at is None else {os.fsencode(path) for path in effects_at}
    wanted = (session, first, last)
    found = db.execute(_OPERATIONS, wanted).fetchall()
    known = views.read({row[4] for row in found} | {row[9] for row in found if row[9] is not None})
    reviews = dict(db.execute(_REVIEWS, wanted).fetchall())  # the last one of an operation wins
    outputs = dict(db.execute(_OUTPUTS, wanted).fetchall()) if with_output else {}
    ruling = cache(_ruling)  # a policy says the same few things again and again
    effects: defaultdict[int, list[Any]] = defaultdict(list)
    for operation, *effect in db.execute(_EFFECTS, wanted):
        if places is None or effect[0] is None or effect[0] in places or effect[2] == "renamed":
            effects[operation].append(effect)
    return [
        Operation(
            id=id,
            session=session,
            kind=kind,
            actor=actor,
            status=status or "intent",
            review=reviews.get(id),
            started=started,
            action=decoded(action),
            target=decoded(target) or (),
            decision=ruling(Decision, decision),
            observation=_observation(observation, outputs.get(id)),
            effects=tuple(_effect(*effect) for effect in effects[id]),
            judgement=ruling(Judgement, judgement),
            before=known[before],
            after=known[before if after is None else after],
            note=untext(note),
        )
        for id, kind, actor, started, before, action, target, decision, *outcome in found
        for status, after, observation, judgement, note in (outcome,)
    ]


def read_work(db: sqlite3.Connection, session: str) -> dict[int, dict[str, Any]]:
    """Action, effects and review of every operation of a session."""
    effects: defaultdict[int, list[Any]] = defaultdict(list)
    for operation, *effect in db.execute(_EFFECTS, (session, 1, _LAST)):
        effects[operation].append(_effect(*effect))
    reviews = dict(db.execute(_REVIEWS, (session, 1, _LAST)).fetchall())
    return {
        id: {
            "action": decoded(action),
            "effects": tuple(map(_EFFECT.validate_python, effects[id])),
            "review": reviews.get(id),
        }
        for id, action in db.execute("SELECT id, action FROM operation WHERE session = ? ORDER BY id", (session,))
    }


def read_actions(db: sqlite3.Connection, session: str, actor: str) -> list[Mapping[str, Any]]:
    return [decoded(action) for (action,) in db.execute(_ACTIONS, (session, actor)) if action is not None]


def read_paths(db: sqlite3.Connection, session: str) -> dict[int, set[str]]:
    """The paths of its effects, by operation."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for operation, path in db.execute(_PATHS, (session,)):
        found[operation].add(os.fsdecode(path))
    return found


def _effect(path: bytes | None, kind: str, change: str, reversibility: str, detail: str) -> Any:
    fields = {"kind": kind, "change": change, "reversibility": reversibility}
    place = {} if path is None else {"path": os.fsdecode(path)}
    return _object(detail) | fields | place


def decoded(column: str | None) -> Any:
    """A JSON column's value; None for NULL."""
    # What json.loads does after it has looked for spaces, which our columns have none of: twice as fast.
    return None if column is None else _decode(column)[0]


def _object(column: str) -> dict[str, Any]:
    found = decoded(column)
    if not isinstance(found, dict):
        raise ValueError(f"{column[:20]} is no JSON object")
    return found


def _ruling(model: type[_Ruling], column: str | None) -> _Ruling | None:
    return None if column is None else model.model_validate(decoded(column))


def _observation(column: str | None, output: str | None) -> Observation | None:
    return None if column is None else Observation.model_validate(_object(column) | {"output": untext(output)})


def read_due(db: sqlite3.Connection) -> list[tuple[str, int, float]]:
    """See ``Journal.due``: what an operation has there goes as a whole, when the last of it is due."""
    waits: dict[tuple[str, int], float] = {}
    for session, operation, due in db.execute(_DUE):
        which = (session, operation)
        waits[which] = max(waits.get(which, 0.0), math.inf if due is None else due)
    return [(*which, due) for which, due in waits.items() if due < math.inf]
