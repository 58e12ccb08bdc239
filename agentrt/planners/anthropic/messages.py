"""A conversation as the Messages API takes it.

What was sent once is sent again as it was, with new messages behind it: that is what the vendor caches, and what it
asks of those who give its thinking back. Models of today take a block of thinking only where all before it is what it
was, so each turn is kept with a digest of that; where a compaction, an undo or other tools made it something else, the
thinking is left out, as the vendor advises, and the rest of the turn stays.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentrt.planners.calls import sendable
from agentrt.planners.prompt import system
from agentrt.planners.transcript import Outcome, Transcript
from agentrt.records import ToolSpec, Turn

from .native import Native

Block = dict[str, Any]
THINKING = ("thinking", "redacted_thinking")
_GO_ON = "Go on."
"""Said where nothing else is: a conversation must not end with the model's own words."""
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_BREAKPOINTS = 3
"""Of the four that may be set, beside the one behind tools and system prompt: where this request, the last one and the
one before ended. The last request's is found again however many blocks have come since."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    system: list[Block]
    tools: list[Block]
    messages: list[Block]
    kept: Mapping[str, Any]
    """To be kept with the answer: whose it is, what it came after."""
    names: Mapping[str, str]
    """The kinds of actions, by the names of the tools."""
    calls: Collection[str]
    """Names of calls that are taken."""
    may_think: bool
    """Whether the calls that are answered were thought about; by budget, a model must not begin to in their midst."""


def write(
    told: Transcript,
    tools: Sequence[ToolSpec],
    native: Native,
    *,
    own: Mapping[str, Any],
    bound: bool,
    closing: str = "",
) -> Request:
    """``own``: what a turn of this planner's is kept with. ``bound``: thinking holds for one conversation only.
    ``closing``: stands at the end in place of the reminder."""
    writer = _Writer(native, _names(tools, native), own, bound)
    prompt = "\n".join(filter(None, [system(told.task), native.about]))
    writer.begin(prompt, tools)
    for number, step in enumerate(told.steps):
        ids = writer.assistant(step.turn) if step.turn else []
        writer.user(step.outcomes, ids, step.notes)
        following = told.steps[number + 1].turn if number + 1 < len(told.steps) else None
        if bound and following is not None and (said := writer.own_of(following).get("reminder")):
            writer.add("user", [_text(said)])
    end = closing or told.reminder
    if end.strip():
        writer.add("user", [_text(end)])
    writer.set_breakpoints()
    return writer.request("" if closing else end)


def _text(text: str) -> Block:
    return {"type": "text", "text": sendable(text)}


def wire_name(name: str) -> str:
    """A tool's name as the API takes it."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:120] or "_"


def _names(tools: Sequence[ToolSpec], native: Native) -> dict[str, str]:
    """A name the API takes, by ours."""
    names: dict[str, str] = {}
    taken = {tool["name"] for tool in native.tools}
    for tool in tools:
        name = bare = wire_name(tool.name)
        number = 1
        while name in taken and tool.name not in native.replaced:
            name, number = f"{bare}_{number + 1}", number + 1
        names[tool.name] = name
        taken.add(name)
    return names


class _Writer:
    def __init__(self, native: Native, names: dict[str, str], own: Mapping[str, Any], bound: bool) -> None:
        self._native, self._names, self._own, self._bound = native, names, own, bound
        self._system: list[Block] = []
        self._tools: list[Block] = []
        self._messages: list[Block] = []
        self._ends: list[Block] = []
        """The last block of each request so far, but for its reminder."""
        self._used: set[str] = set()
        self._digest = hashlib.sha256()
        self._thought: bool | None = None
        """Whether what the model does now, over several calls, began with thinking."""

    def begin(self, prompt: str, tools: Sequence[ToolSpec]) -> None:
        self._system = [_text(prompt)]
        offered = [tool for tool in tools if tool.name not in self._native.replaced]
        self._tools = [*self._native.tools, *map(self._named, offered)]
        self._count([*self._system, *self._tools])

    def _named(self, tool: ToolSpec) -> Block:
        schema = sendable({"type": "object", **tool.parameters})
        return {"name": self._names[tool.name], "description": sendable(tool.description), "input_schema": schema}

    def own_of(self, turn: Turn) -> Mapping[str, Any]:
        """The native form, if it is one of this planner's, and of this turn."""
        native = turn.native or {}
        content = native.get("content")
        if any(native.get(key) != value for key, value in self._own.items()) or not isinstance(content, list):
            return {}
        calls = [block.get("id") for block in content if block.get("type") == "tool_use"]
        return native if calls == [action.call for action in turn.actions] else {}

    def assistant(self, turn: Turn) -> list[str]:
        """Gives the ids of its calls, in their order, as the API has them."""
        native = self.own_of(turn)
        if native and self._used.isdisjoint(action.call for action in turn.actions):
            content = self._as_it_was(native)
            ids = [action.call for action in turn.actions]
        else:
            ids = [self._id(action.call) for action in turn.actions]
            content = self._rebuilt(turn, ids)
        self._used.update(ids)
        if content and self._thought is None:
            self._thought = content[0]["type"] in THINKING
        self.add("assistant", content)
        return ids

    def _as_it_was(self, native: Mapping[str, Any]) -> list[Block]:
        holds = not self._bound or native.get("prefix") == self._digest.hexdigest()
        content = [
            block
            for block in sendable(native["content"])
            # The API gives white space, and does not take it.
            if (block.get("text", "").strip() if block["type"] == "text" else holds or block["type"] not in THINKING)
        ]
        return content if any(block["type"] not in THINKING for block in content) else []

    def _rebuilt(self, turn: Turn, ids: Sequence[str]) -> list[Block]:
        content = [_text(turn.text)] if turn.text.strip() else []
        for call, action in zip(ids, turn.actions, strict=True):
            name, given = self._native.call(action.kind, action.arguments) or (
                self._names.get(action.kind) or wire_name(action.kind),
                action.arguments,
            )
            content.append({"type": "tool_use", "id": call, "name": name, "input": sendable(given)})
        return content

    def _id(self, call: str) -> str:
        name, number = call, 0
        while not _ID.fullmatch(name) or name in self._used:
            name = "call_" + hashlib.sha256(f"{number} {call}".encode(errors="surrogatepass")).hexdigest()[:24]
            number += 1
        self._used.add(name)
        return name

    def user(self, outcomes: Sequence[Outcome], ids: Sequence[str], notes: Sequence[str]) -> None:
        blocks: list[Block] = []
        for call, outcome in zip(ids, outcomes, strict=True):
            text = sendable(outcome.text) if outcome.text.strip() else "done"
            result = {"type": "tool_result", "tool_use_id": call, "content": text}
            blocks.append(result | ({"is_error": True} if outcome.failed else {}))
        if not blocks:
            self._thought = None
        blocks += map(_text, notes)
        if not blocks and (not self._messages or self._messages[-1]["role"] == "assistant"):
            blocks = [_text(_GO_ON)]
        self.add("user", blocks)
        if blocks:
            self._ends.append(blocks[-1])

    def add(self, role: str, blocks: list[Block]) -> None:
        """To the last message, where that is of the same role."""
        if not blocks:
            return
        self._count([{"role": role, **block} for block in blocks])
        if self._messages and self._messages[-1]["role"] == role:
            self._messages[-1]["content"] += blocks
        else:
            self._messages.append({"role": role, "content": list(blocks)})

    def _count(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            self._digest.update(json.dumps(block, sort_keys=True).encode())

    def set_breakpoints(self) -> None:
        for block in [*self._system, *self._ends[-_BREAKPOINTS:]]:
            block["cache_control"] = {"type": "ephemeral"}

    def request(self, reminder: str) -> Request:
        prefix = self._digest.hexdigest()
        kept = {**self._own, "prefix": prefix, **({"reminder": reminder} if reminder.strip() else {})}
        theirs = {name: kind for kind, name in self._names.items()}
        thought = self._thought is not False
        return Request(self._system, self._tools, self._messages, kept, theirs, frozenset(self._used), thought)
