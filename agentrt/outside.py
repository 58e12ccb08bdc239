"""What a move means for databases: the marks of the views it goes between, as steps of each database.

An operation's mark is in a view while what it changed stands. What took acts out has a mark of its own, which stands
for taking them back; so a list of marks is never more than what was done, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from agentrt import resources
from agentrt.contracts import Step
from agentrt.errors import Conflict
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


async def plan(runtime: Runtime, steps: Mapping[str, Sequence[Step]]) -> tuple[list[Effect], list[PathConflict]]:
    """What the steps would do, and what stands against them; nothing is touched.

    Raises ``UsageError`` for a database this session does not know, ``ResourceError`` for one that is out of reach.
    """
    effects: list[Effect] = []
    conflicts: list[PathConflict] = []
    for name, its in steps.items():
        planned = await resources.of(runtime.databases, name).plan_undo(its)
        effects += planned.effects
        conflicts += planned.conflicts
    return effects, conflicts


async def check(runtime: Runtime, steps: Mapping[str, Sequence[Step]], kind: str) -> None:
    """Raises ``Conflict``, and as ``plan``."""
    _, conflicts = await plan(runtime, steps)
    if conflicts:
        more = f" and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
        raise Conflict(
            f"{kind} would overwrite what somebody else changed since: {conflicts[0].path}{more}",
            conflicts=conflicts,
            hint="put these rows back as they were; nothing was touched",
        )


class Turning:
    """Steps in databases, taken while an operation is carried out, and taken back where it fails."""

    def __init__(self, runtime: Runtime) -> None:
        self._databases = runtime.databases
        self._done: Mapping[str, Sequence[Step]] = {}

    async def turn(self, steps: Mapping[str, Sequence[Step]]) -> list[Effect]:
        """What that changed. Raises ``Conflict``, ``ResourceError``: then nothing is changed."""
        effects = await resources.turn(self._databases, steps)
        self._done = steps
        return effects

    async def back(self) -> None:
        """Raises as ``turn``."""
        steps, self._done = self._done, {}
        await resources.turn_back(self._databases, steps)
