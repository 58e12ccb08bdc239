"""OpenAI's Responses API: a conversation of several turns through the SDK, against a server that refuses what is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openai_talk import TOOLS, Talk, open_at, run
from vendors import Call, Reply, Server, Use

from agentrt.contracts import Planner
from agentrt.contracts.planner import Summarizer
from agentrt.errors import DocumentError, PlannerError, UsageError
from agentrt.planners.masks import Masked
from agentrt.planners.openai import open_planner
from agentrt.planners.openai.server import read
from agentrt.records import ProposedAction, Turn

ACTS = (
    Reply("I look.", "Where to begin?", (Call("bash", {"command": "ls"}), Call("read", {"path": "a.py"}))),
    Reply("", "So that is it.", (Call("bash", {"command": "pytest -q"}),)),
    Reply("Mended.", "It holds.", (Call("write", {"path": "a.py", "content": "1\n"}),)),
    Reply("", "", (Call("submit", {"text": "done"}),)),
)


def test_a_turn_has_text_actions_usage_and_its_native_form() -> None:
    with Server([ACTS[0]]) as server:
        talk = Talk()
        turn = run(talk.turn(open_at(server.url)))
    assert (turn.text, turn.ending, turn.model) == ("I look.", "complete", "gpt-6.2-sol")
    assert [(one.kind, one.arguments) for one in turn.actions] == [
        ("bash", {"command": "ls"}),
        ("read", {"path": "a.py"}),
    ]
    assert talk.said == "I look."
    assert turn.usage.input_tokens > 0 and 0 < turn.usage.reasoning_tokens < turn.usage.output_tokens
    assert turn.native is not None and turn.native["provider"] == "openai"
    assert [item["type"] for item in turn.native["items"]] == ["reasoning", "message", "function_call", "function_call"]
    assert json.loads(json.dumps(turn.to_dict())) and Turn.from_dict(json.loads(json.dumps(turn.to_dict()))) == turn


def test_every_item_is_sent_back_as_it_came_with_an_output_for_each_call() -> None:
    async def talk(server: Server) -> list[Turn]:
        planner, line = open_at(server.url), Talk()
        return [await line.turn_and_answers(planner) for _ in ACTS]

    with Server(ACTS) as server:
        turns = run(talk(server))
    assert server.refusals == []
    sent = server.requests[-1].items
    for turn in turns[:-1]:
        assert turn.native is not None
        kept = turn.native["items"]
        at = sent.index(kept[0])
        assert sent[at : at + len(kept)] == kept
    assert set(server.requests[-1].results) == {action.call for turn in turns[:-1] for action in turn.actions}


def test_a_request_keeps_nothing_at_the_vendor_and_asks_for_the_reasoning_back() -> None:
    with Server([Reply("hm"), Reply("hm")]) as server:
        run(Talk().turn(open_at(server.url, reasoning="max", max_output_tokens=5000)))
        run(Talk().turn(open_at(server.url, model="gpt-4.1")))
    first, second = (request.body for request in server.requests)
    assert first["store"] is False and first["truncation"] == "disabled" and first["parallel_tool_calls"] is True
    assert first["include"] == ["reasoning.encrypted_content"] and first["reasoning"] == {"effort": "max"}
    assert first["max_output_tokens"] == 5000
    assert "include" not in second and "reasoning" not in second
    assert all(tool["strict"] is False for tool in first["tools"])


@pytest.mark.parametrize("model", ["gpt-6.2-sol", "gpt-5.5"])
@pytest.mark.parametrize("native_tools", [False, True])
def test_all_that_was_sent_before_is_cached_but_the_reminder(model: str, native_tools: bool) -> None:
    async def talk(server: Server) -> list[Turn]:
        planner = open_at(server.url, model=model, native_tools=native_tools)
        line = Talk(rules=["Do not touch b.py.", "Say why. " * 100])
        return [await line.turn_and_answers(planner) for _ in ACTS]

    shell = Reply("", "Hm.", (Call("shell", {"commands": ["ls", "ls -l"]}, kind="shell"),))
    with Server([ACTS[0], *([shell] if native_tools else [ACTS[1]]), *ACTS[2:]]) as server:
        turns = run(talk(server))
    assert server.refusals == []
    for before, turn, request in zip(turns, turns[1:], server.requests, strict=False):
        reminder = len(json.dumps(request.items[-1])) // 4
        assert turn.usage.cached_tokens >= before.usage.input_tokens - reminder - 5
    keys = {request.body["prompt_cache_key"] for request in server.requests}
    assert len(keys) == 1 and "Mend" not in keys.pop()
    assert all("Do not touch b.py" in request.items[-1]["content"] for request in server.requests)
    assert "Do not touch" not in json.dumps(server.requests[-1].items[:-1])


def test_cache_keys_differ_by_conversation_and_not_by_planner() -> None:
    with Server(lambda request: Reply("hm")) as server:
        for objective in ("one", "two", "one"):
            run(Talk(objective).turn(open_at(server.url)))
    one, two, again = (request.body["prompt_cache_key"] for request in server.requests)
    assert one == again != two


def test_a_conversation_that_was_taken_back_goes_on_from_there() -> None:
    async def talk(server: Server) -> None:
        planner, line = open_at(server.url), Talk()
        await line.turn_and_answers(planner)
        whole = len(line.messages)
        await line.turn_and_answers(planner)
        del line.messages[whole:]
        line.note("Your last action was undone.")
        await line.turn_and_answers(planner)

    with Server(ACTS) as server:
        run(talk(server))
    assert server.refusals == []
    assert server.requests[2].said == "Your last action was undone."


def test_a_call_without_an_outcome_is_answered_all_the_same() -> None:
    async def talk(server: Server) -> Turn:
        planner, line = open_at(server.url), Talk()
        turn = await line.turn(planner)
        line.observe(turn.actions[1].call, "the second")
        await line.turn(planner)
        return turn

    with Server(ACTS) as server:
        turn = run(talk(server))
    results = server.requests[1].results
    assert results[turn.actions[1].call] == "the second"
    assert "no outcome is known" in results[turn.actions[0].call]


def test_what_another_planner_did_is_told_in_words_and_calls() -> None:
    line = Talk()
    actions = (
        ProposedAction(call="1.1", kind="bash", arguments={"command": "ls"}),
        ProposedAction(call="a b\n", kind="no such kind!", arguments={}, malformed="broken"),
    )
    line.add("planner", Turn(text="I follow a script.", actions=actions).to_dict())
    line.observe("1.1", "a.py")
    with Server([Reply("I see.")]) as server:
        run(line.turn(open_at(server.url)))
    calls = [item for item in server.requests[0].items if item.get("type") == "function_call"]
    assert [call["name"] for call in calls] == ["bash", "no_such_kind_"]
    assert server.requests[0].results[calls[0]["call_id"]] == "a.py"


@pytest.mark.parametrize("other", [{"model": "gpt-5.5"}, {"api": "chat"}])
def test_another_model_or_api_is_not_sent_what_it_cannot_read(other: dict[str, Any]) -> None:
    async def talk(server: Server) -> None:
        line = Talk()
        await line.turn_and_answers(open_at(server.url))
        await line.turn(open_at(server.url, **other))

    with Server([ACTS[0], Reply("I go on.")]) as server:
        run(talk(server))
    assert server.refusals == [] and "gAAAA" not in server.requests[1].raw.decode()
    assert set(server.requests[1].results.values()) == {"exit code 0\nfine"}


def test_a_compaction_stands_for_what_it_replaces() -> None:
    async def talk(server: Server) -> None:
        planner, line = open_at(server.url), Talk()
        await line.turn_and_answers(planner)
        since = len(line.messages) + 1
        await line.turn_and_answers(planner)
        line.add("compaction", {"text": "What was found: a.py is broken.", "since": since})
        await line.turn_and_answers(planner)

    with Server(ACTS) as server:
        run(talk(server))
    assert server.refusals == []
    sent = json.dumps(server.requests[2].items)
    assert "What was found" in sent and "a.py" in sent and '"I look."' not in sent and "pytest -q" in sent


def test_a_summary_is_asked_for_with_the_same_beginning_and_without_calls() -> None:
    async def talk(server: Server) -> Turn:
        planner, line = open_at(server.url), Talk()
        await line.turn_and_answers(planner)
        assert isinstance(planner, Summarizer)
        return await planner.summarize(line.messages)

    with Server([ACTS[0], Reply("Found: a.py.")]) as server:
        turn = run(talk(server))
    body = server.requests[1].body
    assert (turn.text, turn.actions) == ("Found: a.py.", ())
    assert body["tool_choice"] == "none" and body["tools"] == server.requests[0].body["tools"]
    assert turn.usage.cached_tokens > 0.5 * turn.usage.input_tokens


def test_a_summary_that_says_nothing_is_an_error() -> None:
    async def talk(server: Server) -> None:
        planner = open_at(server.url)
        assert isinstance(planner, Summarizer)
        await planner.summarize(Talk().messages)

    with Server([Reply("")]) as server, pytest.raises(PlannerError, match="no summary"):
        run(talk(server))


@dataclass(frozen=True)
class Redact:
    name: str
    pattern: str


def test_a_masked_planner_is_sent_its_own_items_unchanged() -> None:
    async def talk(server: Server) -> Turn:
        planner: Planner = Masked(open_at(server.url), [Redact("email", r"[\w.]+@[\w.]+\w")])
        line = Talk("Write to a@x.org.")
        turn = await line.turn_and_answers(planner, "sent to a@x.org")
        await line.turn(planner)
        return turn

    with Server(
        [Reply("To <email_1>.", "Hm.", (Call("bash", {"command": "mail <email_1>"}),)), Reply("Done.")]
    ) as server:
        turn = run(talk(server))
    assert turn.actions[0].arguments == {"command": "mail a@x.org"} and turn.text == "To a@x.org."
    assert server.refusals == [] and b"a@x.org" not in server.requests[1].raw


def test_an_answer_that_came_to_its_limit_loses_the_call_that_was_cut_off() -> None:
    async def talk(server: Server) -> Turn:
        planner, line = open_at(server.url), Talk()
        turn = await line.turn_and_answers(planner)
        await line.turn(planner)
        return turn

    calls = (Call("bash", {"command": "ls"}), Call("bash", raw_arguments_text='{"command": "rm -'))
    with Server([Reply("Well,", "Hm.", calls, stop="length"), Reply("So.")]) as server:
        turn = run(talk(server))
    assert turn.ending == "truncated" and [one.arguments for one in turn.actions] == [{"command": "ls"}]
    assert server.refusals == []


def test_reasoning_that_nothing_came_of_is_not_sent_back() -> None:
    async def talk(server: Server) -> Turn:
        planner, line = open_at(server.url), Talk()
        turn = await line.turn_and_answers(planner)
        line.note("Go on, and think less.")
        await line.turn(planner)
        return turn

    with Server([Reply("", "Hm, hm, hm", stop="length"), Reply("So.")]) as server:
        turn = run(talk(server))
    assert (turn.ending, turn.text, turn.actions) == ("truncated", "", ())
    assert server.refusals == [] and len(server.requests[1].items) == 2


@pytest.mark.parametrize("stop", ["refusal", "filter"])
def test_a_refusal_is_told_with_what_the_model_said(stop: Any) -> None:
    talk = Talk()
    with Server([Reply("I will not do that.", stop=stop)]) as server:
        turn = run(talk.turn(open_at(server.url)))
    assert (turn.ending, turn.text, talk.said) == ("refused", "I will not do that.", "I will not do that.")


BROKEN = {
    '{"command": "ls"': "line 1, column 17",
    '{"command": "ls", "command": "rm"}': '"command" twice',
    '{"seconds": NaN}': "NaN",
    '{"command": "\\ud800"}': "lone surrogate",
    '["ls"]': "must be an object",
    "[" * 5000: "deep",
    '{"a":' * 200 + "1" + "}" * 200: "deep",
    '{"command": "' + "x" * 10_000_000: "long",
}


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:20])
@pytest.mark.parametrize("api", ["responses", "chat"])
def test_arguments_that_cannot_be_read_are_told_and_can_be_sent_back(text: str, api: str) -> None:
    async def talk(server: Server) -> Turn:
        planner, line = open_at(server.url, api=api), Talk()
        turn = await line.turn(planner)
        line.observe(turn.actions[0].call, turn.actions[0].malformed)
        await line.turn(planner)
        return turn

    with Server([Reply("", "", (Call("bash", raw_arguments_text=text),), chunk=1_000_000), Reply("I see.")]) as server:
        turn = run(talk(server))
    (action,) = turn.actions
    assert BROKEN[text] in action.malformed and len(action.malformed) < 300 and action.arguments == {}
    assert server.refusals == []


@pytest.mark.parametrize("given", ["", None, " \n"])
def test_no_arguments_at_all_are_no_mistake(given: str | None) -> None:
    with Server([Reply("", "", (Call("submit", raw_arguments_text=given),))]) as server:
        turn = run(Talk().turn(open_at(server.url)))
    assert (turn.actions[0].arguments, turn.actions[0].malformed) == ({}, "")


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_calls_have_names_of_their_own_whatever_the_server_calls_them(api: str) -> None:
    async def talk(server: Server) -> list[Turn]:
        planner, line = open_at(server.url, api=api), Talk()
        return [await line.turn_and_answers(planner) for _ in range(3)]

    same = Reply("", "", (Call("bash", {"command": "ls"}, id="call_0"), Call("bash", {"command": "ls"}, id="call_0")))
    odd = Reply("", "", (Call("bash", {"command": "ls"}, id="\ud800"), Call("bash", {"command": "ls"}, id="a b")))
    with Server([same, same, odd]) as server:
        turns = run(talk(server))
    names = [action.call for turn in turns for action in turn.actions]
    assert len(set(names)) == 6 and names[0] == "call_0"
    assert server.refusals == []


def test_bytes_that_are_no_text_and_half_characters_are_sent_written_out() -> None:
    line = Talk("Look at b\udcffd.txt \ud800")
    line.note("caf\udce9")
    with Server([Reply("Yes.")]) as server:
        run(line.turn(open_at(server.url)))
    assert "b\\udcffd.txt \\ud800" in json.dumps(server.requests[0].items).replace("\\\\", "\\")


def test_a_planner_is_used_in_one_loop_after_another() -> None:
    planner, talk = None, Talk()
    with Server(ACTS) as server:
        planner = open_at(server.url)
        for _ in range(2):
            run(talk.turn_and_answers(planner))
            run(planner.close())
    assert server.refusals == [] and len(server.requests) == 2


def test_what_is_known_of_a_price_is_the_cost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "agentrt").mkdir()
    (tmp_path / "agentrt" / "prices.yaml").write_text("prices: [{model: mine-1, input: 2, output: 10, cached: 1}]")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    used = Use(input=1_000_000, cached=500_000, output=100_000)
    with Server([Reply("a", usage=used), Reply("a", usage=used)]) as server:
        known = run(Talk().turn(open_at(server.url, model="mine-1")))
        unknown = run(Talk().turn(open_at(server.url, model="mine-2")))
    assert known.usage.cost_usd == pytest.approx(1 + 0.5 + 1)
    assert unknown.usage.cost_usd is None and unknown.usage.input_tokens == 1_000_000


def test_mistakes_in_a_task_are_told_where_they_stand() -> None:
    wrong = [
        ({"model": "m", "api": "rest"}, "api"),
        ({"model": "m", "modle": "x"}, "modle"),
        ({"model": "m", "base_url": "http://key@host/v1"}, "without a name or a key in it"),
        ({"model": "m", "native_tools": True, "base_url": "http://127.0.0.1:1/v1"}, "no tools of its own"),
    ]
    for options, said in wrong:
        with pytest.raises(DocumentError, match=said):
            open_planner({"provider": "openai", **options}, folder=Path())


def test_a_key_goes_only_where_somebody_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai-12345")
    monkeypatch.setenv("GATEWAY_KEY", "of-the-gateway-1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-12345678")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer sk-other-1234\nX-Mine: secret")
    with Server(lambda request: Reply("hm")) as server:
        run(Talk().turn(open_at(server.url)))
        run(Talk().turn(open_at(server.url, key="GATEWAY_KEY")))
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        run(Talk().turn(open_planner({"provider": "openai", "model": "m", "retries": 0}, folder=Path())))
    headers = [request.headers for request in server.requests]
    keys = [one["authorization"].removeprefix("Bearer ") for one in headers]
    assert keys == ["none", "of-the-gateway-1", "sk-of-openai-12345"]
    assert not any(name in one for one in headers for name in ("openai-organization", "openai-project", "x-mine"))
    monkeypatch.delenv("GATEWAY_KEY")
    with pytest.raises(UsageError, match="GATEWAY_KEY"):
        open_at("http://127.0.0.1:1", key="GATEWAY_KEY")


def test_what_a_task_says_decides_how_a_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    expected: list[tuple[dict[str, Any], tuple[str, bool, str | None]]] = [
        ({"model": "gpt-6.2-sol"}, ("responses", True, "OPENAI_API_KEY")),
        ({"model": "gpt-5"}, ("responses", False, "OPENAI_API_KEY")),
        ({"model": "gpt-6.2-sol", "native_tools": False}, ("responses", False, "OPENAI_API_KEY")),
        ({"model": "gpt-6.2-sol", "api": "chat"}, ("chat", False, "OPENAI_API_KEY")),
        ({"model": "gpt-5.1", "base_url": "https://eu.api.openai.com/v1"}, ("responses", True, "OPENAI_API_KEY")),
        ({"model": "gpt-6.2-sol", "base_url": "https://gateway.example/v1"}, ("chat", False, None)),
        ({"model": "gpt-6.2-sol", "base_url": "https://api.openai.com.example/v1"}, ("chat", False, None)),
    ]
    for options, (api, native, key) in expected:
        _, server = read({"provider": "openai", **options})
        assert (server.api, server.native_tools, server.key) == (api, native, key), options


def test_tools_are_offered_in_an_order_that_stays() -> None:
    with Server([Reply("hm")]) as server:
        run(Talk().turn(open_at(server.url)))
    assert server.requests[0].tools == [spec.name for spec in TOOLS]
