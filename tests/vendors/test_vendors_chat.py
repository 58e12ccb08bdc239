"""Chat Completions: OpenAI's client gets what was scripted, streamed or not; what is refused is refused."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from vendors import Call, Reply, Use

ASK = {"role": "user", "content": "Hello"}
HELLO: dict[str, Any] = {"model": "test-model", "messages": [ASK]}
CUSTOM = Call("code", raw_arguments_text="print(1)", kind="custom")
CALLED = {
    "role": "assistant",
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "a", "arguments": "{}"}}],
}
ANSWER = {"role": "tool", "tool_call_id": "c1", "content": "ok"}


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def final(client: Any, streamed: bool, **more: Any) -> Any:
    if not streamed:
        return client.chat.completions.create(**{**HELLO, **more})
    with client.chat.completions.stream(**{**HELLO, **more}, stream_options={"include_usage": True}) as stream:
        return stream.get_final_completion()


def test_text_and_calls(serve: Any, streamed: bool) -> None:
    calls = (Call("read", {"path": "ü"}), Call("bash", raw_arguments_text='{"no": json', id="call_mine"))
    completion = final(serve([Reply("Looking.", calls=calls)]).openai, streamed)
    (choice,) = completion.choices
    read, bash = choice.message.tool_calls
    assert (choice.message.content, choice.finish_reason) == ("Looking.", "tool_calls")
    assert (read.id, read.function.name, read.function.arguments) == ("call_000001", "read", '{"path": "\\u00fc"}')
    assert (bash.id, bash.function.arguments) == ("call_mine", '{"no": json')


def test_thinking_as_compatible_servers_send_it(serve: Any) -> None:
    client = serve([Reply("So.", thinking="Where am I?")] * 2).openai
    assert client.chat.completions.create(**HELLO).choices[0].message.reasoning_content == "Where am I?"
    deltas = [chunk.choices[0].delta for chunk in client.chat.completions.create(**HELLO, stream=True)]
    assert "".join(getattr(delta, "reasoning_content", "") for delta in deltas) == "Where am I?"
    assert "".join(delta.content or "" for delta in deltas) == "So."


def test_a_custom_tools_call(serve: Any) -> None:
    tools: Any = [{"type": "custom", "custom": {"name": "code"}}]
    (call,) = final(serve([Reply(calls=(CUSTOM,))]).openai, False, tools=tools).choices[0].message.tool_calls
    assert (call.type, call.custom.name, call.custom.input) == ("custom", "code", "print(1)")


@pytest.mark.parametrize(
    ("stop", "reason"), [("end", "stop"), ("length", "length"), ("filter", "content_filter"), ("context", "length")]
)
def test_why_it_stopped(stop: Any, reason: str, serve: Any) -> None:
    client = serve([Reply("So", stop=stop)] * 2).openai
    assert client.chat.completions.create(**HELLO).choices[0].finish_reason == reason
    *_, last = client.chat.completions.create(**HELLO, stream=True)
    assert last.choices[0].finish_reason == reason


def test_a_refusal(serve: Any, streamed: bool) -> None:
    message = final(serve([Reply("No.", stop="refusal")]).openai, streamed).choices[0].message
    assert (message.content or "", message.refusal) == ("", "No.")


def test_usage_and_what_is_cached(serve: Any, streamed: bool) -> None:
    use = Use(input=1000, output=50, cached=600, reasoning=20)
    client = serve([Reply("abcdefgh", thinking="abcd"), Reply("y"), Reply("x", usage=use)]).openai
    system = {"role": "system", "content": "s" * 4000}
    first = final(client, streamed, messages=[system, ASK]).usage
    second = final(client, streamed, messages=[system, {**ASK, "content": "Other"}]).usage
    told = final(client, streamed).usage
    assert (first.completion_tokens, first.completion_tokens_details.reasoning_tokens) == (3, 1)
    assert first.prompt_tokens_details.cached_tokens == 0
    assert 1000 < second.prompt_tokens_details.cached_tokens < second.prompt_tokens
    assert (told.prompt_tokens, told.total_tokens, told.prompt_tokens_details.cached_tokens) == (1000, 1050, 600)


def test_usage_is_streamed_only_where_it_is_asked_for(serve: Any) -> None:
    chunks = list(serve([Reply("x")]).openai.chat.completions.create(**HELLO, stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


REFUSED: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "a call without its answer": (
        {"messages": [ASK, CALLED, ASK]},
        "The following tool_call_ids did not have response messages: c1",
        "messages.[2].role",
    ),
    "a call at the end": ({"messages": [ASK, CALLED]}, "did not have response messages: c1", "messages.[2].role"),
    "an answer to nothing": (
        {"messages": [ASK, ANSWER]},
        "must be a response to a preceeding message",
        "messages.[1].role",
    ),
    "an answer to another": (
        {"messages": [ASK, CALLED, {**ANSWER, "tool_call_id": "c2"}]},
        "must be a response",
        "messages.[2].role",
    ),
    "an unknown role": (
        {"messages": [{"role": "robot", "content": "x"}]},
        "Invalid value: 'robot'",
        "messages[0].role",
    ),
    "no content": ({"messages": [{"role": "user", "content": None}]}, "got null", "messages.[0].content"),
    "an unknown part": (
        {"messages": [{**ASK, "content": [{"type": "input_text"}]}]},
        "'input_text'",
        "messages[0].content[0].type",
    ),
    "no calls": ({"messages": [{**CALLED, "content": "x", "tool_calls": []}]}, "empty array", "messages[0].tool_calls"),
    "no messages": ({"messages": []}, "'messages'", "messages"),
    "options of a stream": (
        {"stream_options": {"include_usage": True}},
        "only allowed when 'stream'",
        "stream_options",
    ),
    "an unknown tool": ({"tools": [{"type": "shell"}]}, "Invalid value: 'shell'", "tools[0].type"),
    "a tool's bad name": (
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        "match pattern",
        "tools[0].function.name",
    ),
    "a choice of no tools": ({"tool_choice": "auto"}, "only allowed when 'tools'", "tool_choice"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str, serve: Any) -> None:
    changed, message, param = REFUSED[name]
    served = serve([Reply("Never.")])
    with pytest.raises(openai.BadRequestError) as caught:
        served.openai.chat.completions.create(**{**HELLO, **changed})
    assert message in caught.value.body["message"]
    assert (caught.value.type, caught.value.param) == ("invalid_request_error", param)
    assert served.openai.chat.completions.create(**HELLO).choices[0].message.content == "Never."


def test_an_answered_call_is_taken(serve: Any) -> None:
    served = serve([Reply("Done.")])
    final(served.openai, False, messages=[ASK, CALLED, ANSWER])
    assert served.server.requests[0].results == {"c1": "ok"}
