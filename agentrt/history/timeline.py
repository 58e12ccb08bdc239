"""Undo, redo and restore as pure functions of what the journal says.

A settled act, restore, revert or apply is one step. ``undo`` moves steps from the done stack to the undone stack,
``redo`` moves one back, a new step empties the undone stack. Denied, failed, rolled back and unfinished operations
are no steps, nor are verifications, which leave everything as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from agentrt.errors import JournalError, UnknownOperation, UsageError
from agentrt.records import Operation, View
from agentrt.records.operations import Kind, Status

STEPS: frozenset[Kind] = frozenset({"act", "restore", "revert", "reject", "apply"})
"""The kinds of operations that undo takes back, once they have settled."""


@dataclass(frozen=True, slots=True)
class Step:
    """A move in time: the fields of the operation that would record it."""

    kind: Literal["undo", "redo", "restore"]
    target: tuple[int, ...]
    """The operations it is about, newest first."""
    view: View
    """Where it leads."""


class Happened(Protocol):
    """Of an operation, what says whether it is a step: a read-only part of ``Operation``."""

    @property
    def id(self) -> int: ...
    @property
    def session(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def status(self) -> Status: ...
    @property
    def target(self) -> tuple[int, ...]: ...
    @property
    def is_verification(self) -> bool: ...


class Steps:
    """The steps of a session that stand and those that were undone, up to now."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.undone: list[int] = []

    def add(self, operation: Happened) -> bool:
        """What happened next, or how what happened last has ended; whether these are others now.

        Raises ``JournalError`` where it does not follow.
        """
        if operation.status != "settled" or operation.is_verification:
            return False
        if operation.kind in STEPS:
            self.done.append(operation.id)
            self.undone.clear()
        elif operation.kind == "undo":
            _move(operation, self.done, self.undone)
        elif operation.kind == "redo":
            _move(operation, self.undone, self.done)
        else:
            return False
        return True


class Timeline:
    """One session, up to now."""

    def __init__(self, start: View) -> None:
        self.view = start
        """The current one."""
        self._steps = Steps()
        self._before: dict[int, View] = {}
        self._after: dict[int, View] = {0: start}

    @classmethod
    def of(cls, start: View, operations: Iterable[Operation]) -> Self:
        """Replay a session, oldest operation first. Raises ``JournalError`` where it contradicts itself."""
        timeline = cls(start)
        for operation in operations:
            timeline.add(operation)
        return timeline

    def add(self, operation: Operation) -> None:
        """What happened next, or how what happened last has ended. Raises ``JournalError`` where it does not follow."""
        self.view = operation.after
        self._before[operation.id], self._after[operation.id] = operation.before, operation.after
        self._steps.add(operation)

    @property
    def done(self) -> tuple[int, ...]:
        """Operations that stand, oldest first: what can be undone."""
        return tuple(self._steps.done)

    @property
    def undone(self) -> tuple[int, ...]:
        """Operations that were undone, the next to be redone last."""
        return tuple(self._steps.undone)

    def undo(self, n: int = 1) -> Step:
        """Take back the last ``n`` steps that stand. Raises ``UnknownOperation`` where there are fewer."""
        if n < 1:
            raise UsageError(f"cannot undo {n} steps", hint="give a number from 1 up")
        if not self.done:
            raise UnknownOperation("nothing to undo", hint="agentrt log shows what was done")
        if n > len(self.done):
            raise UnknownOperation(
                f"only {len(self.done)} to undo, not {n}", hint=f"agentrt undo {len(self.done)} takes back all"
            )
        target = self.done[-n:][::-1]
        return Step("undo", target, self._before[target[-1]])

    def redo(self) -> Step:
        """Do again what was undone last. Raises ``UnknownOperation`` where nothing is."""
        if not self.undone:
            raise UnknownOperation(
                "nothing to redo", hint="new work ends redo; agentrt restore OP still reaches every operation"
            )
        operation = self.undone[-1]
        return Step("redo", (operation,), self._after[operation])

    def restore(self, operation: int) -> Step:
        """Go to the view after any operation; 0 is the start. Raises ``UnknownOperation`` where there is none."""
        if operation not in self._after:
            last = max(self._after)
            raise UnknownOperation(f"no operation {operation}", hint=f"this session has 0 (its start) to {last}")
        return Step("restore", (operation,), self._after[operation])


def _move(operation: Happened, source: list[int], destination: list[int]) -> None:
    for target in operation.target:
        if not source or source[-1] != target:
            raise JournalError(
                f"operation {operation.id} of {operation.session} ({operation.kind} of {target}) does not follow"
                " from those before it",
                hint="the journal was changed by something else than agentrt; start over with agentrt new",
            )
        destination.append(source.pop())
