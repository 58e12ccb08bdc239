"""``--actor``: all that one agent, or a person, did and that still stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from agentrt.errors import UsageError
from agentrt.runtime import Runtime
from agentrt.showing.plain import plain

from .options import Where
from .render import put, put_json

Actor = Annotated[
    str | None, Parameter(name="--actor", help="Instead of numbers: all operations of this agent that still stand.")
]


def check(named: Sequence[object], actor: str | None) -> None:
    """Raises ``UsageError`` where both say what is meant."""
    if named and actor is not None:
        raise UsageError("operations and --actor at once", hint="name the operations, or say whose are meant")


def operations(runtime: Runtime, named: Sequence[int], actor: str | None) -> Sequence[int]:
    """Raises ``UnknownOperation`` where nobody of that name did anything."""
    return named if actor is None else runtime.standing_of(actor)


def put_nothing(kind: str, actor: str, where: Where) -> int:
    """As ``apply`` with nothing to do: 0."""
    if where.json:
        put_json({"id": None, "kind": kind, "status": "nothing", "target": [], "effects": [], "paths": []})
    else:
        put(f"nothing to {kind}: no work of {plain(actor)} is in the session's files")
    return 0
