"""A conversation as Chat Completions wants it: messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from agentrt.planners.transcript import Outcome, Transcript
from agentrt.records import ToolSpec, Turn

from .items import GO_ON, NO_OUTCOME, Fits, fitting
from .names import foreign_name, function_name

Message = dict[str, Any]


def tools(specs: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {"name": spec.name, "description": spec.description, "parameters": spec.parameters},
        }
        for spec in specs
    ]


def messages(told: Transcript, fits: Fits, last: str, *, system: Message) -> list[Message]:
    """``last`` comes last. People and the model take turns: some models' templates refuse anything else."""
    found = [system]
    for step in told.steps:
        if step.turn is not None:
            _answer(found, list(_turn(step.turn, step.outcomes, fits)))
        for note in step.notes:
            _say(found, note)
    if last or found[-1]["role"] not in ("user", "tool"):
        _say(found, last or GO_ON)
    return found


def _say(found: list[Message], text: str) -> None:
    if not text:
        return
    if found[-1]["role"] == "user":
        found[-1] = {"role": "user", "content": f"{found[-1]['content']}\n\n{text}"}
    else:
        found.append({"role": "user", "content": text})


def _answer(found: list[Message], turn: list[Message]) -> None:
    if turn and found[-1]["role"] not in ("user", "tool"):
        found.append({"role": "user", "content": GO_ON})
    found += turn


def _turn(turn: Turn, outcomes: Sequence[Outcome], fits: Fits) -> Iterator[Message]:
    """A turn, and a message for each outcome; nothing of a turn in which nothing was said or done."""
    kept = fitting(turn, fits)
    said = _rebuilt(turn) if kept is None else kept["message"]
    if not said.get("content") and not said.get("tool_calls"):
        return
    yield said
    names = [foreign_name(outcome.call) if kept is None else outcome.call for outcome in outcomes]
    came = dict(zip(names, outcomes, strict=True))
    for call in said.get("tool_calls", ()):
        outcome = came.get(call["id"])
        yield {"role": "tool", "tool_call_id": call["id"], "content": outcome.text if outcome else NO_OUTCOME}


def _rebuilt(turn: Turn) -> Message:
    """Of another planner's turn, or of another server's."""
    calls = [
        {
            "id": foreign_name(action.call),
            "type": "function",
            "function": {
                "name": function_name(action.kind),
                "arguments": json.dumps({} if action.malformed else action.arguments),
            },
        }
        for action in turn.actions
    ]
    said: Message = {"role": "assistant", "content": turn.text or (None if calls else "")}
    return {**said, "tool_calls": calls} if calls else said
