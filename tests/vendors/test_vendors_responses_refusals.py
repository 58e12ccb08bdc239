"""Responses: what OpenAI refuses is refused."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from vendors import Call, Reply
from vendors.responses_checks import PARAMETERS

ASK = {"role": "user", "content": "Go"}
HELLO: dict[str, Any] = {"model": "m", "input": [ASK], "store": False}
OPEN = {"include": ["reasoning.encrypted_content"]}
CALL = {"type": "function_call", "call_id": "c1", "name": "read", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "ok"}
SHELL = {"type": "shell_call", "call_id": "c1", "action": {"commands": ["ls"]}}
READ = {"type": "function", "name": "read", "strict": None, "parameters": {"type": "object", "properties": {}}}
LOOSE = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}

REFUSED: dict[str, tuple[dict[str, Any], str, str | None, str | None]] = {
    "a call without its output": ({"input": [ASK, CALL]}, "No tool output found for function call c1.", "input", None),
    "a shell call without its output": (
        {"input": [ASK, SHELL]},
        "No tool output found for shell call c1.",
        "input",
        None,
    ),
    "an output of nothing": (
        {"input": [ASK, OUTPUT]},
        "No tool call found for function call output with call_id c1.",
        "input",
        None,
    ),
    "an output of another kind": (
        {"input": [ASK, SHELL, OUTPUT]},
        "No tool call found for function call output",
        "input",
        None,
    ),
    "an output before its call": ({"input": [ASK, OUTPUT, CALL]}, "No tool call found", "input", None),
    "an unknown item": ({"input": [{"type": "tool_use"}]}, "Invalid value: 'tool_use'.", "input[0]", "invalid_value"),
    "a call without an id": (
        {"input": [{**CALL, "call_id": None}]},
        "'input[0].call_id'",
        "input[0].call_id",
        "missing_required_parameter",
    ),
    "a long call id": (
        {"input": [{**CALL, "call_id": "c" * 65}]},
        "string too long",
        "input[0].call_id",
        "string_above_max_length",
    ),
    "an id of another kind": (
        {"input": [{**CALL, "id": "call_1"}, OUTPUT]},
        "begins with 'fc'",
        "input[0].id",
        "invalid_value",
    ),
    "arguments that are no text": (
        {"input": [{**CALL, "arguments": {}}, OUTPUT]},
        "expected a string",
        "input[0].arguments",
        "invalid_type",
    ),
    "an unknown role": (
        {"input": [{"role": "tool", "content": "x"}]},
        "Invalid value: 'tool'",
        "input[0].role",
        "invalid_value",
    ),
    "a part of another role": (
        {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
        "Invalid value: 'input_text'",
        "input[0].content[0]",
        "invalid_value",
    ),
    "reasoning of nobody": (
        {"input": [{"type": "reasoning", "summary": [], "encrypted_content": "gAAA1234"}, CALL, OUTPUT]},
        "The encrypted content gAAA...1234 could not be verified.",
        None,
        "invalid_encrypted_content",
    ),
    "an unknown tool": ({"tools": [{"type": "bash"}]}, "Invalid value: 'bash'", "tools[0].type", "invalid_value"),
    "a tool's bad name": (
        {"tools": [{**READ, "name": "a.b"}]},
        "does not match pattern",
        "tools[0].name",
        "invalid_value",
    ),
    "a tool's long name": (
        {"tools": [{**READ, "name": "a" * 65}]},
        "maximum length 64",
        "tools[0].name",
        "string_above_max_length",
    ),
    "a schema that is not strict": (
        {"tools": [{**READ, "strict": True}]},
        "'additionalProperties' is required",
        "tools[0].parameters",
        "invalid_function_parameters",
    ),
    "a strict schema with a choice": (
        {"tools": [{**READ, "strict": True, "parameters": LOOSE}]},
        "Missing 'a'.",
        "tools[0].parameters",
        "invalid_function_parameters",
    ),
    "a schema of no object": (
        {"tools": [{**READ, "parameters": {"type": "array"}}]},
        "'type: \"object\"'",
        "tools[0].parameters",
        "invalid_function_parameters",
    ),
    "an unknown parameter": (
        {"extra_body": {"max_tokens": 3}},
        "Unknown parameter: 'max_tokens'.",
        "max_tokens",
        "unknown_parameter",
    ),
    "few tokens": ({"max_output_tokens": 3}, "Expected a value >= 16", "max_output_tokens", "integer_below_min_value"),
    "no input": ({"input": []}, "'input'", "input", "missing_required_parameter"),
    "a response of nobody": (
        {"previous_response_id": "resp_x"},
        "'resp_x' not found",
        "previous_response_id",
        "previous_response_not_found",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str, serve: Any) -> None:
    changed, message, param, code = REFUSED[name]
    served = serve([Reply("Never.")])
    with pytest.raises(openai.BadRequestError) as caught:
        served.openai.responses.create(**{**HELLO, **changed})
    assert message in caught.value.body["message"]
    assert (caught.value.type, caught.value.param, caught.value.code) == ("invalid_request_error", param, code)
    assert len(served.server.refusals) == 1
    assert served.openai.responses.create(**HELLO).output_text == "Never.", "a refused request uses up no turn"


@pytest.mark.parametrize("kind", ["function", "shell"])
def test_what_it_said_itself_is_taken_back(kind: Any, serve: Any) -> None:
    call = Call("shell", {"commands": ["ls"]}, kind=kind)
    client = serve([Reply("Look.", thinking="Hm", calls=(call,)), Reply("Done.")]).openai
    tools = {"tools": [{"type": "shell"}]}
    said = [item.to_dict() for item in client.responses.create(**HELLO, **OPEN, **tools).output]
    done = {"outcome": {"type": "exit", "exit_code": 0}, "stdout": "a", "stderr": ""}
    output = {
        "type": f"{said[2]['type']}_output",
        "call_id": said[2]["call_id"],
        "output": [done] if kind == "shell" else "a",
    }
    replayed = {**HELLO, "input": [ASK, *said, output]}
    without = {**replayed, "input": [ASK, *said[1:], output]}
    with pytest.raises(openai.BadRequestError, match="provided without its required 'reasoning' item: 'rs_000001'"):
        client.responses.create(**without)
    anonymous = {**without, "input": [ASK, {key: value for key, value in said[2].items() if key != "id"}, output]}
    with pytest.raises(openai.BadRequestError, match=f"of type '{said[2]['type']}' was provided without"):
        client.responses.create(**anonymous)
    assert client.responses.create(**replayed).output_text == "Done."


def test_reasoning_is_followed_by_what_it_led_to(serve: Any) -> None:
    client = serve([Reply("x", thinking="Hm")]).openai
    thought = client.responses.create(**HELLO, **OPEN).output[0].to_dict()
    with pytest.raises(openai.BadRequestError, match="without its required following item"):
        client.responses.create(**{**HELLO, "input": [ASK, thought, ASK]})


def test_what_was_not_stored_is_not_found(serve: Any) -> None:
    client = serve([Reply("x", thinking="Hm")]).openai
    said = [item.to_dict() for item in client.responses.create(**HELLO).output]
    with pytest.raises(openai.NotFoundError, match=r"'rs_000001' not found\. Items are not persisted"):
        client.responses.create(**{**HELLO, "input": [ASK, *said, ASK]})
    with pytest.raises(openai.NotFoundError, match="'msg_000001' not found"):
        client.responses.create(**{**HELLO, "input": [{"type": "item_reference", "id": "msg_000001"}]})


def test_a_wrong_key(serve: Any) -> None:
    wrong = "sk-proj-abcdefghijklmnop-6789"
    served = serve(key="sk-right", client_key=wrong)
    with pytest.raises(openai.AuthenticationError) as caught:
        served.openai.responses.create(**HELLO)
    assert "Incorrect API key provided: sk-proj-*****************6789. " in caught.value.body["message"]
    assert (caught.value.code, wrong in str(caught.value)) == ("invalid_api_key", False)
    with pytest.raises(openai.AuthenticationError, match=wrong):
        serve(key="sk-right", client_key=wrong, echo_key=True).openai.responses.create(**HELLO)


def test_a_short_key_and_none(serve: Any) -> None:
    with pytest.raises(openai.AuthenticationError, match=r"sk-ab\*\*\*yz"):
        serve(key="sk-right", client_key="sk-ab123yz").openai.models.list()
    with pytest.raises(openai.AuthenticationError, match="You didn't provide an API key"):
        serve().openai.responses.create(**HELLO, extra_headers={"Authorization": openai.Omit()})


def test_the_parameters_are_those_of_the_client() -> None:
    assert {
        *ResponseCreateParamsBase.__required_keys__,
        *ResponseCreateParamsBase.__optional_keys__,
        "stream",
    } == PARAMETERS
