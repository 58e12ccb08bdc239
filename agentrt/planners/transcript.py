"""A conversation as a model is shown it: turns, each with the outcomes of its actions and what was said since.

Every API wants an answer to each request of the model's last turn, in its own shape; what they have in common is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentrt.agent.conversation import compacted, last_plan
from agentrt.records import Message, ProposedAction, Turn

_UNKNOWN = "It was not carried out, or what came of it was taken back: no outcome is known."


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one of a turn's actions."""

    call: str
    text: str
    exit_code: int | None = None
    """Of a command that was executed."""
    failed: bool = False
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A turn and what followed it until the next one; the first step has no turn, but the task."""

    turn: Turn | None
    outcomes: tuple[Outcome, ...]
    """One for each action of the turn, in their order."""
    notes: tuple[str, ...]
    """What people, the runtime and other agents said; never empty texts."""


@dataclass(frozen=True, slots=True)
class Transcript:
    task: Mapping[str, Any]
    """Body of the first message (``conversation.task``), with ``you``."""
    steps: tuple[Step, ...]
    reminder: str
    """To stand at the very end, where models follow it best (MMMT-IF), and behind what a vendor is to cache, as it is
    never where it was the last time: the task's rules and the agent's own plan. Empty where there is neither."""


def transcript(line: Sequence[Message]) -> Transcript:
    """Of one agent's line (``conversation.line_of``)."""
    task = line[0].body if line and line[0].role == "task" else {"text": ""}
    steps: list[Step] = []
    turn: Turn | None = None
    answers: dict[str, Outcome] = {}
    notes: list[str] = []

    def close() -> None:
        outcomes = (_answer(action, answers) for action in (turn.actions if turn else ()))
        steps.append(Step(turn, tuple(outcomes), tuple(note for note in notes if note.strip())))

    for message in compacted(line):
        if message.role == "planner":
            close()
            turn, answers, notes = Turn.from_dict(message.body), {}, []
        elif message.role == "observation":
            answers[message.body["call"]] = _outcome(message.body)
        elif message.role == "talk":
            # Set in, or a line of it would pass for a word of a person, or of ours.
            said = message.body["text"].replace("\n", "\n    ")
            notes.append(f"{message.body['actor']} says: {said}")
        else:
            notes.append(message.body["text"])
    close()
    return Transcript(task, tuple(steps), _reminder(task, last_plan(line)))


def _answer(action: ProposedAction, answers: Mapping[str, Outcome]) -> Outcome:
    known = answers.get(action.call)
    if known is None:
        return Outcome(action.call, _UNKNOWN, failed=True)
    return replace(known, failed=True) if action.malformed else known


def _outcome(body: Mapping[str, Any]) -> Outcome:
    failed, timed_out = body.get("failed", False), body.get("timed_out", False)
    return Outcome(body["call"], body["text"] or "done", body.get("exit_code"), failed, timed_out)


def _reminder(task: Mapping[str, Any], plan: Sequence[str]) -> str:
    parts = []
    if rules := task.get("rules"):
        parts.append("Rules of this task; all of them hold, now and at the end:\n" + _numbered(rules))
    if plan:
        parts.append("Your plan, as you wrote it down last:\n" + _numbered(plan))
    return "\n\n".join(parts)


def _numbered(texts: Sequence[str]) -> str:
    return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 1))
