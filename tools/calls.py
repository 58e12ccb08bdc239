"""``calls``: several operations of services, some of which need what others answer; all of them, or none."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from agentrt.contracts import Answer, Database, Http, Tool, World
from agentrt.errors import AgentrtError, SandboxError, SandboxUnavailable, UsageError
from agentrt.records import Action, Observation, Record, dump_json

from .api import asked
from .apis.asking import part
from .display import count, one_line
from .http import refused
from .requests.inverse import went_well

_REFERENCE = re.compile(r"\{([a-z][a-z0-9_]*)(/[^{}]*)\}")
_NAME = r"^[a-z][a-z0-9_]{0,31}$"


class One(Record):
    """An operation. In its arguments, `{a/id}` is a part of what the call `a` answered."""

    api: Annotated[str, Field(min_length=1)]
    operation: Annotated[str, Field(min_length=1)]
    arguments: dict[str, Any] = Field(default_factory=dict)
    again: bool = False
    """As of `api`."""


class Calls(Action):
    """Ask services for several things that belong together."""

    kind: Literal["calls"] = "calls"
    calls: Annotated[dict[Annotated[str, Field(pattern=_NAME)], One], Field(min_length=1, max_length=50)]
    """By names of your own. Each begins as soon as those it refers to are answered."""


class CallsTool:
    name = "calls"
    description = (
        "Ask services for several things that belong together, as `api` does. An argument `{a/id}` is a part (a JSON "
        "pointer) of what the call `a` answered. If one fails, what the others did is taken back."
    )
    action: type[Action] = Calls
    queues: Literal[True] = True

    def fitted(self, databases: Mapping[str, Database], *, network: bool) -> Tool | None:
        return self if network else None

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Calls)
        try:
            _check(action.calls)
            plan = _Plan(action.calls, await world.http())
            await plan.run()
        except (OSError, UsageError) as error:
            return refused(error)
        seen = world.show("".join(f"{line}\n" for line in plan.lines()))
        return seen if plan.failed is None else seen.model_copy(update={"error": plan.failed})

    def show(self, action: Action) -> str:
        assert isinstance(action, Calls)
        told = ", ".join(f"{one.api} {one.operation}" for one in action.calls.values())
        return one_line(f"{count(len(action.calls), 'call')}: {told}")

    def reads(self, action: Action) -> Sequence[str] | None:
        return ()


class _Plan:
    """The calls, as they are made."""

    def __init__(self, calls: Mapping[str, One], http: Http) -> None:
        self._calls, self._http = calls, http
        self._answers: dict[str, tuple[Answer | None, str]] = {}
        self.failed: str | None = None
        """Which, why, and what became of the others."""

    async def run(self) -> None:
        left = dict(self._calls)
        while left and self.failed is None:
            ready = [name for name, one in left.items() if not set(_needs(one)) & left.keys()]
            # Those that are under way go on to their end: half a request is worse than one that is taken back.
            done = await asyncio.gather(*(self._one(name, left.pop(name)) for name in ready), return_exceptions=True)
            for name, error in zip(ready, done, strict=True):
                if isinstance(error, SandboxError | SandboxUnavailable) or (
                    isinstance(error, BaseException) and not isinstance(error, AgentrtError | OSError)
                ):
                    raise error
                if error is not None and self.failed is None:
                    self.failed = f"{name} failed: {error}"
        if self.failed is not None:
            self.failed += await self._taken_back()

    async def _one(self, name: str, one: One) -> None:
        """Raises ``UsageError``, ``ResourceError``, ``Unanswered``."""
        call, inverse = asked(one.api, one.operation, _bound(one.arguments, self._answers))
        answer, undo = await self._http.send(call, inverse, again=one.again)
        self._answers[name] = answer, undo
        if answer is not None and not went_well(call, answer):
            raise UsageError(f"it was answered with {answer.status}: {answer.body[:200].decode(errors='replace')}")

    async def _taken_back(self) -> str:
        if not self._answers:
            return "; nothing was done"
        try:
            await self._http.take_back()
        except AgentrtError as error:
            return f"; and what the others did could not be taken back: {error}"
        stay = [name for name, (answer, undo) in self._answers.items() if answer is not None and _stays(undo)]
        told = "; what the others did was taken back, as far as anything takes it back"
        return told + (f": look at {', '.join(stay)}" if stay else "")

    def lines(self) -> Iterator[str]:
        for name, (answer, undo) in self._answers.items():
            said = "held back" if answer is None else str(answer.status)
            yield f"{name}: {said}" + (f" [{undo}]" if undo else "")
            if answer is not None and answer.body:
                yield f"  {answer.body.decode(errors='surrogateescape')}"


def _stays(undo: str) -> bool:
    """It did something, and nothing takes it back."""
    return undo != "" and not undo.startswith("undo sends")


def _check(calls: Mapping[str, One]) -> None:
    """Raises ``UsageError`` for a call that refers to none, or, around others, to itself."""
    for name, one in calls.items():
        for needed in _needs(one):
            if needed not in calls:
                raise UsageError(f"{name} refers to {needed}, which is no call", hint=f"there is: {', '.join(calls)}")
    left = dict(calls)
    while left:
        ready = [name for name, one in left.items() if not set(_needs(one)) & left.keys()]
        if not ready:
            raise UsageError(f"each of these waits for another: {', '.join(left)}")
        for name in ready:
            del left[name]


def _needs(one: One) -> list[str]:
    return [name for name, _ in _REFERENCE.findall(json.dumps(one.arguments))]


def _bound(value: Any, answers: Mapping[str, tuple[Answer | None, str]]) -> Any:
    """With what was answered. Raises ``UsageError`` where that does not have it."""
    if isinstance(value, dict):
        return {name: _bound(each, answers) for name, each in value.items()}
    if isinstance(value, list):
        return [_bound(each, answers) for each in value]
    if not isinstance(value, str):
        return value

    def found(name: str, pointer: str) -> object:
        answer = answers[name][0]
        if answer is None:
            raise UsageError(f"{name} is held back: it has no answer yet")
        return part(answer.body, pointer, name)

    whole = _REFERENCE.fullmatch(value)
    if whole:
        return found(whole[1], whole[2])
    return _REFERENCE.sub(lambda each: _text(found(each[1], each[2])), value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else dump_json(value)
