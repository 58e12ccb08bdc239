"""A conversation as the Responses API wants it: items."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentrt.planners.transcript import Outcome, Transcript
from agentrt.records import ToolSpec, Turn

from . import native
from .names import foreign_name, function_name

GO_ON = "Go on."
_OUTCOMES = "So far the outcomes."
NO_OUTCOME = "It was not carried out."
Fits = Mapping[str, Any]
"""What must be the same in a turn's native form for it to be sent back as it came."""


def fitting(turn: Turn, fits: Fits) -> Mapping[str, Any] | None:
    """The turn as this server's model said it, if it did."""
    kept = turn.native
    return kept if kept is not None and all(kept.get(name) == value for name, value in fits.items()) else None


def tools(specs: Sequence[ToolSpec], *, native_tools: bool) -> list[dict[str, Any]]:
    """In the order they are in, which is the same in each request: they are the beginning of what is cached."""
    return [
        native.OFFERED[spec.name]
        if native_tools and spec.name in native.OFFERED
        else {
            "type": "function",
            "name": spec.name,
            "description": spec.description,
            "parameters": spec.parameters,
            "strict": False,
        }
        for spec in specs
    ]


def items(told: Transcript, fits: Fits, last: str, *, marked: bool) -> list[dict[str, Any]]:
    """``last`` comes last; what precedes it is the beginning of the next request, too. With ``marked``, each step ends
    with a breakpoint: what was written to the cache is found at one, and ``last`` is not there the next time."""
    found: list[dict[str, Any]] = []
    for step in told.steps:
        made = [] if step.turn is None else list(_turn(step.turn, step.outcomes, fits))
        made += map(_said, step.notes)
        found += _marked(made) if marked else made
    if last:
        # Of the developer: after something that a person said, some models forget what they thought before it.
        found.append({"role": "developer", "content": last})
    if not found or not (found[-1].get("role") in ("user", "developer") or _answers(found[-1])):
        found.append(_said(GO_ON))
    return found


def _said(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def _marked(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With a breakpoint at the end. The outputs of native tools have no place for one."""
    if not made:
        return made
    *rest, end = made
    if end.get("role") == "user":
        return [*rest, {**end, "content": [_breakpoint(end["content"])]}]
    if end.get("type") == "function_call_output":
        return [*rest, {**end, "output": [_breakpoint(end["output"])]}]
    if _answers(end):
        return [*made, {"role": "developer", "content": [_breakpoint(_OUTCOMES)]}]
    return made


def _answers(item: Mapping[str, Any]) -> bool:
    return str(item.get("type", "")).endswith("_output")


def _breakpoint(text: str) -> dict[str, Any]:
    return {"type": "input_text", "text": text, "prompt_cache_breakpoint": {"mode": "explicit"}}


def _turn(turn: Turn, outcomes: Sequence[Outcome], fits: Fits) -> Iterator[dict[str, Any]]:
    """A turn, and an output for each of its calls."""
    kept = fitting(turn, fits)
    if kept is None:
        yield from _rebuilt(turn, outcomes)
        return
    yield from kept["items"]
    by_call = {outcome.call: outcome for outcome in outcomes}
    for item, calls in zip(kept["items"], kept["calls"], strict=True):
        if calls:
            came = [by_call.get(call) or Outcome(call, NO_OUTCOME, failed=True) for call in calls]
            yield _output(item, came)


def _output(item: Mapping[str, Any], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    if item["type"] in native.CALLS:
        return native.answered(item, outcomes)
    return {"type": "function_call_output", "call_id": item["call_id"], "output": outcomes[0].text}


def _rebuilt(turn: Turn, outcomes: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    """Of another planner's turn."""
    if turn.text:
        yield {"role": "assistant", "content": turn.text}
    for action in turn.actions:
        arguments = json.dumps({} if action.malformed else action.arguments)
        name = function_name(action.kind)
        call = foreign_name(action.call)
        yield {"type": "function_call", "call_id": call, "name": name, "arguments": arguments}
    for outcome in outcomes:
        yield {"type": "function_call_output", "call_id": foreign_name(outcome.call), "output": outcome.text}
