"""Operations, effects and conflicts in words: the same on the command line, in the app and in reports.

What these give is safe to show: every untrusted string in it has passed ``plain``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

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
    dump_json,
)

from .plain import plain

if TYPE_CHECKING:
    from agentrt.history.journal import SessionInfo

_TOLD = ("command", "path", "pattern", "glob", "args", "patch")
"""Fields of an action that say most of what it is about, first ones first."""


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
    if operation.kind == "act" and operation.action is not None:
        kind = str(operation.action.get("kind", "?"))
        told = next((operation.action[key] for key in _TOLD if operation.action.get(key)), "")
        words = " ".join(map(str, told)) if isinstance(told, list | tuple) else str(told)
        if kind == NARROW:
            words = dump_json(operation.action.get("rules"))
        elif kind == "read" and not told and "output" in operation.action:
            words = f"the output of operation {operation.action['output']}"
        return plain(f"$ {words}" if kind == "bash" else f"{kind} {words}".strip())
    ids = ", ".join(map(str, operation.target))
    if operation.kind == "restore":
        return "to the start" if operation.target == (0,) else f"to operation {ids}"
    asked = operation.action or {}
    if asked.get("kind") == "review_deadline":
        return plain(f"review within {asked['seconds']:g} s, then {asked['then']}")
    if operation.kind == "apply" and "commit" in asked:
        return plain(f"{asked['kind']} {asked['branch']}" + (f", of {ids}" if ids else ""))
    if asked.get("kind") == "purge":
        return plain(f"purge {asked['path']}")
    because = str(asked.get("because", ""))
    about = ", ".join(asked.get("parts", {}))
    return plain(f"of {ids}" + (f", {about}" if about else "") + (f": {because}" if because else "")) if ids else ""


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
    files = [effect for effect in effects if isinstance(effect, FileEffect)]
    inside = [effect for effect in files if effect.in_workspace]
    words = [f"{count:,} {_VERB[change]}" for change, count in Counter(e.change for e in inside).items()]
    if words:
        number, verb = words[0].split(" ", 1)
        words[0] = f"{number} {'file' if number == '1' else 'files'} {verb}" if _only_files(inside) else words[0]
    if outside := len(files) - len(inside):
        words.append(f"{outside:,} outside the workspace")
    return ", ".join([*words, *_requests_text([effect for effect in effects if isinstance(effect, RequestEffect)])])


def _requests_text(requests: Sequence[RequestEffect]) -> list[str]:
    """``3 requests``, ``1 request refused``; what no undo takes back is never left out."""
    sent = [request for request in requests if request.change == "sent"]
    final = sum(request.reversibility == "irreversible" for request in sent)
    words = [counted(len(sent), "request") + (f" ({final:,} irreversible)" if final else "")] if sent else []
    return [*words, f"{counted(refused, 'request')} refused"] if (refused := len(requests) - len(sent)) else words


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


_VERB = {
    "created": "created",
    "modified": "changed",
    "deleted": "deleted",
    "renamed": "renamed",
    "mode": "with another mode",
}


def _only_files(effects: Iterable[FileEffect]) -> bool:
    states = [effect.after or effect.before for effect in effects]
    return all(state is None or state.type != "directory" for state in states)


def effect_line(effect: Effect) -> str:
    """``modified  src/a.py``, ``sent      GET https://pypi.org/simple/``"""
    if isinstance(effect, RequestEffect):
        return _request_line(effect)
    text = f"{effect.change:<9} {plain(effect.path)}"
    if effect.renamed_from is not None:
        text += f"  (was {plain(effect.renamed_from)})"
    elif effect.change == "mode" and effect.before is not None and effect.after is not None:
        text += f"  ({effect.before.mode:04o} → {effect.after.mode:04o})"
    elif effect.after is not None and effect.after.type != "file":
        text += f"  ({_type(effect)})"
    return text + (f"  — {plain(effect.note)}" if effect.note else "")


def _request_line(request: RequestEffect) -> str:
    text = f"{request.change:<9} {plain(request.method)} {plain(request.url)}"
    if request.status is not None:
        text += f"  ({request.status})"
    if request.change == "sent" and request.reversibility != "reversible":
        text += f"  {request.reversibility}"
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


def log_line(operation: Operation, digits: int, *, stands: bool, names: int = 0) -> str:
    """Number, time, who (in ``names`` columns), what kind, how it ended, its effects, what it was."""
    state: str = operation.status
    if operation.status == "settled":
        undone = operation.kind == "act" and not stands and not operation.is_verification
        state = "undone" if undone else operation.review or "done"
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
