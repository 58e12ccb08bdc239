"""What a move means for resources: the marks of the views it goes between, as steps of each resource.

An operation's mark is in a view while what it changed stands. What took acts out has a mark of its own, which stands
for taking them back; so a list of marks is never more than what was done, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, Self

from agentrt import resources
from agentrt.contracts import Resource, Step
from agentrt.errors import AgentrtError
from agentrt.records import Effect, Operation, PathConflict, RequestEffect, View
from agentrt.resources import OUT
from agentrt.ways import Ways

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

Way = Literal["back", "forth"]
Steps = dict[str, list[Step]]
"""By resource, in the order in which they are taken."""


def between(now: View, there: View, operation: Callable[[int], Operation]) -> Steps:
    """What going from one view to another takes back, the newest first, and then puts there, the oldest first."""
    found: Steps = {}
    for mark in reversed(now.marks):
        if mark not in there.marks:
            _add(found, operation(mark), "back", operation)
    for mark in there.marks:
        if mark not in now.marks:
            _add(found, operation(mark), "forth", operation)
    return found


def taking_out(targets: Iterable[Operation], operation: Callable[[int], Operation]) -> Steps:
    """What taking out some operations, the newest first, does."""
    found: Steps = {}
    for target in targets:
        _add(found, target, "back", operation)
    return found


def taken_out(marks: Sequence[int], operation: Callable[[int], Operation]) -> dict[int, int]:
    """Of these marks' operations those whose changes were taken out, and by which of the others."""
    found: dict[int, int] = {}
    for mark in reversed(marks):
        if mark not in found and (taker := operation(mark)).kind != "act":
            found |= dict.fromkeys(taker.target, mark)
    return found


def _add(found: Steps, operation: Operation, way: Way, by_id: Callable[[int], Operation]) -> None:
    for resource, step in _steps(operation, way, by_id):
        found.setdefault(resource, []).append(step)


def _steps(operation: Operation, way: Way, by_id: Callable[[int], Operation]) -> Iterator[tuple[str, Step]]:
    if operation.kind == "act":
        mark = f"{operation.session}.{operation.id}"
        yield from ((resource, Step(mark, way)) for resource in operation.resources)
        return
    # It took its targets out, in this order: going back puts them there again, in the other one.
    inverted: Way = "back" if way == "forth" else "forth"
    for target in operation.target if way == "forth" else reversed(operation.target):
        yield from _steps(by_id(target), inverted, by_id)


async def plan(runtime: Runtime, steps: Steps) -> tuple[list[Effect], list[PathConflict]]:
    """What the steps would do, and what stands against them; nothing is touched. Raises as ``Turning.plan``."""
    async with Turning(runtime, steps, "user") as turning:
        return await turning.plan()


class Turning:
    """Steps in resources, taken together with the rest of an operation. What is planned and not done is let go of in
    the end."""

    def __init__(self, runtime: Runtime, steps: Steps, actor: str) -> None:
        # What leaves first: a database that has planned something is sure to do it, a server may not.
        self._steps = dict(sorted(steps.items(), key=lambda step: step[0] not in OUT))
        self._runtime = runtime
        self._resources: dict[str, Resource] = {}
        self._ways = Ways(runtime, actor)
        self._done: list[str] = []
        self._planned: list[Effect] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *about: object) -> None:
        for name, resource in self._resources.items():
            if name not in self._done:
                await resource.discard()

    async def plan(self) -> tuple[list[Effect], list[PathConflict]]:
        """What they do, and what stands against it: then nothing can be done.

        Raises ``UsageError`` for a database this session does not know, ``ResourceError`` for one that is out of reach.
        """
        self._planned, conflicts = [], list[PathConflict]()
        for name, its in self._steps.items():
            planned = await self._resource(name).plan_undo(its)
            self._planned += planned.effects
            conflicts += planned.conflicts
        return self._planned, conflicts

    async def check(self, kind: str) -> None:
        """``plan``, and raises ``Conflict``."""
        _, conflicts = await self.plan()
        if conflicts:
            raise resources.against(kind, conflicts)

    async def turn(self, op: Operation) -> list[Effect]:
        """Do what was planned, which is ``op``'s from here on; what that changed.

        Raises ``ResourceError``, ``Unanswered``: call ``back``.
        """
        self._ways.write(op)
        for name in self._steps:
            await self._resources[name].undo()
            self._done.append(name)
        return [*(effect for effect in self._planned if not isinstance(effect, RequestEffect)), *await self.sent()]

    async def back(self) -> str:
        """Take back what was done; where that cannot be, what stays, for people."""
        stays: list[str] = []
        while self._done:
            name = self._done.pop()
            try:
                await resources.take(self._resources[name], resources.inverse(self._steps[name]))
            except AgentrtError as error:
                stays.append(f"; and {resources.called(name)} could not be put back: {error}")
        return "".join(stays)

    async def sent(self) -> Sequence[Effect]:
        """The requests of it so far."""
        return await self._ways.end()

    def settled(self) -> None:
        """What was sent is in the journal."""
        self._ways.settled()

    def _resource(self, name: str) -> Resource:
        if name not in self._resources:
            out = name in OUT
            self._resources[name] = self._ways.outbox(name) if out else resources.of(self._runtime.databases, name)
        return self._resources[name]
