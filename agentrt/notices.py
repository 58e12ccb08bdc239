"""How operations are named to planners."""

from __future__ import annotations

from agentrt.records import Operation


def words(operation: Operation) -> str:
    """``bash make test``"""
    if operation.kind != "act" or operation.action is None:
        return operation.kind
    told = {key: value for key, value in operation.action.items() if key in ("command", "path")}
    return " ".join([str(operation.action.get("kind", "")), *(str(value)[:200] for value in told.values())])
