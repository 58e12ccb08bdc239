"""What a move means for databases: the marks of the views it goes between, as steps of each database.

An operation's mark is in a view while what it changed stands. What took acts out has a mark of its own, which stands
for taking them back; so a list of marks is never more than what was done, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Literal, Self

from agentrt import resources
from agentrt.contracts import Step
from agentrt.records import Effect, Operation, PathConflict, View

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

Way = Literal["back", "forth"]
Steps = dict[str, list[Step]]
"""By database, in the order in which they are taken."""


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


def _add(found: Steps, operation: Operation, way: Way, by_id: Callable[[int], Operation]) -> None:
    for database, step in _steps(operation, way, by_id):
        found.setdefault(database, []).append(step)


def _steps(operation: Operation, way: Way, by_id: Callable[[int], Operation]) -> Iterator[tuple[str, Step]]:
    if operation.kind == "act":
        mark = f"{operation.session}.{operation.id}"
        yield from ((database, Step(mark, way)) for database in operation.databases)
        return
    # It took its targets out, in this order: going back puts them there again, in the other one.
    inverted: Way = "back" if way == "forth" else "forth"
    for target in operation.target if way == "forth" else reversed(operation.target):
        yield from _steps(by_id(target), inverted, by_id)


async def plan(runtime: Runtime, steps: Steps) -> tuple[list[Effect], list[PathConflict]]:
    """What the steps would do, and what stands against them; nothing is touched. Raises as ``Turning.plan``."""
    async with Turning(runtime, steps) as turning:
        return await turning.plan()


class Turning:
    """Steps in databases, taken together with the rest of an operation. What is planned and not done is let go of in
    the end."""

    def __init__(self, runtime: Runtime, steps: Steps) -> None:
        self._databases, self._steps = runtime.databases, steps
        self._done: list[str] = []
        self.effects: list[Effect] = []
        """What was planned."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *about: object) -> None:
        for name in self._steps:
            if name in self._databases and name not in self._done:
                await self._databases[name].discard()

    async def plan(self) -> tuple[list[Effect], list[PathConflict]]:
        """What they do, and what stands against it: then nothing can be done.

        Raises ``UsageError`` for a database this session does not know, ``ResourceError`` for one that is out of reach.
        """
        self.effects, conflicts = [], list[PathConflict]()
        for name, its in self._steps.items():
            planned = await resources.of(self._databases, name).plan_undo(its)
            self.effects += planned.effects
            conflicts += planned.conflicts
        return self.effects, conflicts

    async def check(self, kind: str) -> None:
        """``plan``, and raises ``Conflict``."""
        _, conflicts = await self.plan()
        if conflicts:
            raise resources.against(kind, conflicts)

    async def turn(self) -> list[Effect]:
        """Do what was planned; what that changed. Raises ``ResourceError``: call ``back``."""
        for name in self._steps:
            await self._databases[name].undo()
            self._done.append(name)
        return self.effects

    async def back(self) -> None:
        """Take back what was done. Raises ``Conflict``, ``ResourceError``."""
        while self._done:
            name = self._done.pop()
            await resources.take(self._databases[name], resources.inverse(self._steps[name]))
