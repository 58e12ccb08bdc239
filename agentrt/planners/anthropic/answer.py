"""What the Messages API streams: events that become blocks, and blocks that become a turn."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Literal

from agentrt.errors import ContextOverflow
from agentrt.planners.calls import joined, read_arguments
from agentrt.records import ProposedAction, Turn, Usage

from .messages import THINKING, Block, Request, wire_name
from .native import Native

_CUT = ("max_tokens", "model_context_window_exceeded", "pause_turn")
_TEXTS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
_PARTED = "\n\n"
"""Between texts that came apart."""


class Answer:
    """Of one request."""

    def __init__(self) -> None:
        self.finished = False
        self._blocks: dict[int, _Streamed] = {}
        self._head: Mapping[str, Any] = {}
        self._ending: Mapping[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._speaking: int | None = None

    def take(self, event: Mapping[str, Any]) -> str:
        """The next event; gives what is said by it. Kinds that are not known are passed over. Raises what a shape that
        is none raises: ``KeyError``, ``TypeError``, ``AttributeError``."""
        kind = event["type"]
        if kind == "message_start":
            self._head = event["message"]
            self._count(self._head.get("usage"))
        elif kind == "content_block_start":
            self._blocks[event["index"]] = _Streamed(event["content_block"])
            return self._said(event["index"], event["content_block"].get("text") or "")
        elif kind == "content_block_delta":
            block, delta = self._blocks[event["index"]], event["delta"]
            block.take(delta)
            if delta["type"] == "text_delta":
                return self._said(event["index"], delta["text"])
        elif kind == "content_block_stop":
            self._blocks[event["index"]].whole = True
        elif kind == "message_delta":
            self._ending = {**self._ending, **event["delta"]}
            self._count(event.get("usage"))
        elif kind == "message_stop":
            self.finished = True
        return ""

    def _count(self, usage: Mapping[str, Any] | None) -> None:
        """The last number counts: each is of all that was until then."""
        self._usage |= {key: value for key, value in (usage or {}).items() if value is not None}

    def _said(self, index: int, text: str) -> str:
        if not text:
            return ""
        parted = _PARTED if self._speaking not in (None, index) else ""
        self._speaking = index
        return parted + text

    def turn(self, request: Request, native: Native) -> Turn:
        """Raises ``ContextOverflow`` where the context was full before anything could be done."""
        reason = self._ending.get("stop_reason")
        streamed = [self._blocks[index] for index in sorted(self._blocks)]
        text = _PARTED.join(filter(None, (block.text for block in streamed)))
        usage, model = self._used(), str(self._head.get("model") or "")
        if reason == "refusal":
            # The vendor wants a declined turn to be left out of what follows, calls and thinking with it.
            return Turn(text=text or self._declined(), usage=usage, ending="refused", model=model)
        cut = reason in _CUT
        if cut and streamed and streamed[-1].kind == "tool_use" and not streamed[-1].can_be_read:
            streamed.pop()
        content, actions = _read(streamed, request, native)
        if reason == "model_context_window_exceeded" and not actions:
            raise ContextOverflow(
                "the conversation fills the model's context", hint="a shorter one can be gone on with"
            )
        ending: Literal["complete", "truncated"] = "truncated" if cut else "complete"
        kept = {**request.kept, "content": content}
        return Turn(text=text, actions=tuple(actions), usage=usage, ending=ending, model=model, native=kept)

    def _declined(self) -> str:
        details = self._ending.get("stop_details") or {}
        category, why = details.get("category"), details.get("explanation")
        return f"The model declines to go on{f' ({category})' if category else ''}{f': {why}' if why else '.'}"

    def _used(self) -> Usage:
        def number(value: Any) -> int:
            return value if isinstance(value, int) and value > 0 else 0

        cached = number(self._usage.get("cache_read_input_tokens"))
        written = number(self._usage.get("cache_creation_input_tokens"))
        details = self._usage.get("output_tokens_details")
        return Usage(
            input_tokens=number(self._usage.get("input_tokens")) + cached + written,
            cached_tokens=cached,
            cache_written_tokens=written,
            output_tokens=number(self._usage.get("output_tokens")),
            reasoning_tokens=number(details.get("thinking_tokens")) if isinstance(details, dict) else 0,
        )


class _Streamed:
    """A block and what is added to it."""

    def __init__(self, begun: Mapping[str, Any]) -> None:
        self.kind = str(begun["type"])
        self.whole = False
        self._begun = dict(begun)
        self._pieces: dict[str, list[str]] = {}

    def take(self, delta: Mapping[str, Any]) -> None:
        kind = delta["type"]
        if kind in _TEXTS:
            self._pieces.setdefault(_TEXTS[kind], []).append(delta[_TEXTS[kind]])
        elif kind == "input_json_delta":
            self._pieces.setdefault("input", []).append(delta["partial_json"])

    @property
    def text(self) -> str:
        return str(self.block.get("text", "")) if self.kind == "text" else ""

    @property
    def block(self) -> Block:
        """As it is to be sent again, but for a call's input."""
        added = {name: pieces for name, pieces in self._pieces.items() if name != "input"}
        whole = {name: joined([self._begun.get(name) or "", *pieces]) for name, pieces in added.items()}
        # The API's answers have fields that its requests need not have, empty as they are.
        return {**{key: value for key, value in self._begun.items() if value is not None}, **whole}

    def arguments(self) -> tuple[dict[str, Any], str]:
        pieces = self._pieces.get("input", [])
        if any(pieces):
            return read_arguments(joined(pieces))
        given = self._begun.get("input")
        return (given, "") if isinstance(given, dict) else ({}, "the arguments must be an object")

    @property
    def can_be_read(self) -> bool:
        """Of a call in an answer that was cut off: nothing at all is no arguments there."""
        return self.whole and any(self._pieces.get("input", [])) and not self.arguments()[1]


def _read(streamed: list[_Streamed], request: Request, native: Native) -> tuple[list[Block], list[ProposedAction]]:
    """What is sent again of an answer, and the actions it proposes."""
    content: list[Block] = []
    actions: list[ProposedAction] = []
    taken = set(request.calls)
    for one in streamed:
        block = one.block
        if one.kind == "tool_use":
            call, name = block.get("id"), str(block.get("name") or "")
            if not isinstance(call, str) or not call or call in taken:
                call = f"call_{uuid.uuid4().hex[:24]}"
            taken.add(call)
            given, malformed = one.arguments()
            action = None if malformed else native.action(call, name, given)
            kind = request.names.get(name, name)
            if malformed and (meant := native.action(call, name, {})) is not None:
                kind = meant.kind
            action = action or ProposedAction(call=call, kind=kind, arguments=given, malformed=malformed)
            actions.append(action)
            block |= {"id": call, "name": wire_name(name), "input": given}
        elif one.kind in THINKING and not (block.get("signature") or block.get("data")):
            continue  # cut off before it was signed: the API would not take it back
        content.append(block)
    return content, actions
