"""POST /v1/responses: the answer, whole and as events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vendors.counting import Prompt, tokens
from vendors.refusal import Refusal, openai_error, responses_overflow
from vendors.request import Request
from vendors.responses_checks import check, conversation
from vendors.responses_items import Item, events, items, said
from vendors.script import Failure, Reply
from vendors.sse import Answer, Event
from vendors.state import CREATED, State

__all__ = ["answer", "check", "error", "failure", "overflow"]

INCOMPLETE = {"length": "max_output_tokens", "context": "max_output_tokens", "filter": "content_filter"}
ECHOED = (
    ("instructions", None),
    ("max_output_tokens", None),
    ("max_tool_calls", None),
    ("metadata", {}),
    ("model", ""),
    ("parallel_tool_calls", True),
    ("previous_response_id", None),
    ("prompt_cache_key", None),
    ("prompt_cache_retention", None),
    ("reasoning", {"effort": "medium", "summary": None}),
    ("safety_identifier", None),
    ("store", True),
    ("temperature", 1.0),
    ("text", {"format": {"type": "text"}, "verbosity": "medium"}),
    ("tool_choice", "auto"),
    ("tools", []),
    ("top_logprobs", 0),
    ("top_p", 1.0),
    ("truncation", "disabled"),
    ("user", None),
)
"""What a response repeats of its request, and what it has where the request says nothing."""
overflow = responses_overflow


def error(refusal: Refusal, request_id: str) -> dict[str, Any]:
    return openai_error(refusal)


def answer(request: Request, reply: Reply, state: State) -> Answer:
    body, output = request.body, items(request, reply, state)
    whole = conversation(request, state)
    prompt = state.caches.openai(body["model"], [body.get("tools"), body.get("instructions"), *whole])
    reason = INCOMPLETE.get(reply.ending)
    response: dict[str, Any] = {
        "id": state.id("resp"),
        "object": "response",
        "created_at": CREATED,
        "status": "incomplete" if reason else "completed",
        "background": False,
        "completed_at": None if reason else CREATED + 1,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        **{key: body.get(key, default) for key, default in ECHOED},
        "service_tier": "default",
        "output": output,
        "usage": _usage(reply, prompt, output),
    }
    if body.get("store") is not False:
        state.stored[response["id"]] = [*whole, *output]
    return Answer(response, [*_numbered(_events(response, output, reply))])


def _usage(reply: Reply, prompt: Prompt, output: list[Item]) -> dict[str, Any]:
    use = reply.usage
    asked = prompt.total if use.input is None else use.input
    reasoning = tokens(reply.thinking) if use.reasoning is None else use.reasoning
    spoken = sum(tokens(said(item)) for item in output) + reasoning if use.output is None else use.output
    cached = prompt.read if use.cached is None else use.cached
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": use.cache_written or 0},
        "output_tokens": spoken,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": asked + spoken,
    }


def _begun(response: dict[str, Any]) -> dict[str, Any]:
    nothing = {"completed_at": None, "incomplete_details": None, "usage": None, "output": []}
    return {**response, **nothing, "status": "in_progress"}


def _events(response: dict[str, Any], output: list[Item], reply: Reply) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "created", {"response": _begun(response)}
    yield "in_progress", {"response": _begun(response)}
    for index, item in enumerate(output):
        yield from events(item, index, reply.chunk)
    yield response["status"], {"response": response}


def _numbered(found: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[Event]:
    for n, (name, fields) in enumerate(found):
        yield _event(f"response.{name}", n, fields)


def _event(name: str, number: int, fields: dict[str, Any]) -> Event:
    return Event({"type": name, "sequence_number": number, **fields}, name)


def failure(failing: Failure, answer: Answer) -> list[Event]:
    sent = answer.events[: failing.after_events]
    said = {"code": failing.code, "message": failing.message}
    if failing.event == "error":
        return [*sent, _event("error", len(sent), {**said, "param": None})]
    response = {**_begun(answer.whole), "status": "failed", "error": said}
    return [*sent, _event("response.failed", len(sent), {"response": response})]


def failure_status(failing: Failure) -> Refusal:
    return Refusal(failing.message, 500, code=failing.code)
