"""POST /v1/messages: the answer, whole and as events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from vendors.anthropic_checks import check
from vendors.anthropic_turns import prefixes
from vendors.counting import Prompt, Segment, tokens, written
from vendors.refusal import Refusal, anthropic_error, anthropic_overflow
from vendors.request import Request
from vendors.script import Failure, Reply
from vendors.sse import Answer, Event, pieces
from vendors.state import State

__all__ = ["answer", "check", "error", "failure", "overflow"]

STOPS = {
    "end": "end_turn",
    "tools": "tool_use",
    "length": "max_tokens",
    "refusal": "refusal",
    "filter": "refusal",
    "context": "model_context_window_exceeded",
    "pause": "pause_turn",
}
overflow = anthropic_overflow
error = anthropic_error


def answer(request: Request, reply: Reply, state: State) -> Answer:
    content = [*_blocks(request, reply, state)]
    *_, (_, _, before) = prefixes(request.body)
    for block, _ in content:
        if issued := block.get("signature") or block.get("data"):
            state.prefixes[issued] = before
    prompt = state.caches.anthropic(segments(request.body))
    usage = _usage(reply, prompt, content)
    message: dict[str, Any] = {
        "id": state.id("msg"),
        "type": "message",
        "role": "assistant",
        "model": request.body["model"],
        "content": [block for block, _ in content],
        "stop_reason": STOPS[reply.ending],
        "stop_sequence": None,
        "stop_details": _details(reply),
        "usage": usage,
    }
    return Answer(message, [*_events(message, content, reply)])


def segments(body: dict[str, Any]) -> list[Segment]:
    """The prompt in the order it is cached in: tools, system, messages. Each block ends where a breakpoint may be."""

    def segment(value: Any, head: str = "") -> Segment:
        if not isinstance(value, dict):
            return Segment(head + written(value))
        mark = value.get("cache_control")
        bare = {key: inner for key, inner in value.items() if key != "cache_control"}
        return Segment(head + written(bare), (mark.get("ttl") or "5m") if mark else None)

    found = [Segment(written(body["model"]), weighs=False)]
    found += [segment(tool) for tool in body.get("tools") or []]
    system = body.get("system") or []
    found += [segment(block) for block in ([system] if isinstance(system, str) else system)]
    found.append(Segment(written([body.get("tool_choice"), body.get("thinking")]), weighs=False))
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        found += [segment(block, f"{message['role']}: ") for block in blocks]
    if mark := body.get("cache_control"):
        found[-1] = Segment(found[-1].text, mark.get("ttl") or "5m")
    return found


def _blocks(request: Request, reply: Reply, state: State) -> Iterator[tuple[dict[str, Any], str]]:
    """Each block of the answer, with the text its pieces are cut from."""
    if reply.thinking and reply.redacted:
        data = state.opaque(reply.thinking)
        state.signatures[data] = ""
        yield {"type": "redacted_thinking", "data": data}, ""
    elif reply.thinking:
        omitted = (request.body.get("thinking") or {}).get("display") == "omitted"
        thinking, signature = "" if omitted else reply.thinking, state.opaque(reply.thinking)
        state.signatures[signature] = thinking
        yield {"type": "thinking", "thinking": thinking, "signature": signature}, thinking
    if reply.text:
        yield {"type": "text", "text": reply.text, "citations": None}, reply.text
    for call in reply.calls:
        name = call.id or state.id("toolu")
        state.thought[name] = bool(reply.thinking)
        try:
            arguments = json.loads(call.text)
        except (ValueError, RecursionError):
            arguments = {}
        arguments = arguments if isinstance(arguments, dict) else {}
        block = {"type": "tool_use", "id": name, "name": call.name, "input": arguments, "caller": {"type": "direct"}}
        yield block, call.text


def _usage(reply: Reply, prompt: Prompt, content: list[tuple[dict[str, Any], str]]) -> dict[str, Any]:
    use = reply.usage
    read = prompt.read if use.cached is None else use.cached
    new = prompt.written if use.cache_written is None else use.cache_written
    hour = prompt.written_1h if use.cache_written is None else 0
    thinking = tokens(reply.thinking) if use.reasoning is None else use.reasoning
    said = sum(tokens(text) for block, text in content if "thinking" not in block["type"])
    return {
        "input_tokens": (prompt.total if use.input is None else use.input) - read - new,
        "cache_creation_input_tokens": new,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": new - hour, "ephemeral_1h_input_tokens": hour},
        "output_tokens": said + thinking if use.output is None else use.output,
        "output_tokens_details": {"thinking_tokens": thinking},
        "server_tool_use": None,
        "service_tier": "standard",
        "inference_geo": "global",
    }


def _details(reply: Reply) -> dict[str, Any] | None:
    if reply.ending not in ("refusal", "filter"):
        return None
    return {"type": "refusal", "category": "cyber", "explanation": "This request was declined."}


def _events(message: dict[str, Any], content: list[tuple[dict[str, Any], str]], reply: Reply) -> Iterator[Event]:
    def event(name: str, **data: Any) -> Event:
        return Event({"type": name, **data}, name)

    begun = {**message, "content": [], "stop_reason": None, "stop_details": None}
    begun["usage"] = {**message["usage"], "output_tokens": 1, "output_tokens_details": None}
    yield event("message_start", message=begun)
    for index, (block, text) in enumerate(content):
        kind = block["type"]
        empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}
        yield event("content_block_start", index=index, content_block={**block, **empty.get(kind, {})})
        if index == 0:
            yield event("ping")
        names = {"text": ("text_delta", "text"), "thinking": ("thinking_delta", "thinking")}
        name, field = names.get(kind, ("input_json_delta", "partial_json"))
        if kind == "tool_use":
            yield event("content_block_delta", index=index, delta={"type": name, field: ""})
        for piece in pieces(text, reply.chunk):
            yield event("content_block_delta", index=index, delta={"type": name, field: piece})
        if kind == "thinking":
            delta = {"type": "signature_delta", "signature": block["signature"]}
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    wanted = ("input_tokens", "output_tokens", "output_tokens_details", "server_tool_use")
    usage = {key: message["usage"][key] for key in message["usage"] if key in wanted or key.startswith("cache_")}
    usage.pop("cache_creation")
    ending = {key: message[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    yield event("message_delta", delta=ending, usage=usage)
    yield event("message_stop")


def failure(failing: Failure, answer: Answer) -> list[Event]:
    body = {"type": "error", "error": {"type": failing.kind, "message": failing.message}}
    return [*answer.events[: failing.after_events], Event(body, "error")]


def failure_status(failing: Failure) -> Refusal:
    return Refusal(failing.message, 529, kind=failing.kind)
