"""POST /v1/chat/completions: the answer, whole and in chunks. Thinking is ``reasoning_content``, as compatible servers send it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vendors.chat_checks import check
from vendors.counting import Prompt, tokens
from vendors.refusal import Refusal, chat_overflow, openai_error
from vendors.request import Request
from vendors.script import Call, Failure, Reply
from vendors.sse import Answer, Event, pieces
from vendors.state import CREATED, State

__all__ = ["answer", "check", "error", "failure", "overflow"]

STOPS = {
    "end": "stop",
    "tools": "tool_calls",
    "length": "length",
    "refusal": "stop",
    "filter": "content_filter",
    "context": "length",
    "pause": "stop",
}
overflow = chat_overflow


def error(refusal: Refusal, request_id: str) -> dict[str, Any]:
    return openai_error(refusal)


def answer(request: Request, reply: Reply, state: State) -> Answer:
    body = request.body
    prompt = state.caches.openai(body["model"], [body.get("tools"), *body["messages"]])
    refused = reply.ending == "refusal"
    said = reply.text or ("I can't help with that." if refused else "")
    calls = [_call(request, call, state) for call in reply.calls]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if refused or (calls and not said) else said,
        "refusal": said if refused else None,
        "annotations": [],
    }
    if reply.thinking:
        message["reasoning_content"] = reply.thinking
    if calls:
        message["tool_calls"] = calls
    head = {"id": state.id("chatcmpl"), "created": CREATED, "model": body["model"]}
    head |= {"service_tier": "default", "system_fingerprint": None}
    usage = _usage(reply, prompt, said)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": STOPS[reply.ending]}
    whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
    return Answer(whole, [*_events(head, message, usage, request, reply)])


def _call(request: Request, call: Call, state: State) -> dict[str, Any]:
    name = call.id or state.id("call")
    if call.kind == "custom" and request.offers("custom"):
        return {"id": name, "type": "custom", "custom": {"name": call.name, "input": call.text}}
    return {"id": name, "type": "function", "function": {"name": call.name, "arguments": call.text}}


def _usage(reply: Reply, prompt: Prompt, said: str) -> dict[str, Any]:
    use = reply.usage
    asked = prompt.total if use.input is None else use.input
    reasoning = tokens(reply.thinking) if use.reasoning is None else use.reasoning
    counted = tokens(said) + sum(tokens(call.text) for call in reply.calls) + reasoning
    spoken = counted if use.output is None else use.output
    cached = prompt.read if use.cached is None else use.cached
    return {
        "prompt_tokens": asked,
        "completion_tokens": spoken,
        "total_tokens": asked + spoken,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }


def _events(
    head: dict[str, Any], message: dict[str, Any], usage: dict[str, Any], request: Request, reply: Reply
) -> Iterator[Event]:
    counted = bool((request.body.get("stream_options") or {}).get("include_usage"))
    more = {"usage": None} if counted else {}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> Event:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return Event({**head, "object": "chat.completion.chunk", "choices": [choice], **more})

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    for field in ("reasoning_content", "content", "refusal"):
        for piece in pieces(message.get(field) or "", reply.chunk):
            yield chunk({field: piece})
    for index, call in enumerate(message.get("tool_calls", ())):
        kind = call["type"]
        field = "arguments" if kind == "function" else "input"
        yield chunk({"tool_calls": [{"index": index, **call, kind: {**call[kind], field: ""}}]})
        for piece in pieces(call[kind][field], reply.chunk):
            yield chunk({"tool_calls": [{"index": index, kind: {field: piece}}]})
    yield chunk({}, STOPS[reply.ending])
    if counted:
        yield Event({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    yield Event("[DONE]")


def failure(failing: Failure, answer: Answer) -> list[Event]:
    return [*answer.events[: failing.after_events], Event(openai_error(failure_status(failing)))]


def failure_status(failing: Failure) -> Refusal:
    return Refusal(failing.message, 500, code=failing.code)
