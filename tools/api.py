"""``api``: an operation of a service, as its pack describes it, with what takes it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from agentrt.contracts import Call, Database, Inverse, Tool, World
from agentrt.errors import UsageError
from agentrt.records import Action, Observation, dump_json

from . import apis
from .apis import proofs
from .apis.asking import call_of, inverse_of
from .apis.pack import Pack
from .display import one_line
from .http import answered, refused


class Api(Action):
    """Ask a service for something."""

    kind: Literal["api"] = "api"
    api: Annotated[str, Field(min_length=1)]
    """The service."""
    operation: Annotated[str, Field(min_length=1)]
    """What is asked for."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """What the operation wants to know, by name."""
    again: bool = False
    """Send it even where an operation that lies behind, after a restore or on a fork, has sent the same."""


class ApiTool:
    name = "api"
    description = (
        "Ask a service for something it is known for, through the session's network rules; the answer says what undo "
        "would send. An unknown operation or argument is told with what there is."
    )
    action: type[Action] = Api
    queues: Literal[True] = True

    def fitted(self, databases: Mapping[str, Database], *, network: bool) -> Tool | None:
        return _Offering() if network else None

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Api)
        try:
            call, inverse = asked(action.api, action.operation, action.arguments)
            http = await world.http()
            answer, undo = await http.send(call, inverse, again=action.again)
        except (OSError, UsageError) as error:
            return refused(error)
        return answered(world, answer, undo)

    def show(self, action: Action) -> str:
        assert isinstance(action, Api)
        return one_line(f"api {action.api} {action.operation} {dump_json(action.arguments)}")

    def reads(self, action: Action) -> Sequence[str] | None:
        return ()


class _Offering(ApiTool):
    """Says what there is: all packs are read for that, and only for whoever wants to know."""

    @cached_property
    def description(self) -> str:  # type: ignore[override]  # made when it is read
        return f"{ApiTool.description} There is: {', '.join(map(_offered, apis.names()))}."


def asked(api: str, operation: str, arguments: Mapping[str, Any]) -> tuple[Call, Inverse | None]:
    """The request, and what takes it back. Raises ``UsageError``."""
    pack = apis.find(api)
    found = apis.operation_of(pack, operation)
    call = replace(call_of(pack, found, arguments), proved=_proved(pack, operation))
    return call, inverse_of(pack, found.undo, arguments) if found.undo is not None else None


def _proved(pack: Pack, operation: str) -> bool:
    try:
        return proofs.proof_of(pack, operation) is not None
    except UsageError:
        return False  # what cannot be read proves nothing; `api list` says why


def _offered(name: str) -> str:
    try:
        return f"{name} ({', '.join(apis.find(name).operations)})"
    except UsageError:
        return name  # what is wrong with it is told when it is used
