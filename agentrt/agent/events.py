"""What a run tells whoever watches it, as it happens. ``to_dict`` of each is a line of JSON Lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from agentrt.records import Operation, ProposedAction, Record, Text, Turn, Usage


class RunStarted(Record):
    """The session is open. Numbers are what a run that is resumed had used before."""

    event: Literal["started"] = "started"
    session: str
    resumed: bool = False
    turns: int = 0
    actions: int = 0
    usage: Usage = Usage()


class TurnTaken(Record):
    """The planner answered."""

    event: Literal["turn"] = "turn"
    number: int
    """From 1, in this run."""
    turn: Turn


class PlannerAsked(Record):
    """An agent's planner is asked for its next turn."""

    event: Literal["asked"] = "asked"
    actor: str


class TextCame(Record):
    """The next piece of what the planner is saying; all of it is in the turn."""

    event: Literal["text"] = "text"
    actor: str
    text: Text


class PlannerDelayed(Record):
    """The planner's server has a trouble that may pass. What it said since the last turn is void."""

    event: Literal["delayed"] = "delayed"
    actor: str
    seconds: float
    """Until it is asked again."""
    because: Text


class ConversationCompacted(Record):
    """What a planner is sent was cut down; the journal has all of it."""

    event: Literal["compacted"] = "compacted"
    actor: str
    operation: int
    tokens_before: int
    tokens_after: int
    """Both are estimates."""


class ActionStarted(Record):
    """An action is about to go through the transaction. ``actor`` is ``agent``, a crew member's name, or ``agentrt``
    for a check of the task's."""

    event: Literal["action"] = "action"
    actor: str
    action: ProposedAction
    shown: Text
    """One line for a person: what it would do."""


class ActionRefused(Record):
    """A proposal that is no action of any tool, or that cannot be carried out; the planner is told."""

    event: Literal["refused"] = "refused"
    actor: str
    action: ProposedAction
    because: Text


class ActionAnswered(Record):
    """An action that is about the conversation itself (``plan``, ``talk``, ``ask``) was answered."""

    event: Literal["answered"] = "answered"
    actor: str
    action: ProposedAction
    text: Text
    """What the planner is told."""


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


class NotDoneYet(Record):
    """The work was handed in, and what the task demands is not true; the planner is told."""

    event: Literal["not_done"] = "not_done"
    actor: str
    failures: tuple[Text, ...]


Event = (
    RunStarted
    | TurnTaken
    | PlannerAsked
    | TextCame
    | PlannerDelayed
    | ConversationCompacted
    | ActionStarted
    | ActionRefused
    | ActionAnswered
    | OutputCame
    | OperationSettled
    | NotDoneYet
    | RunEnded
)
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Nobody watches."""
