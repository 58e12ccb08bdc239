"""What the server sends is what the vendors' types say, with nothing missing, and nothing of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest
from anthropic.types import Message, ModelInfo, RawMessageStreamEvent
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter, ValidationError

from vendors import Call, Failure, Reply, Server

CALLS = (
    Call("read", {"path": "a"}),
    Call("shell", {"commands": ["ls"]}, kind="shell"),
    Call("apply_patch", {"type": "create_file", "path": "a", "diff": "+a\n"}, kind="apply_patch"),
    Call("apply_patch", {"type": "delete_file", "path": "a"}, kind="apply_patch"),
)
CUSTOM = Call("code", raw_arguments_text="1", kind="custom")
FULL = Reply("Text.", thinking="Thought.", calls=CALLS)
REPLIES = {
    "full": FULL,
    "custom": Reply("", calls=(CUSTOM,)),
    "cut short": Reply("Text.", thinking="Thought.", calls=CALLS[:1], stop="length"),
    "refusal": Reply("No.", stop="refusal"),
    "filter": Reply("No.", stop="filter"),
    "redacted": Reply("Text.", thinking="Thought.", redacted=True),
    "nothing": Reply(),
}
FAILING = {"failed": Failure(FULL, 4), "error": Failure(FULL, 4, event="error")}
NOT_IN_THE_TYPES = {"store", "reasoning_content"}
"""Sent by vendors, and not written in the client's types."""
NO_TYPES = {
    "ping",
    "response.apply_patch_call_operation_diff.delta",
    "response.apply_patch_call_operation_diff.done",
}
"""Events that are sent, and that the client has no type for."""

ANTHROPIC = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "x"}]}
RESPONSES = {
    "model": "m",
    "input": "x",
    "reasoning": {"summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "tools": [{"type": "shell"}, {"type": "apply_patch"}, {"type": "custom", "name": "code"}],
}
CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "x"}],
    "tools": [{"type": "custom", "custom": {"name": "code"}}],
}


def post(server: Server, path: str, body: dict[str, Any] | None, **more: Any) -> str:
    """The text of the answer, read by no vendor's client."""
    key = {"authorization": "Bearer k"}
    if body is ANTHROPIC:
        key["anthropic-version"] = "2023-06-01"
    with closing(HTTPConnection(server.url.removeprefix("http://"), timeout=30)) as connection:
        connection.request("GET" if body is None else "POST", path, json.dumps({**(body or {}), **more}), headers=key)
        return connection.getresponse().read().decode()


def sent(text: str) -> Iterator[dict[str, Any]]:
    for block in text.split("\n\n"):
        *head, data = block.split("data: ")
        if data and data != "[DONE]":
            event = json.loads(data)
            assert "".join(head) in ("", f"event: {event.get('type')}\n")
            yield event


def check(kind: Any, value: Any) -> None:
    """Raises where a field is missing, of another type, or unknown."""
    extra = set(unknown(TypeAdapter(kind).validate_json(json.dumps(value), strict=True)))
    assert extra <= NOT_IN_THE_TYPES, value


def unknown(value: Any) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from value.model_extra or ()
        for name in value.__class__.model_fields:
            yield from unknown(getattr(value, name))
    elif isinstance(value, list):
        for inner in value:
            yield from unknown(inner)


PLACES: dict[str, tuple[str, dict[str, Any], Any, Any]] = {
    "messages": ("/v1/messages", ANTHROPIC, Message, RawMessageStreamEvent),
    "responses": ("/v1/responses", RESPONSES, Response, ResponseStreamEvent),
    "chat": ("/v1/chat/completions", CHAT, ChatCompletion, ChatCompletionChunk),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("reply", REPLIES)
def test_an_answer_is_of_the_clients_type(place: str, reply: str) -> None:
    path, body, kind, _ = PLACES[place]
    with Server([REPLIES[reply]]) as server:
        check(kind, json.loads(post(server, path, body)))


# The client has no type for a custom tool's call in a chat's chunks.
STREAMED = [(place, reply) for place in PLACES for reply in REPLIES if (place, reply) != ("chat", "custom")]


@pytest.mark.parametrize(("place", "reply"), STREAMED)
def test_every_event_is_of_the_clients_type(place: str, reply: str) -> None:
    path, body, _, kind = PLACES[place]
    with Server([REPLIES[reply]]) as server:
        text = post(
            server, path, body, stream=True, **({"stream_options": {"include_usage": True}} if place == "chat" else {})
        )
    events = list(sent(text))
    assert len(events) > 2
    for event in events:
        if event.get("type") not in NO_TYPES:
            check(kind, event)
    assert text.endswith("data: [DONE]\n\n") == (place == "chat")


@pytest.mark.parametrize("failing", FAILING)
def test_events_of_failure_are_of_the_clients_type(failing: str) -> None:
    with Server([FAILING[failing]]) as server:
        *_, last = sent(post(server, "/v1/responses", RESPONSES, stream=True))
    check(ResponseStreamEvent, last)


def test_models_are_of_the_clients_types() -> None:
    with Server() as server:
        for model in json.loads(post(server, "/v1/models", None))["data"]:
            check(Model, model)
        with closing(HTTPConnection(server.url.removeprefix("http://"), timeout=30)) as connection:
            connection.request("GET", "/v1/models", headers={"x-api-key": "k", "anthropic-version": "2023-06-01"})
            for model in json.loads(connection.getresponse().read())["data"]:
                check(ModelInfo, model)


def test_the_check_sees() -> None:
    with Server([Reply("x")]) as server:
        good = json.loads(post(server, "/v1/messages", ANTHROPIC))
    for bad in (
        {**good, "mine": 1},
        {**good, "stop_reason": "why"},
        {key: good[key] for key in good if key != "usage"},
    ):
        with pytest.raises((AssertionError, ValidationError)):
            check(Message, bad)
