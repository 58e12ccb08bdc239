"""Responses: OpenAI's client gets what was scripted, streamed or not."""

from __future__ import annotations

from typing import Any

import pytest

from vendors import Call, Reply, Use

HELLO: dict[str, Any] = {"model": "test-model", "input": "Hello"}
OPEN = {"reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"]}
SHELL = Call("shell", {"commands": ["ls -l", "pwd"], "timeout_ms": 1000}, kind="shell")
PATCH = Call("apply_patch", {"type": "update_file", "path": "a.py", "diff": "@@\n-a\n+b\n"}, kind="apply_patch")
CUSTOM = Call("code", raw_arguments_text="print(1)", kind="custom")
TOOLS: Any = [{"type": "shell"}, {"type": "apply_patch"}, {"type": "custom", "name": "code"}]


def final(client: Any, streamed: bool, **more: Any) -> Any:
    """The response as the last event has it, where it is streamed."""
    if not streamed:
        return client.responses.create(**{**HELLO, **more})
    *_, last = client.responses.create(**{**HELLO, **more}, stream=True)
    return last.response


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_thinking_text_and_calls(serve: Any, streamed: bool) -> None:
    reply = Reply("Looking.", thinking="Where am I?", calls=(Call("read", {"path": "ü"}), SHELL, PATCH, CUSTOM))
    response = final(serve([reply]).openai, streamed, tools=TOOLS, **OPEN)
    thinking, message, read, shell, patch, custom = response.output
    assert thinking.summary[0].text == "Where am I?"
    assert thinking.encrypted_content
    assert (response.output_text, message.phase) == ("Looking.", "commentary")
    assert (read.name, read.arguments, read.call_id) == ("read", '{"path": "\\u00fc"}', "call_000001")
    assert (shell.action.commands, shell.action.timeout_ms) == (["ls -l", "pwd"], 1000)
    assert (patch.operation.path, patch.operation.diff) == ("a.py", "@@\n-a\n+b\n")
    assert (custom.name, custom.input) == ("code", "print(1)")
    assert response.status == "completed"


def test_the_clients_accumulator_follows(serve: Any) -> None:
    reply = Reply("Looking around.", thinking="Where am I?", calls=(Call("read", {"path": "a"}), SHELL, PATCH))
    with serve([reply]).openai.responses.stream(**HELLO, tools=TOOLS, **OPEN) as stream:
        events = list(stream)
        response = stream.get_final_response()
    assert response.output_text == "Looking around."
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "Looking around."
    pieces = [event for event in events if event.type == "response.shell_call_command.delta"]
    assert ["".join(one.delta for one in pieces if one.command_index == n) for n in (0, 1)] == ["ls -l", "pwd"]
    diff = [event.delta for event in events if event.type == "response.apply_patch_call_operation_diff.delta"]
    assert "".join(diff) == "@@\n-a\n+b\n"


def test_what_is_not_asked_for_is_not_told(serve: Any, streamed: bool) -> None:
    response = final(serve([Reply("x", thinking="Hm", calls=(SHELL,))]).openai, streamed)
    thinking, _, call = response.output
    assert (thinking.summary, thinking.encrypted_content) == ([], None)
    assert (call.type, call.name) == ("function_call", "shell"), "no shell tool was offered"


@pytest.mark.parametrize(
    ("stop", "status", "reason"),
    [
        ("end", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("filter", "incomplete", "content_filter"),
    ],
)
def test_why_it_stopped(stop: Any, status: str, reason: str | None, serve: Any, streamed: bool) -> None:
    response = final(serve([Reply("So", stop=stop)]).openai, streamed)
    assert response.status == status
    assert (response.incomplete_details.reason if response.incomplete_details else None) == reason
    assert response.output[0].status == status


def test_a_refusal(serve: Any, streamed: bool) -> None:
    response = final(serve([Reply("No.", stop="refusal")]).openai, streamed)
    assert (response.output[0].content[0].type, response.output[0].content[0].refusal) == ("refusal", "No.")


def test_usage_and_what_is_cached(serve: Any, streamed: bool) -> None:
    use = Use(input=1000, output=50, cached=600, cache_written=300, reasoning=20)
    client = serve([Reply("abcdefgh", thinking="abcd"), Reply("y"), Reply("x", usage=use)]).openai
    first = final(client, streamed, instructions="i" * 4000).usage
    second = final(client, streamed, instructions="i" * 4000, input="Other").usage
    told = final(client, streamed).usage
    assert (first.output_tokens, first.output_tokens_details.reasoning_tokens) == (3, 1)
    assert first.input_tokens_details.cached_tokens == 0
    assert 1000 < second.input_tokens_details.cached_tokens < second.input_tokens
    assert (told.input_tokens, told.total_tokens) == (1000, 1050)
    assert (told.input_tokens_details.cached_tokens, told.input_tokens_details.cache_write_tokens) == (600, 300)


def test_a_small_prompt_is_not_cached(serve: Any) -> None:
    client = serve([Reply("x"), Reply("y")], cacheable_from=1024).openai
    assert [final(client, False).usage.input_tokens_details.cached_tokens for _ in range(2)] == [0, 0]


def test_what_was_stored_is_gone_on_from(serve: Any) -> None:
    served = serve([Reply(thinking="Hm", calls=(Call("read"),)), Reply("Done.")])
    first = served.openai.responses.create(**HELLO)
    output = {"type": "function_call_output", "call_id": first.output[1].call_id, "output": "ok"}
    again = served.openai.responses.create(model="m", input=[output], previous_response_id=first.id)
    assert again.output_text == "Done."
    assert served.server.requests[-1].results == {first.output[1].call_id: "ok"}


def test_models(serve: Any) -> None:
    client = serve(model_names=["first", "second"]).openai
    assert [model.id for model in client.models.list()] == ["first", "second"]
    assert client.models.retrieve("first").owned_by == "system"
