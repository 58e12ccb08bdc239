"""What a method is: typed parameters, and a function of the host and them that gives plain JSON values."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, ValidationError

from agentrt.documents import nearest
from agentrt.errors import UsageError
from agentrt.hosting.wire import Channel, gone
from agentrt.records import Record

if TYPE_CHECKING:
    from agentrt.hosting.host import Host

T = TypeVar("T")
Number = Annotated[int, Field(ge=0, le=2**53)]
"""Of an operation."""


class Params(Record):
    """Of one method, as JSON has them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class OfSession(Params):
    """About one session: the workspace's current one where none is named."""

    session: str | None = None


class OfCaller(OfSession):
    """And about who asks: such a method is given the ``Caller`` as well."""


@dataclass(frozen=True)
class Caller:
    """Who asked, and what came with the request."""

    files: Sequence[int]
    """Descriptors, closed when the request is answered."""
    gone: asyncio.Event
    """Set when nobody waits for the answer any more, or the host ends."""
    channel: Channel

    async def keep(self, work: Coroutine[Any, Any, T]) -> T:
        """``work``, no longer than there is somebody to do it for. Raises ``HostGone``."""
        task, left = asyncio.ensure_future(work), asyncio.ensure_future(self.gone.wait())
        try:
            await asyncio.wait([task, left], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise gone("the host ended")
            return task.result()
        finally:
            left.cancel()
            task.cancel()
            await asyncio.wait([task])


Method = tuple[type[Params], Callable[..., Awaitable[Any]]]
"""The function is given the host and the parameters; of an ``OfCaller`` the caller, too."""


def read(methods: Mapping[str, Method], name: object, params: object) -> Callable[[Host, Caller], Awaitable[Any]]:
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
    if issubclass(kind, OfCaller):
        return lambda host, caller: does(host, given, caller)
    return lambda host, _: does(host, given)


def _takes(kind: type[Params]) -> str:
    return f"it takes {', '.join(f'`{name}`' for name in kind.model_fields) or 'nothing'}"
