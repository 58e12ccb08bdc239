"""How operations are named to planners."""

from __future__ import annotations

from collections.abc import Iterable

from agentrt.records import Operation


def named(ids: Iterable[int]) -> str:
    """``operation 3``, ``operations 3, 5``"""
    numbers = sorted(ids)
    return f"operation{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


def words(operation: Operation) -> str:
    """``bash make test``"""
    if operation.kind != "act" or operation.action is None:
        return operation.kind
    told = {key: value for key, value in operation.action.items() if key in ("command", "path")}
    return " ".join([str(operation.action.get("kind", "")), *(str(value)[:200] for value in told.values())])
