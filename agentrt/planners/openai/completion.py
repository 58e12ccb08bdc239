"""An answer of Chat Completions: its chunks, in all the forms compatible servers have for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentrt.planners.calls import joined, read_arguments
from agentrt.records import ProposedAction

from .answer import Answer, Clean, Ending, arguments, usage
from .names import call_name, function_name
from .troubles import Complaint

_THOUGHT = ("reasoning_content", "reasoning")
"""Where servers put what the model thinks: DeepSeek, llama.cpp and older vLLM; Ollama, OpenRouter and newer vLLM."""
_DETAILS = "reasoning_details"
"""OpenRouter's list of blocks, some of them signed."""


@dataclass(slots=True)
class _Call:
    index: object
    id: str
    name: str
    text: str = ""
    value: Any = None
    """Arguments that came as an object."""


class CompletionReader:
    def __init__(self, clean: Clean) -> None:
        self._clean = clean
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._thought: dict[str, str] = {}
        self._details: list[Any] = []
        self._calls: list[_Call] = []
        self._finish = ""
        self._usage: object = None
        self._model = ""

    @property
    def over(self) -> bool:
        """Never: tokens are told after all else, if at all. The SDK ends it at ``[DONE]``, or with the connection."""
        return False

    @property
    def complete(self) -> bool:
        return bool(self._finish)

    def feed(self, event: Mapping[str, Any]) -> str:
        if error := event.get("error"):
            raise Complaint.of(error)
        self._usage = event.get("usage") or self._usage
        self._model = str(event.get("model") or self._model)
        choices = event.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return ""
        choice = choices[0]
        if error := choice.get("error"):
            raise Complaint.of(error)
        self._finish = str(choice.get("finish_reason") or self._finish)
        delta = choice.get("delta") or choice.get("message")  # a message where it came whole, not in chunks
        return self._delta(delta) if isinstance(delta, dict) else ""

    def _delta(self, delta: Mapping[str, Any]) -> str:
        text, refusal = _said(delta.get("content")), _said(delta.get("refusal"))
        self._text.append(text)
        self._refusal.append(refusal)
        for name in _THOUGHT:
            if isinstance(thought := delta.get(name), str):
                self._thought[name] = self._thought.get(name, "") + thought
        details, calls = delta.get(_DETAILS), delta.get("tool_calls")
        for block in details if isinstance(details, list) else []:
            _joined(self._details, block)
        for call in calls if isinstance(calls, list) else []:
            if isinstance(call, dict):
                self._call(call)
        return text + refusal

    def _call(self, delta: Mapping[str, Any]) -> None:
        function = delta.get("function")
        function = function if isinstance(function, dict) else {}
        index, name = delta.get("index"), _said(function.get("name"))
        called = _said(delta.get("id"))
        call = self._continued(index, called, name)
        if call is None:
            self._calls.append(call := _Call(index, called, name))
        call.id, call.name = call.id or called, call.name or name
        given = function.get("arguments")
        if isinstance(given, str):
            call.text += given
        elif given is not None:
            call.value = given

    def _continued(self, index: object, called: str, name: str) -> _Call | None:
        """The call that a piece belongs to. Some servers number no call, or each of them 0, and send them whole."""
        same = [call for call in self._calls if index is not None and call.index == index]
        call = (same or (self._calls if index is None else []))[-1:]
        if not call or (called and call[0].id and call[0].id != called):
            return None
        begins = bool(name) and not (called and called == call[0].id)
        if begins and (call[0].value is not None or (call[0].text and not read_arguments(call[0].text)[1])):
            return None
        return None if begins and index is None and call[0].name else call[0]

    def whole(self, taken: set[str]) -> Answer | None:
        if self._finish == "error":
            raise Complaint("the answer failed, and no reason is given")
        # Without an end, it was cut off; where tokens were counted, it was not.
        if not self._finish and not self._usage:
            return None
        ending: Ending = "truncated" if self._finish == "length" else "complete"
        text, refusal = joined(self._text), joined(self._refusal)
        if refusal or self._finish == "content_filter":
            ending = "refused"
        calls = [call for call in self._calls if call.name or call.text or call.value is not None]
        if ending == "refused":
            calls = []
        elif ending == "truncated" and calls and calls[-1].value is None and _broken(calls[-1].text):
            calls.pop()  # it was cut off
        made = [_made(call, taken, self._clean) for call in calls]
        said: dict[str, Any] = {"role": "assistant", "content": (text or refusal) or (None if made else "")}
        said |= self._thought | ({_DETAILS: self._details} if self._details else {})
        if made:
            said["tool_calls"] = [call for call, _ in made]
        return Answer(
            text=text or refusal,
            actions=tuple(action for _, action in made),
            ending=ending,
            native={"message": said},
            usage=usage(self._usage, ("prompt_tokens", "completion_tokens")),
            model=self._model,
        )


def _made(call: _Call, taken: set[str], clean: Clean) -> tuple[dict[str, Any], ProposedAction]:
    """The call as it is sent back, and the action it comes to."""
    text, read, malformed = arguments(call.text if call.value is None else call.value, clean)
    name = call_name(call.id, taken)
    function = {"name": function_name(call.name), "arguments": text}
    action = ProposedAction(call=name, kind=call.name, arguments=read, malformed=malformed)
    return {"id": name, "type": "function", "function": function}, action


def _broken(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return True
    return False


def _said(content: object) -> str:
    """Text, or the parts of it that are text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text")
    return "".join(text for text in texts if isinstance(text, str))


def _joined(blocks: list[Any], block: Any) -> None:
    """Pieces of a block come one by one, under its index."""
    last = blocks[-1] if blocks else None
    if (
        not isinstance(block, dict)
        or not isinstance(last, dict)
        or block.get("index") is None
        or any(block.get(name) != last.get(name) for name in ("index", "type"))
    ):
        blocks.append(block)
    else:
        for name, value in block.items():
            joins = name in ("text", "summary", "data") and isinstance(value, str) and isinstance(last.get(name), str)
            last[name] = last[name] + value if joins else last.get(name) if value is None else value
