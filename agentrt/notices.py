"""How operations are named to planners."""

from __future__ import annotations

from collections.abc import Iterable

from agentrt.records import FileEffect, Operation, RequestEffect
from agentrt.records.effects import is_queued

_NAMED = 5
_TOLD = frozenset({"command", "path", "database", "statement", "method", "url", "remote", "branch"})


def named(ids: Iterable[int]) -> str:
    """``operation 3``, ``operations 3, 5``"""
    numbers = sorted(ids)
    return f"operation{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


def stays_sent(operations: Iterable[Operation]) -> str:
    """What no undo of these takes back, and what it may not, in a sentence; empty where there is nothing."""
    requests = [request for op in operations for request in lasting(op) if not request.resource]
    sent = _list([f"{each.method} {each.url}" for each in requests if not _may_have_been_sent(each)])
    unknown = _list([f"{each.method} {each.url}" for each in requests if _may_have_been_sent(each)])
    told = [f"what was sent stays sent, no undo takes it back: {sent}"] if sent else []
    told += [f"what may have been sent was not taken back: {unknown}"] if unknown else []
    return "; ".join(told)


def _may_have_been_sent(request: RequestEffect) -> bool:
    """No answer came. Where TLS stayed closed something went through, whatever it was."""
    return request.status is None and request.method != "CONNECT"


def _list(named: list[str]) -> str:
    return ", ".join(named[:_NAMED]) + (f" and {len(named) - _NAMED} more" if len(named) > _NAMED else "")


def dropped(operations: Iterable[Operation]) -> str:
    """What of these waits in the outbox, and will not leave it, in a sentence; empty where nothing does."""
    waits: dict[str, None] = {}
    for operation in operations:
        if operation.review != "pending":
            continue
        for effect in filter(is_queued, operation.effects):
            if isinstance(effect, RequestEffect):
                waits[f"{effect.method} {effect.url}"] = None
            elif not isinstance(effect, FileEffect):
                waits[f"changes of {effect.database}"] = None
    return f"dropped from the outbox: {_list([*waits])}" if waits else ""


def lasting(operation: Operation) -> list[RequestEffect]:
    """What it sent that did something out there, or may have."""
    return [request for request in operation.requests if request.change == "sent" and lasts(request)]


def lasts(request: RequestEffect) -> bool:
    """Nothing takes it back, or nobody knows; a canary that was seen is not forgotten either."""
    return request.reversibility != "reversible" or request.canary is not None


def words(operation: Operation) -> str:
    """``bash make test``"""
    if operation.kind != "act" or operation.action is None:
        return operation.kind
    told = [str(value)[:200] for key, value in operation.action.items() if key in _TOLD]
    return " ".join([str(operation.action.get("kind", "")), *told])
