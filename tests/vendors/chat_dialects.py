"""Chat Completions as compatible servers speak it: what each does otherwise than OpenAI, as far as a client can tell.

``vllm``, ``llama.cpp`` and ``ollama`` are servers people run; ``sparse`` leaves out all that can be left out, ``chatty``
says everything in every chunk, ``whole`` does not stream.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from vendors import chat_wire
from vendors.refusal import Refusal
from vendors.request import Request
from vendors.script import Failure, Overflow, Reply
from vendors.sse import Answer, Event
from vendors.state import State

Chunk = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """Has what a protocol's module has."""

    chunks: Callable[[list[Chunk], dict[str, Any]], Iterable[Chunk]]
    """Of OpenAI's chunks, and the whole answer, its own."""
    worded: Callable[[Refusal], dict[str, Any]]
    too_long: str
    """With {tokens} and {limit}."""
    strict: bool = False
    """Its templates want people and the model to take turns, and read the arguments of calls."""
    done: bool = True
    streams: bool = True

    def check(self, request: Request, state: State) -> None:
        chat_wire.check(request, state)
        for n, message in enumerate(request.body["messages"]):
            if message["role"] == "developer":
                raise Refusal(f"Unexpected message role at {n}: developer")
            if self.strict:
                _check_turns(n, request.body["messages"])
                _check_arguments(message)

    def answer(self, request: Request, reply: Reply, state: State) -> Answer:
        answer = chat_wire.answer(request, reply, state)
        chunks = [copy.deepcopy(event.data) for event in answer.events if event.data != "[DONE]"]
        whole = copy.deepcopy(answer.whole)
        events = [Event(chunk) for chunk in self.chunks(chunks, whole)]
        return Answer(whole, [*events, *([Event("[DONE]")] if self.done else [])])

    def error(self, refusal: Refusal, request_id: str) -> dict[str, Any]:
        return self.worded(refusal)

    def overflow(self, turn: Overflow) -> Refusal:
        return Refusal(self.too_long.format(tokens=turn.tokens, limit=turn.limit), kind="exceed_context_size_error")

    def failure(self, failing: Failure, answer: Answer) -> list[Event]:
        refusal = Refusal(failing.message, 500, code=failing.code)
        return [*answer.events[: failing.after_events], Event(self.worded(refusal))]

    failure_status = staticmethod(chat_wire.failure_status)


def _check_turns(n: int, messages: list[dict[str, Any]]) -> None:
    if n and messages[n]["role"] == messages[n - 1]["role"] != "tool":
        raise Refusal("Conversation roles must alternate user/assistant/user/assistant/...")


def _check_arguments(message: dict[str, Any]) -> None:
    for call in message.get("tool_calls") or []:
        try:
            json.loads(call["function"]["arguments"], parse_constant=lambda constant: 1 / 0)
        except (ValueError, ZeroDivisionError) as error:
            raise Refusal(f"Failed to parse tool call arguments as JSON: {error}", 500) from error


def _deltas(chunks: list[Chunk]) -> Iterator[dict[str, Any]]:
    for chunk in chunks:
        for choice in chunk["choices"]:
            yield choice["delta"]


def _vllm(chunks: list[Chunk], whole: dict[str, Any]) -> Iterable[Chunk]:
    for delta in _deltas(chunks):
        delta.pop("refusal", None)
        if "reasoning_content" in delta:
            delta["reasoning"] = delta.pop("reasoning_content")
    return chunks


def _ollama(chunks: list[Chunk], whole: dict[str, Any]) -> Iterator[Chunk]:
    """Each call whole, in a chunk of its own, and all of them number 0; then it stops."""
    message = whole["choices"][0]["message"]
    for chunk in _vllm(chunks, whole):
        for choice in chunk["choices"]:
            if choice["delta"].get("tool_calls"):
                break
            if choice["finish_reason"] == "tool_calls":
                for call in message["tool_calls"]:
                    delta = {"role": "assistant", "content": "", "tool_calls": [{"index": 0, **call}]}
                    yield {**chunk, "choices": [{**choice, "delta": delta, "finish_reason": None}]}
                choice["finish_reason"] = "stop"
        else:
            yield chunk


def _sparse(chunks: list[Chunk], whole: dict[str, Any]) -> Iterator[Chunk]:
    """Calls without number and name, their arguments as objects; no tokens."""
    for chunk in _ollama(chunks, whole):
        if not chunk["choices"]:
            continue
        for call in chunk["choices"][0]["delta"].get("tool_calls") or []:
            call.pop("index")
            call.pop("id")
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        yield {"choices": chunk["choices"]}


def _chatty(chunks: list[Chunk], whole: dict[str, Any]) -> Iterator[Chunk]:
    """Tokens in every chunk, names of calls in each of their pieces, chunks of nothing between the others."""
    calls = whole["choices"][0]["message"].get("tool_calls", [])
    so_far = {"prompt_tokens": whole["usage"]["prompt_tokens"], "completion_tokens": 0, "prompt_tokens_details": None}
    for chunk in chunks:
        for choice in chunk["choices"]:
            for piece in choice["delta"].get("tool_calls") or []:
                call = calls[piece["index"]]
                piece |= {"id": call["id"], "type": "function"}
                piece["function"]["name"] = call["function"]["name"]
        so_far["completion_tokens"] += 1
        yield {**chunk, "usage": chunk.get("usage") or dict(so_far)}
        yield {**chunk, "choices": [], "usage": None}


def _error_vllm(refusal: Refusal) -> dict[str, Any]:
    kind = {400: "BadRequestError", 404: "NotFoundError"}.get(refusal.status, "InternalServerError")
    return {"error": {"message": refusal.message, "type": kind, "param": None, "code": refusal.status}}


def _error_llama(refusal: Refusal) -> dict[str, Any]:
    kind = refusal.kind or {400: "invalid_request_error", 404: "not_found_error"}.get(refusal.status, "server_error")
    return {"error": {"code": refusal.status, "message": refusal.message, "type": kind}}


def _error_ollama(refusal: Refusal) -> dict[str, Any]:
    return {"error": {"message": refusal.message, "type": "api_error", "param": None, "code": None}}


_VLLM_LONG = (
    "This model's maximum context length is {limit} tokens. However, your request has {tokens} input tokens. "
    "Please reduce the length of the input messages."
)
_LLAMA_LONG = "request ({tokens} tokens) exceeds the available context size ({limit} tokens), try increasing it"

DIALECTS: dict[str, Dialect] = {
    "vllm": Dialect(_vllm, _error_vllm, _VLLM_LONG, strict=True),
    "llama.cpp": Dialect(lambda chunks, whole: chunks, _error_llama, _LLAMA_LONG, strict=True),
    "ollama": Dialect(_ollama, _error_ollama, "the input length exceeds the context length"),
    "sparse": Dialect(
        _sparse, lambda refusal: {"error": refusal.message}, "prompt is too long", strict=True, done=False
    ),
    "chatty": Dialect(_chatty, _error_vllm, _VLLM_LONG),
    "whole": Dialect(_vllm, _error_vllm, _VLLM_LONG, strict=True, streams=False),
}
