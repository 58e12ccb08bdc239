"""The actions that no tool carries out: they are about the conversation itself, and the loop answers them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agentrt.records import Action, Text

from .conversation import EVERYBODY, PLAN, SUBMIT

ASK = "ask"
TALK = "talk"


class Submit(Action):
    """Hand the work in."""

    kind: Literal["submit"] = "submit"
    text: Text = ""
    """What was done, for the person who asked."""


class Plan(Action):
    """Write the plan down."""

    kind: Literal["plan"] = "plan"
    steps: Annotated[tuple[Text, ...], Field(strict=False)]
    """All steps in short, those that are done marked as done. They take the place of what was written down before."""


class AskPerson(Action):
    """Ask a person."""

    kind: Literal["ask"] = "ask"
    question: Annotated[Text, Field(min_length=1)]
    """What you need to know, and what you would do without an answer."""


class Talk(Action):
    """Say something to others of the crew."""

    kind: Literal["talk"] = "talk"
    text: Annotated[Text, Field(min_length=1)]
    """What you say."""
    to: str = EVERYBODY
    """The name of the agent, or `all`."""
    hand_over: bool = False
    """You are done for now: the one you talk to goes on."""


BUILTIN: dict[str, tuple[type[Action], str]] = {
    PLAN: (Plan, "Write down your plan, or how it stands now. It stays in your sight, however long this gets."),
    ASK: (AskPerson, "Ask the person you work for. There may be nobody; you are told so at once."),
    TALK: (
        Talk,
        "Say something to another agent of your crew, or to all. They hear it before their next turn.",
    ),
    SUBMIT: (Submit, "Hand the work in: the task is done. Ends the conversation, if what the task demands is true."),
}
"""By kind: the action, and what a planner is told about it."""
