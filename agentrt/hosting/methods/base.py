"""What a method is: typed parameters, and a function of the host and them that gives plain JSON values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, ValidationError

from agentrt.documents import nearest
from agentrt.errors import UsageError
from agentrt.records import Record

if TYPE_CHECKING:
    from agentrt.hosting.host import Host

Number = Annotated[int, Field(ge=0, le=2**53)]
"""Of an operation."""


class Params(Record):
    """Of one method, as JSON has them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class OfSession(Params):
    """About one session: the workspace's current one where none is named."""

    session: str | None = None


Method = tuple[type[Params], Callable[["Host", Any], Awaitable[Any]]]


def read(methods: Mapping[str, Method], name: object, params: object) -> Callable[[Host], Awaitable[Any]]:
    """What was asked for, ready to be done. Raises ``UsageError``."""
    if not isinstance(name, str) or name not in methods:
        hint = nearest(name, methods) if isinstance(name, str) else ""
        raise UsageError(f"there is no method {name!r}", hint=hint or f"there are: {', '.join(methods)}")
    kind, does = methods[name]
    if not isinstance(params, dict):
        raise UsageError(f"{name}: `params` is an object", hint=_takes(kind))
    try:
        given = kind.model_validate(params)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{name}: `{where}`: {first['msg'].lower()}", hint=_takes(kind)) from None
    return lambda host: does(host, given)


def _takes(kind: type[Params]) -> str:
    return f"it takes {', '.join(f'`{name}`' for name in kind.model_fields) or 'nothing'}"
