"""Messages: what Anthropic refuses is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming

from vendors import Call, Reply
from vendors.anthropic_checks import PARAMETERS

ASK = {"role": "user", "content": "Go"}
HELLO: dict[str, Any] = {"model": "m", "max_tokens": 4000, "messages": [ASK]}
TOOL = {"name": "bash", "input_schema": {"type": "object"}}
USE = {"type": "tool_use", "id": "t1", "name": "bash", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}
MARK = {"cache_control": {"type": "ephemeral"}}
THINK = {"thinking": {"type": "enabled", "budget_tokens": 2000}}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def said(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a call without its result": (
        {"messages": [ASK, said(USE), ASK]},
        "without `tool_result` blocks immediately after: t1",
    ),
    "a result after other blocks": ({"messages": [ASK, said(USE), user(text("x"), RESULT)]}, "immediately after: t1"),
    "a result of nothing": ({"messages": [user(RESULT)]}, "unexpected `tool_use_id` found in `tool_result` blocks: t1"),
    "two results": ({"messages": [ASK, said(USE), user(RESULT, RESULT)]}, "each `tool_use` must have a single result"),
    "two calls of one id": ({"messages": [ASK, said(USE, USE), user(RESULT)]}, "`tool_use` ids must be unique"),
    "an empty block": ({"messages": [user(text(""))]}, "text content blocks must be non-empty"),
    "a blank block": ({"messages": [user(text(" \n"))]}, "must contain non-whitespace text"),
    "an empty block that is marked": (
        {"messages": [user(text("", **MARK))]},
        "cache_control cannot be set for empty text",
    ),
    "an empty message": ({"messages": [ASK, said(), ASK]}, "all messages must have non-empty content"),
    "an assistant first": ({"messages": [said(text("x")), ASK]}, 'first message must use the "user" role'),
    "an assistant last": ({"messages": [ASK, said(text("x"))]}, "assistant message prefill"),
    "an unknown role": ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
    "an unknown block": ({"messages": [user({"type": "input_text"})]}, "Input tag 'input_text'"),
    "a call by the user": ({"messages": [user(USE)]}, "can only be in `assistant` messages"),
    "arguments as text": ({"messages": [ASK, said({**USE, "input": "{}"}), user(RESULT)]}, "valid dictionary"),
    "a signature of nobody": (
        {"messages": [ASK, said({"type": "thinking", "thinking": "x", "signature": "y"}, text("x")), ASK]},
        "Invalid `signature` in `thinking` block",
    ),
    "thinking without a signature": (
        {"messages": [ASK, said({"type": "thinking", "thinking": "x"}), ASK]},
        "Field required",
    ),
    "five breakpoints": ({"messages": [user(*(text("x", **MARK) for _ in range(5)))]}, "A maximum of 4 blocks"),
    "a breakpoint more on top": (
        {"messages": [user(*(text("x", **MARK) for _ in range(4)))], **MARK},
        "Found 5.",
    ),
    "a budget of all": ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, "must be greater than"),
    "a small budget": ({"thinking": {"type": "enabled", "budget_tokens": 1000}}, "greater than or equal to 1024"),
    "thinking that is forced to act": ({**THINK, "tools": [TOOL], "tool_choice": {"type": "any"}}, "forces tool use"),
    "an unknown tool": ({"tools": [{"type": "bash_19990101", "name": "bash"}]}, "Input tag 'bash_19990101'"),
    "two tools of one name": ({"tools": [TOOL, TOOL]}, "Tool names must be unique"),
    "a tool's bad name": ({"tools": [{**TOOL, "name": "a.b"}]}, "String should match pattern"),
    "a tool without a schema": ({"tools": [{"name": "a"}]}, "input_schema: Field required"),
    "a choice of no tool": (
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}},
        "not found in provided tools",
    ),
    "thinking that was dropped": (
        {"messages": [ASK, said(USE), user(RESULT)], **THINK},
        "Expected `thinking` or `redacted_thinking`",
    ),
    "an unknown parameter": ({"extra_body": {"top_k": 3}}, "top_k: Extra inputs are not permitted"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str, serve: Any) -> None:
    changed, message = REFUSED[name]
    served = serve([Reply("Never.")])
    with pytest.raises(anthropic.BadRequestError) as caught:
        served.anthropic.messages.create(**{**HELLO, **changed})
    assert message in caught.value.api_message
    assert caught.value.type == "invalid_request_error"
    assert [refusal.message for refusal in served.server.refusals] == [caught.value.api_message]
    assert served.anthropic.messages.create(**HELLO).content[0].text == "Never.", "a refused request uses up no turn"


def test_max_tokens_is_required(serve: Any) -> None:
    served = serve()
    with pytest.raises(anthropic.BadRequestError, match="max_tokens: Field required"):
        served.anthropic.post("/v1/messages", body={"model": "m", "messages": [ASK]}, cast_to=object)


def test_what_it_said_itself_is_taken_back(serve: Any) -> None:
    client = serve([Reply("Look.", thinking="Hm", calls=(Call("bash"),)), Reply("Done.")]).anthropic
    first = client.messages.create(**HELLO, **THINK)
    results = user({"type": "tool_result", "tool_use_id": first.content[2].id, "content": "ok"}, text("And?"))
    again = client.messages.create(**{**HELLO, "messages": [ASK, first.to_param(), results]}, **THINK)
    assert again.content[0].text == "Done."


def dropped(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return content[1:]


def reworded(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**content[0], "thinking": "Ha"}, *content[1:]]


@pytest.mark.parametrize(("change", "message"), [(dropped, "but found `tool_use`"), (reworded, "cannot be modified")])
def test_thinking_comes_back_as_it_was(change: Callable[[Any], Any], message: str, serve: Any) -> None:
    client = serve([Reply(thinking="Hm", calls=(Call("bash"),))]).anthropic
    first = client.messages.create(**HELLO, **THINK)
    content = change([block.to_dict() for block in first.content])
    results = user({"type": "tool_result", "tool_use_id": first.content[1].id, "content": "ok"})
    with pytest.raises(anthropic.BadRequestError, match=message):
        client.messages.create(**{**HELLO, "messages": [ASK, said(*content), results]}, **THINK)


def test_a_wrong_key(serve: Any) -> None:
    for echo, message in ((False, "invalid x-api-key"), (True, "invalid x-api-key: sk-wrong")):
        served = serve(key="sk-right", client_key="sk-wrong", echo_key=echo)
        with pytest.raises(anthropic.AuthenticationError) as caught:
            served.anthropic.messages.create(**HELLO)
        assert caught.value.api_message == message


def test_no_key_and_no_version(serve: Any) -> None:
    client = serve([Reply("x")]).anthropic
    with pytest.raises(anthropic.AuthenticationError, match="x-api-key header is required"):
        client.messages.create(**HELLO, extra_headers={"Authorization": anthropic.Omit(), "X-Api-Key": ""})
    with pytest.raises(anthropic.BadRequestError, match="anthropic-version"):
        client.messages.create(**HELLO, extra_headers={"anthropic-version": anthropic.Omit()})
    assert client.messages.create(**HELLO, extra_headers={"Authorization": anthropic.Omit(), "X-Api-Key": "k"})


def test_the_parameters_are_those_of_the_client() -> None:
    assert {
        *MessageCreateParamsStreaming.__required_keys__,
        *MessageCreateParamsStreaming.__optional_keys__,
    } == PARAMETERS
