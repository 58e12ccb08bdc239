"""Messages: Anthropic's client gets what was scripted, streamed or not."""

from __future__ import annotations

from typing import Any

import pytest

from vendors import Call, Reply, Use

HELLO = {"model": "test-model", "max_tokens": 4000, "messages": [{"role": "user", "content": "Hello"}]}
LS = Call("bash", {"command": "ls -l ünïcode"})


def whole(client: Any, streamed: bool, **more: Any) -> Any:
    if not streamed:
        return client.messages.create(**{**HELLO, **more})
    with client.messages.stream(**{**HELLO, **more}) as stream:
        return stream.get_final_message()


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_thinking_text_and_calls(serve: Any, streamed: bool) -> None:
    reply = Reply("Looking around.", thinking="Where am I?", calls=(LS, Call("read", {"path": "a"}, id="toolu_mine")))
    message = whole(serve([reply]).anthropic, streamed)
    thinking, text, first, second = message.content
    assert (thinking.type, thinking.thinking, bool(thinking.signature)) == ("thinking", "Where am I?", True)
    assert text.text == "Looking around."
    assert (first.id, first.name, first.input) == ("toolu_000001", "bash", {"command": "ls -l ünïcode"})
    assert (second.id, second.input) == ("toolu_mine", {"path": "a"})
    assert message.stop_reason == "tool_use"
    assert message.id == "msg_000001"


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end", "end_turn"),
        ("length", "max_tokens"),
        ("refusal", "refusal"),
        ("context", "model_context_window_exceeded"),
        ("pause", "pause_turn"),
    ],
)
def test_why_it_stopped(stop: Any, reason: str, serve: Any, streamed: bool) -> None:
    message = whole(serve([Reply("So", stop=stop)]).anthropic, streamed)
    assert message.stop_reason == reason
    assert (message.stop_details is not None) == (reason == "refusal")


def test_usage_is_counted_or_what_the_script_says(serve: Any, streamed: bool) -> None:
    use = Use(input=1000, output=50, cached=600, cache_written=300, reasoning=20)
    client = serve([Reply("abcdefgh", thinking="abcd"), Reply("x", usage=use)]).anthropic
    counted, told = (whole(client, streamed).usage for _ in range(2))
    assert (counted.output_tokens, counted.output_tokens_details.thinking_tokens) == (3, 1)
    assert (counted.input_tokens, counted.cache_read_input_tokens) == (10, 0)
    assert (told.input_tokens, told.cache_read_input_tokens, told.cache_creation_input_tokens) == (100, 600, 300)
    assert (told.output_tokens, told.output_tokens_details.thinking_tokens) == (50, 20)


def test_arguments_that_are_no_json_are_streamed_as_they_are(serve: Any) -> None:
    broken = Call("bash", raw_arguments_text='{"command": "ls')
    sent = serve([Reply(calls=(broken,), stop="length")]).anthropic.messages.create(**HELLO, stream=True)
    parts = [event.delta.partial_json for event in sent if event.type == "content_block_delta"]
    assert "".join(parts) == '{"command": "ls'
    assert len(parts) > 2


def test_redacted_and_omitted_thinking(serve: Any, streamed: bool) -> None:
    client = serve([Reply("x", thinking="dark", redacted=True), Reply("x", thinking="dark")]).anthropic
    hidden = {"type": "adaptive", "display": "omitted"}
    assert whole(client, streamed).content[0].type == "redacted_thinking"
    omitted = whole(client, streamed, thinking=hidden).content[0]
    assert (omitted.thinking, bool(omitted.signature)) == ("", True)


def test_what_is_marked_is_cached(serve: Any) -> None:
    """The system prompt is marked, and the end of each conversation: it is read the next time, if nothing before changed."""
    client = serve([Reply("one"), Reply("two"), Reply("three"), Reply("four")]).anthropic
    mark = {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": "s" * 4000, **mark}]

    def asked(*texts: str, hour: bool = False) -> Any:
        cache = {"cache_control": {"type": "ephemeral", **({"ttl": "1h"} if hour else {})}}
        roles = ("user", "assistant", "user")
        messages = [
            {"role": role, "content": [{"type": "text", "text": text}]}
            for role, text in zip(roles, texts, strict=False)
        ]
        messages[-1]["content"][0] |= cache
        return client.messages.create(**{**HELLO, "messages": messages, "system": system}).usage

    first = asked("u" * 400)
    assert first.cache_read_input_tokens == 0
    assert first.cache_creation_input_tokens > 1100
    assert first.input_tokens == 0
    second = asked("u" * 400, "one", "more")
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert 0 < second.cache_creation_input_tokens < 100
    changed = asked("v" * 400, hour=True)
    assert 1000 < changed.cache_read_input_tokens < first.cache_creation_input_tokens
    assert changed.cache_creation.ephemeral_1h_input_tokens == changed.cache_creation_input_tokens > 0
    unmarked = client.messages.create(**HELLO).usage
    assert (unmarked.cache_read_input_tokens, unmarked.cache_creation_input_tokens) == (0, 0)


def test_models(serve: Any) -> None:
    client = serve(model_names=["first", "second"]).anthropic
    assert [model.id for model in client.models.list()] == ["first", "second"]
    assert client.models.retrieve("second").max_input_tokens == 200_000
