"""What clients are told of a session: a record, and pure functions that fold what happens into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from agentrt.agent.conclusion import INTERRUPTED, Ending
from agentrt.agent.conversation import last_ended, unfinished
from agentrt.agent.events import (
    ActionRefused,
    ActionStarted,
    Event,
    OperationSettled,
    PlannerAsked,
    PlannerDelayed,
    RunEnded,
    RunStarted,
    TextCame,
    TurnTaken,
)
from agentrt.records import Message, Record, Text, Usage

MOST = 64 * 1024
"""Bytes of output, and letters of a planner's text, that are kept."""
_NO_AGENTS = ("agentrt", "user")
"""Their actions are checks of the task's, or by hand."""
Phase = Literal["idle", "planning", "acting", "asking", "stopping"]


class Pending(Record):
    """A question that nobody has answered yet."""

    id: str
    """Not used twice, also by hosts after this one."""
    kind: Literal["ask", "hold", "inquire"]
    """``ask``, ``hold``: whether an action may run (``answer``). ``inquire``: an agent's own question (``reply``)."""
    shown: Text
    """What would be done, on one line; the agent's question."""
    rule: Text = ""
    """``file:line`` of the rule that asks."""
    because: Text = ""
    actor: Text = ""
    asked: float
    """Since when, in seconds since the epoch."""


LEFT = Ending(code=INTERRUPTED.code, reason="the agent is not done", hint=INTERRUPTED.hint)
"""Of a run of which the journal does not have how it ended."""


class SessionState(Record):
    """One session, as its host has it. What was done is in the journal, and not here."""

    session: str
    phase: Phase = "idle"
    actor: Text = ""
    """Who plans or acts."""
    turns: int = 0
    """Of the run that goes or went last, as ``actions`` and ``usage``."""
    actions: int = 0
    usage: Usage = Usage()
    ending: Ending | None = None
    """Of the last run; None while one goes, and where there was none."""
    questions: tuple[Pending, ...] = ()
    queued: tuple[Text, ...] = ()
    """What was said to the agent and is not heard yet."""
    text: Text = ""
    """What the planner is saying, so far."""
    running: ActionStarted | None = None
    output: Text = ""
    """The tail of what the running action printed."""
    lines: int = 0
    """How many lines of it have ended, those before the tail as well."""
    planner: Text = ""
    """Who plans, on one line; empty where nobody can."""
    planner_hint: Text = ""
    """What to do about that."""


def journaled(conversation: Sequence[Message]) -> Ending | None:
    """How the last run ended, where none goes."""
    body = last_ended(conversation)
    if body is not None:
        return Ending.from_dict(body)
    return LEFT if unfinished(conversation) else None


def folded(state: SessionState, event: Event) -> SessionState:
    """What a run's event makes of a state. Output goes its own way (``with_output``)."""
    if isinstance(event, RunStarted):
        counts = {"turns": event.turns, "actions": event.actions, "usage": event.usage}
        return _with(state, phase="planning", ending=None, text="", running=None, output="", lines=0, **counts)
    if isinstance(event, PlannerAsked):
        return _with(state, phase="planning", actor=event.actor, text="")
    if isinstance(event, TextCame):
        return _with(state, text=(state.text + event.text)[-MOST:])
    if isinstance(event, TurnTaken):
        return _with(state, text="", turns=event.number, usage=state.usage + event.turn.usage)
    if isinstance(event, PlannerDelayed):
        return _with(state, text="")
    if isinstance(event, ActionStarted):
        counted = state.actions + (event.actor not in _NO_AGENTS)
        return _with(state, phase="acting", actor=event.actor, actions=counted, running=event, output="", lines=0)
    if isinstance(event, ActionRefused):
        return _with(state, actions=state.actions + 1)
    if isinstance(event, OperationSettled):
        return _with(state, phase="planning", running=None, output="", lines=0)
    if isinstance(event, RunEnded):
        return _with(state, text="")
    return state


def with_output(state: SessionState, text: str, skipped: int = 0) -> SessionState:
    """``text`` came, after as many lines that were left out; what is kept is its tail."""
    return _with(state, output=(state.output + text)[-MOST:], lines=state.lines + skipped + text.count("\n"))


def asked(state: SessionState, question: Pending) -> SessionState:
    return _with(state, questions=(*state.questions, question), phase="asking")


def answered(state: SessionState, question: str) -> SessionState:
    """It is no question any more, whoever or whatever answered it."""
    left = tuple(other for other in state.questions if other.id != question)
    phase: Phase = "asking" if left else "acting" if state.running is not None else "planning"
    return _with(state, questions=left, phase=phase if state.phase == "asking" else state.phase)


def stopping(state: SessionState) -> SessionState:
    return _with(state, phase="stopping")


def ended(state: SessionState, ending: Ending | None) -> SessionState:
    """Nothing goes on in the session; None: nothing that has an end did."""
    ending = ending if ending is not None else state.ending
    return _with(state, phase="idle", ending=ending, actor="", text="", running=None, output="", lines=0)


def queued(state: SessionState, texts: tuple[str, ...]) -> SessionState:
    return _with(state, queued=texts)


def _with(state: SessionState, **changes: object) -> SessionState:
    if "phase" in changes and state.phase == "stopping" and changes["phase"] != "idle":
        del changes["phase"]  # until it has stopped
    elif changes.get("phase") in ("planning", "acting") and state.questions and "questions" not in changes:
        changes["phase"] = "asking"
    return state.model_copy(update=changes)
