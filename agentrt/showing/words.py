"""Operations, effects and conflicts in words: the same on the command line, in the app and in reports.

What these give is safe to show: every untrusted string in it has passed ``plain``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from agentrt.history.tallies import Tally, tally_of
from agentrt.narrowing import NARROW
from agentrt.records import (
    Decision,
    Effect,
    FileEffect,
    Judgement,
    Observation,
    Operation,
    PathConflict,
    RequestEffect,
    RowsEffect,
    SchemaEffect,
    dump_json,
)
from agentrt.records.operations import Kind, Review, Status

from .plain import plain, plain_lines

if TYPE_CHECKING:
    from agentrt.history.journal import SessionInfo

_TOLD = ("command", "path", "pattern", "glob", "args", "patch")
"""Fields of an action that say most of what it is about, first ones first."""

_PATCHED = re.compile(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$", re.MULTILINE)
"""The files a patch names."""


def operation_json(operation: Operation) -> dict[str, Any]:
    """As design and docs/cli.md fix it; a move or an apply has its ``paths``, too."""
    document = operation.to_dict()
    if operation.kind != "act":
        document["paths"] = paths_of(operation.files)
    return document


def paths_of(effects: Iterable[FileEffect]) -> list[str]:
    return [effect.path for effect in effects]


def action_text(operation: Operation) -> str:
    """What an operation was about, on one line."""
    return about_text(operation.kind, operation.action, operation.target, len(operation.files))


def about_text(kind: Kind, action: Mapping[str, Any] | None, target: tuple[int, ...], paths: int = 0) -> str:
    """The same, from what it says of an operation, and how many effects on files it had."""
    asked = action or {}
    if kind == "act" and action is not None:
        tool = str(asked.get("kind", "?"))
        told = next((asked[key] for key in _TOLD if asked.get(key)), "")
        words = " ".join(map(str, told)) if isinstance(told, list | tuple) else str(told)
        if told is asked.get("patch") and (files := _PATCHED.findall(words)):
            words = ", ".join(files)
        elif tool == "sql" and "statement" in asked:
            words = f"{asked.get('database')}: {asked['statement']}"
        elif tool == "http" and "url" in asked:
            words = f"{asked.get('method', 'GET')} {asked['url']}"
        elif tool == "push" and "branch" in asked:
            to = f":{asked['to']}" if asked.get("to") else ""
            words = f"{asked.get('remote', 'origin')} {asked['branch']}{to}"
        elif tool == NARROW:
            words = dump_json(asked.get("rules"))
        elif tool == "read" and not told and "output" in asked:
            words = f"the output of operation {asked['output']}"
        return plain(f"$ {words}" if tool == "bash" else f"{tool} {words}".strip())
    ids = ", ".join(map(str, target))
    if kind == "restore":
        return "to the start" if target == (0,) else f"to operation {ids}"
    if asked.get("kind") == "review_deadline":
        return plain(f"review within {asked['seconds']:g} s, then {asked['then']}")
    if kind == "apply":
        # What it accepted (its target) is not all that it wrote.
        parts = [f"{asked['kind']} {asked['branch']}"] if "commit" in asked else []
        parts += [f"of {', '.join(map(str, asked['ops']))}"] if asked.get("ops") else []
        return plain(", ".join([*parts, *([counted(paths, "path")] if paths else [])]))
    if asked.get("kind") == "purge":
        return plain(f"purge {asked['path']}")
    because = str(asked.get("because", ""))
    about = ", ".join(asked.get("parts", {}))
    return plain(f"of {ids}" + (f", {about}" if about else "") + (f": {because}" if because else "")) if ids else ""


def told_text(kind: Kind, about: str) -> str:
    """``$ make``, ``undo of 5, 4``, ``apply 11 paths``: what an operation was, from its ``about_text``."""
    return about if kind == "act" else f"{kind} {about}".rstrip()


def titled(info: SessionInfo) -> str:
    """A session's title, and where it began where it is a fork, to stand behind its name; safe to show."""
    title = f" — {plain(info.title)}" if info.title else ""
    return title + (f" (forked from {forked_text(info)})" if info.parent else "")


def forked_text(info: SessionInfo) -> str:
    """Where a fork began; empty for a session that is none."""
    if info.parent is None:
        return ""
    return f"{info.parent} at {info.parent_operation or 'its start'}"


def said_text(said: Decision | Judgement) -> str:
    """``ask (default.yaml:12): it writes outside; allowed by a person``"""
    text = f"{said.verdict.replace('_', ' ')} ({said.rule})" + (f": {said.because}" if said.because else "")
    answer = f"; {said.answer}" if isinstance(said, Decision) and said.answer else ""
    return plain(text + answer)


def exit_text(seen: Observation) -> str:
    """Empty where nothing was executed."""
    if seen.exit_code is None:
        return ""
    return f"exit code: {seen.exit_code} after {seen.seconds:.1f} s{', out of time' if seen.timed_out else ''}"


def effects_text(effects: Sequence[Effect]) -> str:
    """``2 files changed, 1 deleted``; empty for no effects."""
    return tally_text(tally_of(effects))


def tally_text(tally: Tally) -> str:
    """The same, from how many there are of which kind. What no undo takes back is never left out."""
    words = [f"{count:,} {_VERB[change]}" for change, count in tally.inside.items()]
    if words:
        number, verb = words[0].split(" ", 1)
        words[0] = words[0] if tally.folders else f"{number} {'file' if number == '1' else 'files'} {verb}"
    if tally.outside:
        words.append(f"{tally.outside:,} outside the workspace")
    if tally.rows:
        words.append(counted(tally.rows, "row"))
    if tally.schemas:
        words.append(counted(tally.schemas, "schema change"))
    if tally.held:
        words[-1] += " held back"
    final = f" ({tally.final:,} irreversible)" if tally.final else ""
    sent = (("sent", tally.sent, final), ("queued", tally.queued, " held back"), ("refused", tally.refused, " refused"))
    for change, count, then in sent:
        pushes = tally.pushes.get(change, 0)
        if count > pushes:
            words.append(counted(count - pushes, "request") + then)
        if pushes:
            words.append(counted(pushes, "push") + (then if change != "sent" else ""))
    return ", ".join(words)


def counted(number: int, what: str) -> str:
    plural = "es" if what.endswith("sh") else "s"
    return f"{number:,} {what}{plural if number != 1 else ''}"


_VERB = {
    "created": "created",
    "modified": "changed",
    "deleted": "deleted",
    "renamed": "renamed",
    "mode": "with another mode",
}


def effect_line(effect: Effect) -> str:
    """``modified  src/a.py``, ``sent      GET https://pypi.org/simple/``"""
    if isinstance(effect, RequestEffect):
        return _request_line(effect)
    if isinstance(effect, RowsEffect | SchemaEffect):
        return database_line(effect)
    text = f"{effect.change:<9} {plain(effect.path)}"
    if effect.renamed_from is not None:
        text += f"  (was {plain(effect.renamed_from)})"
    elif effect.change == "mode" and effect.before is not None and effect.after is not None:
        text += f"  ({effect.before.mode:04o} → {effect.after.mode:04o})"
    elif effect.after is not None and effect.after.type != "file":
        text += f"  ({_type(effect)})"
    return text + (f"  — {plain(effect.note)}" if effect.note else "")


def database_line(effect: RowsEffect | SchemaEffect) -> str:
    """``modified  app: users  (2 rows updated, 1 deleted)``, ``created   app: index by_name``"""
    if isinstance(effect, SchemaEffect):
        rows = f"  ({counted(effect.rows, 'row')})" if effect.rows else ""
        text = f"{effect.change:<9} {plain(effect.database)}: {plain(effect.object)} {plain(effect.name)}{rows}"
    else:
        parts = ((effect.inserted, "inserted"), (effect.updated, "updated"), (effect.deleted, "deleted"))
        said = [f"{number:,} {verb}" for number, verb in parts if number]
        first, _, verb = said[0].partition(" ")
        said[0] = f"{first} row{'s' * (first != '1')} {verb}"
        text = f"{effect.change:<9} {plain(effect.database)}: {plain(effect.table)}  ({', '.join(said)})"
    text += f"  queued{_due_text(effect.due)}" if effect.queued else ""
    return text + (f"  — {plain(effect.note)}" if effect.note else "")


def _due_text(due: float | None) -> str:
    """When what waits in the outbox goes out, unless it is dropped."""
    return "" if due is None else f"  by itself at {time_text(due)}"


def held_lines(action: Mapping[str, Any]) -> Iterator[str]:
    """All of a request that is held back: who releases it has to see it. A body of several lines is shown anyway."""
    yield from (plain(f"{name}: {value}") for name, value in (action.get("headers") or {}).items())
    body = action.get("body") or ""
    if body and "\n" not in body:
        yield plain(body)


def row_lines(effect: RowsEffect) -> Iterator[str]:
    """The first of its rows: ``- id=3 name=Ann`` as it was, ``+ id=3 name=Bob`` as it is."""
    for row in effect.rows:
        for sign, cells in (("-", row.before), ("+", row.after)):
            if cells is not None:
                yield plain(f"{sign} {' '.join(f'{name}={cell_text(value)}' for name, value in cells.items())}")
    if (more := effect.count - len(effect.rows)) > 0:
        yield f"… and {counted(more, 'row')} more"


def cell_text(value: object) -> str:
    return "NULL" if value is None else str(value)


def _request_line(request: RequestEffect) -> str:
    text = f"{request.change:<9} {plain(request.method)} {plain(request.url)}"
    if request.status is not None:
        text += f"  ({request.status})"
    if request.change == "sent" and request.reversibility != "reversible":
        text += f"  {request.reversibility}"
    text += _due_text(request.due)
    if request.inverse:
        text += f"  undo: {plain(request.inverse)}"
    if request.canary is not None:
        text += f"  with the planted {plain(request.canary)}"
    if request.secrets:
        text += f"  with {', '.join(map(plain, request.secrets))}"
    return text + (f"  — {plain(request.because)}" if request.because else "")


def _type(effect: FileEffect) -> str:
    assert effect.after is not None
    if effect.after.type == "symlink":
        return f"→ {plain(effect.after.target or '')}"
    return effect.after.type


def conflict_line(conflict: PathConflict) -> str:
    """Both sides, and whose the agent's side is."""
    ids = ", ".join(map(str, conflict.operations))
    by = f" (operation{'s' * (len(conflict.operations) > 1)} {ids})" if ids else ""
    return f"{plain(conflict.path)}: here {plain(conflict.theirs)}; agentrt{by}: {plain(conflict.ours)}"


def time_text(seconds: float, now: float | None = None) -> str:
    """The time of day, with the date where that is not today's."""
    then, today = time.localtime(seconds), time.localtime(now)
    return time.strftime("%H:%M:%S" if then[:3] == today[:3] else "%Y-%m-%d %H:%M:%S", then)


class Ended(Protocol):
    """Of an operation, what says how it ended."""

    @property
    def kind(self) -> Kind: ...
    @property
    def status(self) -> Status: ...
    @property
    def review(self) -> Review | None: ...
    @property
    def target(self) -> tuple[int, ...]: ...


def state_of(operation: Ended, *, stands: bool) -> str:
    """How it ended: a key of ``marks.STATES``."""
    if operation.status != "settled":
        return operation.status
    is_step = operation.kind == "act" and operation.target == ()
    return "undone" if is_step and not stands else operation.review or "done"


_ENDINGS = {"submit": "done", "verify": "failed", "rules": "failed", "interrupted": "stopped"}
"""How a run ended, in a word, by the code of its ``Ending``."""


def ending_text(code: str, reason: str) -> str:
    """How a run ended: in a word, and why. Lines are kept."""
    return f"{_ENDINGS.get(code, 'ended')}: {plain_lines(reason)}"


def log_line(operation: Operation, digits: int, state: str, *, names: int = 0) -> str:
    """Number, time, who (in ``names`` columns), what kind, how it ended (``state_of``), its effects, what it was."""
    return "  ".join(
        (
            f"{operation.id:>{digits}}",
            time_text(operation.started),
            f"{plain(operation.actor):<{max(names, 5)}}",
            f"{operation.kind:<7}",
            f"{state.replace('_', ' '):<11}",
            f"{effects_text(operation.effects) or '-':<24}",
            action_text(operation),
        )
    ).rstrip()
