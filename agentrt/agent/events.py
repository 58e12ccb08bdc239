"""What a run tells whoever watches it, as it happens. ``to_dict`` of each is a line of JSON Lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from agentrt.records import Operation, ProposedAction, Record, Text, Turn


class TurnTaken(Record):
    """The planner answered."""

    event: Literal["turn"] = "turn"
    number: int
    """From 1, in this run."""
    turn: Turn


class ActionStarted(Record):
    """An action is about to go through the transaction. ``actor`` is ``agent``, or ``agentrt`` for ``verify``."""

    event: Literal["action"] = "action"
    actor: str
    action: ProposedAction
    shown: Text
    """One line for a person: what it would do."""


class ActionRefused(Record):
    """A proposal that is no action of any tool; the planner is told."""

    event: Literal["refused"] = "refused"
    action: ProposedAction
    because: Text


class OutputCame(Record):
    """The running action printed something. ``data`` is raw: not whole lines, perhaps not whole characters.

    May be told on another thread than the rest.
    """

    event: Literal["output"] = "output"
    data: bytes


class OperationSettled(Record):
    """An action is through the transaction, whatever became of it."""

    event: Literal["operation"] = "operation"
    operation: Operation


class RunEnded(Record):
    """The conversation is over. ``code`` as in ``Ending``."""

    event: Literal["ended"] = "ended"
    code: str
    reason: Text


Event = TurnTaken | ActionStarted | ActionRefused | OutputCame | OperationSettled | RunEnded
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Nobody watches."""
