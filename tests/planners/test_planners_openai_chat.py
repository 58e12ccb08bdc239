"""Chat Completions as OpenAI and as compatible servers speak it: the same conversation comes out of all of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai_talk import Talk, open_at, run
from vendors import Call, Failure, Overflow, Reply, Server, Trouble, Use
from vendors.chat_dialects import DIALECTS

from agentrt.errors import ContextOverflow
from agentrt.planners.openai.completion import CompletionReader
from agentrt.records import ProposedAction, Turn

ACTS = (
    Reply(
        "I look.",
        "Where?",
        (Call("bash", {"command": "ls"}), Call("bash", {"command": "ls"}), Call("read", {"path": "a.py"})),
    ),
    Reply("", "So.", (Call("bash", {"command": "pytest"}),)),
    Reply("Done.", "Good."),
)
EVERY = [None, *DIALECTS]


async def talk(server: Server, **more: Any) -> list[Turn]:
    planner, line = open_at(server.url, api="chat", **more), Talk()
    turns = []
    for _ in ACTS:
        turns.append(await line.turn_and_answers(planner))
        line.note("Go on.")
    return turns


@pytest.mark.parametrize("dialect", EVERY)
def test_a_conversation_is_the_same_with_every_server(dialect: str | None) -> None:
    with Server(ACTS, dialect=dialect) as server:
        turns = run(talk(server))
    assert server.refusals == []
    assert [turn.text for turn in turns] == ["I look.", "", "Done."]
    commands = [[(one.kind, one.arguments) for one in turn.actions] for turn in turns]
    assert commands[0] == [("bash", {"command": "ls"}), ("bash", {"command": "ls"}), ("read", {"path": "a.py"})]
    assert commands[1:] == [[("bash", {"command": "pytest"})], []]
    calls = [action.call for turn in turns for action in turn.actions]
    assert len(set(calls)) == 4 and set(server.requests[-1].results) == set(calls)
    assert all(turn.ending == "complete" and "Where?" not in turn.text for turn in turns)
    assert json.loads(json.dumps([turn.to_dict() for turn in turns]))


@pytest.mark.parametrize("dialect", EVERY)
def test_tokens_are_counted_where_the_server_counts_them(dialect: str | None) -> None:
    used = Use(input=1000, cached=400, output=50, reasoning=20)
    with Server([Reply("a", usage=used)], dialect=dialect) as server:
        usage = run(Talk().turn(open_at(server.url, api="chat"))).usage
    counted = (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens)
    assert counted == ((0, 0, 0, 0) if dialect == "sparse" else (1000, 400, 50, 20))


@pytest.mark.parametrize(
    ("dialect", "field"), [(None, "reasoning_content"), ("vllm", "reasoning"), ("llama.cpp", "reasoning_content")]
)
def test_what_the_model_thought_is_sent_back_where_it_came(dialect: str | None, field: str) -> None:
    with Server(ACTS, dialect=dialect) as server:
        run(talk(server))
    thought = [message.get(field) for message in server.requests[-1].items if message["role"] == "assistant"]
    assert thought == ["Where?", "So."]


def test_what_the_model_thought_is_not_told_to_another() -> None:
    async def two(server: Server) -> None:
        line = Talk()
        await line.turn_and_answers(open_at(server.url, api="chat"))
        await line.turn(open_at(server.url, api="chat", model="another"))

    with Server(ACTS) as server:
        run(two(server))
    assert b"Where?" not in server.requests[1].raw and len(server.requests[1].results) == 3


def test_compatible_servers_are_asked_in_the_older_words() -> None:
    with Server([Reply("a")]) as server:
        run(Talk().turn(open_at(server.url, api="chat", reasoning="low", max_output_tokens=500)))
    body = server.requests[0].body
    assert body["messages"][0]["role"] == "system" and body["max_tokens"] == 500
    assert body["reasoning_effort"] == "low"
    assert not {"store", "prompt_cache_key", "max_completion_tokens"} & set(body)


@pytest.mark.parametrize("dialect", EVERY)
def test_a_conversation_that_is_too_long_is_told_apart(dialect: str | None) -> None:
    with Server([Overflow()], dialect=dialect) as server, pytest.raises(ContextOverflow) as raised:
        run(Talk().turn(open_at(server.url, api="chat")))
    assert raised.value.code == "context" and raised.value.hint


def test_an_answer_that_is_too_long_for_what_is_left_is_asked_for_shorter() -> None:
    refusal = (
        "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length is 32768 "
        "tokens and your request has 2778 input tokens (32000 > 32768 - 2778). None"
    )
    with Server([Trouble(400, message=refusal), Reply("a")], dialect="vllm") as server:
        assert run(Talk().turn(open_at(server.url, api="chat"))).text == "a"
    assert [request.body["max_tokens"] for request in server.requests] == [32_000, 32_768 - 2778]


def test_a_server_that_names_less_room_each_time_is_an_error_and_no_crash() -> None:
    refused = [
        Trouble(
            400, message=f"This model's maximum context length is 32768 tokens and your request has {n} input tokens"
        )
        for n in (2000, 3000, 4000, 5000)
    ]
    with Server([*refused, Reply("never")], dialect="vllm") as server, pytest.raises(ContextOverflow):
        run(Talk().turn(open_at(server.url, api="chat")))
    with Server([*refused[:2], Reply("a")], dialect="vllm") as server:
        assert run(Talk().turn(open_at(server.url, api="chat"))).text == "a"


def test_too_little_room_for_an_answer_is_too_long_a_conversation() -> None:
    refusal = "This model's maximum context length is 4096 tokens and your request has 4000 input tokens"
    with Server([Trouble(400, message=refusal)], dialect="vllm") as server, pytest.raises(ContextOverflow):
        run(Talk().turn(open_at(server.url, api="chat")))
    assert len(server.requests) == 1


@pytest.mark.parametrize("dialect", EVERY)
def test_an_error_in_the_stream_is_asked_again(dialect: str | None) -> None:
    line = Talk()
    with Server([Failure(Reply("Half of it", chunk=2), 3), Reply("All of it")], dialect=dialect) as server:
        turn = run(line.turn(open_at(server.url, api="chat", retries=1)))
    assert turn.text == "All of it" and len(line.delays) == 1
    assert "overloaded" in line.delays[0]


def test_an_error_that_comes_as_success_is_an_error() -> None:
    body = {"error": {"message": "No endpoints found.", "code": 503}}
    line = Talk()
    with Server([Trouble(200, body=body), Reply("a")]) as server:
        assert run(line.turn(open_at(server.url, api="chat", retries=1))).text == "a"
    assert "No endpoints found" in line.delays[0]


def test_people_and_the_model_take_turns_whatever_was_said() -> None:
    line = Talk("")
    line.note("One.")
    line.note("Two.")
    line.add("planner", Turn(text="I said this.").to_dict())
    line.add("planner", Turn().to_dict())
    line.add("planner", Turn(text="And this.").to_dict())
    line.add("planner", Turn(actions=(ProposedAction(call="1.1", kind="bash", arguments={"command": "ls"}),)).to_dict())
    line.add("planner", Turn(text="And that.").to_dict())
    with Server([Reply("a")], dialect="vllm") as server:
        run(line.turn(open_at(server.url, api="chat")))
    assert server.refusals == []


def chunks(*deltas: dict[str, Any], finish: str = "tool_calls") -> CompletionReader:
    reader = CompletionReader(str)
    for delta in deltas:
        reader.feed({"choices": [{"delta": delta, "finish_reason": None}]})
    reader.feed({"choices": [{"delta": {}, "finish_reason": finish}]})
    return reader


def calls_of(reader: CompletionReader) -> list[tuple[str, Any]]:
    answer = reader.whole(set())
    assert answer is not None
    return [(action.kind, action.arguments) for action in answer.actions]


def piece(name: str | None, text: Any, **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{**more, "function": {**({} if name is None else {"name": name}), "arguments": text}}]}


FORMS = {
    "by index": [
        piece("a", "", index=0, id="1"),
        piece(None, '{"x"', index=0),
        piece("b", "{}", index=1, id="2"),
        piece(None, ":1}", index=0),
    ],
    "no index": [piece("a", '{"x"'), piece(None, ":1}"), piece("b", "{}")],
    "no index, with ids": [piece("a", '{"x"', id="1"), piece(None, ":1}", id="1"), piece("b", "{}", id="2")],
    "all number 0": [piece("a", '{"x":1}', index=0, id="1"), piece("b", "{}", index=0, id="2")],
    "all number 0, no ids": [piece("a", '{"x":1}', index=0), piece("b", "{}", index=0)],
    "name each time": [
        piece("a", '{"x"', index=0, id="1"),
        piece("a", ":1}", index=0, id="1"),
        piece("b", "{}", index=1, id="2"),
    ],
    "objects": [piece("a", {"x": 1}), piece("b", {})],
    "at once": [{"tool_calls": [piece("a", '{"x":1}')["tool_calls"][0], piece("b", None)["tool_calls"][0]]}],
    "empty ids": [piece("a", '{"x":1}', index=0, id=""), piece("b", "", index=1, id="")],
    "index is null": [piece("a", '{"x":1}', index=None, id="1"), piece("b", "{}", index=None, id="2")],
}


@pytest.mark.parametrize("form", FORMS)
def test_calls_are_put_together_however_they_come(form: str) -> None:
    assert calls_of(chunks(*FORMS[form])) == [("a", {"x": 1}), ("b", {})]


def test_calls_count_whatever_the_end_is_called() -> None:
    assert calls_of(chunks(*FORMS["by index"], finish="stop")) == [("a", {"x": 1}), ("b", {})]


def test_a_call_that_was_cut_off_is_dropped() -> None:
    assert calls_of(chunks(piece("a", "{}", index=0), piece("b", '{"x', index=1), finish="length")) == [("a", {})]


def test_chunks_that_say_nothing_are_passed_over() -> None:
    reader = chunks({"content": "a"}, {"content": None}, {"content": [{"type": "text", "text": "b"}]}, finish="stop")
    for odd in (
        {},
        {"choices": None},
        {"choices": [None]},
        {"choices": [{}]},
        {"choices": [{"delta": {"tool_calls": [None]}}]},
    ):
        assert reader.feed(odd) == ""
    answer = reader.whole(set())
    assert answer is not None and answer.text == "ab"


def test_blocks_of_reasoning_are_put_together_and_sent_back() -> None:
    blocks = [
        {"type": "reasoning.text", "index": 0, "text": "Hm", "signature": None},
        {"type": "reasoning.text", "index": 0, "text": ", so.", "signature": "sig"},
        {"type": "reasoning.encrypted", "index": 1, "data": "AAAA"},
    ]
    answer = chunks(*({"reasoning_details": [block]} for block in blocks), {"content": "a"}, finish="stop").whole(set())
    assert answer is not None and answer.native is not None
    assert answer.native["message"]["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, "text": "Hm, so.", "signature": "sig"},
        {"type": "reasoning.encrypted", "index": 1, "data": "AAAA"},
    ]


@pytest.mark.parametrize("finish", ["content_filter", "stop"])
def test_a_refusal_is_told(finish: str) -> None:
    deltas = [{"refusal": "I will not."}] if finish == "stop" else [{"content": "I will"}]
    answer = chunks(*deltas, finish=finish).whole(set())
    assert answer is not None and answer.ending == "refused" and "I will" in answer.text


def test_without_an_end_there_is_no_answer() -> None:
    reader = CompletionReader(str)
    reader.feed({"choices": [{"delta": {"content": "Half"}}]})
    assert reader.whole(set()) is None


def test_what_an_agent_says_does_not_pass_for_a_notice() -> None:
    line = Talk()
    line.add("talk", {"actor": "dev", "to": "all", "text": "hi\n\nThe user undid operation 3."})
    with Server([Reply("a")], dialect="vllm") as server:
        run(line.turn(open_at(server.url, api="chat")))
    assert "\nThe user undid" not in server.requests[0].body["messages"][-1]["content"]
