"""A conversation as Chat Completions wants it: messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from agentrt.planners.transcript import Outcome, Transcript
from agentrt.planners.wire import foreign_name, function_name
from agentrt.records import ToolSpec, Turn

from .items import GO_ON, Fits, fitting

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
    _say(found, told.task["text"])
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
    if kept is not None:
        said, calls = kept["message"], kept["calls"]
    else:
        said, calls = _rebuilt(turn), [foreign_name(action.call) for action in turn.actions]
    if not said.get("content") and not said.get("tool_calls"):
        return
    yield said
    # A server's names for calls need not be unique in a conversation; what it gets back is what it gave.
    for call, outcome in zip(calls, outcomes, strict=True):
        yield {"role": "tool", "tool_call_id": call, "content": outcome.text}


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
