"""Conversations with Anthropic's models: what is sent, and what is sent again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from planners.lines import Line, specs
from vendors import Call, Reply, Request, Server

from agentrt.agent.conversation import compaction
from agentrt.contracts.planner import Delayed, Said
from agentrt.errors import DocumentError, UsageError
from agentrt.planners.anthropic import open_planner
from agentrt.planners.anthropic.planner import AnthropicPlanner
from agentrt.planners.masks import Masked
from agentrt.records import ProposedAction, Turn

KEY = "sk-ant-test-0123456789abcdef"
Opened = Callable[..., AnthropicPlanner]


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("BASE_URL", "AUTH_TOKEN", "CUSTOM_HEADERS", "LOG"):
        monkeypatch.delenv(f"ANTHROPIC_{name}", raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    yield


def opened(server: Server, **more: Any) -> AnthropicPlanner:
    options = {
        "provider": "anthropic",
        "model": "claude-opus-5-5",
        "base_url": server.url,
        "retries": 0,
        "key": "ANTHROPIC_API_KEY",
        **more,
    }
    return open_planner(options, folder=Path())


def talk(server: Server, line: Line, turns: int, **more: Any) -> list[Turn]:
    async def run() -> list[Turn]:
        planner = opened(server, **more)
        return [await line.take(planner, specs()) for _ in range(turns)]

    return asyncio.run(run())


def blocks(request: Request, kind: str) -> list[dict[str, Any]]:
    return [block for message in request.items for block in message["content"] if block["type"] == kind]


def working(turns: int, *, thinking: str = "Hmm.", at_once: int = 1) -> list[Reply]:
    return [
        Reply(
            f"Step {n}.",
            thinking=thinking,
            calls=tuple(Call("bash", {"command": f"echo {n} {m}"}) for m in range(at_once)),
        )
        for n in range(turns)
    ]


def test_a_turn_has_what_was_said_done_and_spent() -> None:
    reply = Reply(
        "I look.", thinking="Where is it?", calls=(Call("bash", {"command": "ls"}), Call("read", {"path": "a.py"}))
    )
    with Server([reply], key=KEY) as server:
        (turn,) = talk(server, Line(), 1)
    assert (turn.text, turn.ending, turn.model) == ("I look.", "complete", "claude-opus-5-5")
    assert [(one.kind, one.arguments) for one in turn.actions] == [
        ("bash", {"command": "ls"}),
        ("read", {"path": "a.py"}),
    ]
    assert len({one.call for one in turn.actions}) == 2
    assert turn.usage.input_tokens > 500
    assert 0 < turn.usage.reasoning_tokens < turn.usage.output_tokens
    plain = turn.usage.input_tokens - turn.usage.cache_written_tokens
    cost = (plain * 4 + turn.usage.cache_written_tokens * 5 + turn.usage.output_tokens * 20) / 1_000_000
    assert turn.usage.cost_usd == pytest.approx(cost)


def test_the_text_is_heard_as_it_comes() -> None:
    heard: list[Said | Delayed] = []

    async def run(server: Server) -> Turn:
        return await opened(server).plan(Line(), specs(), heard.append)

    with Server([Reply("Grüße, and all that is well.", chunk=3)]) as server:
        turn = asyncio.run(run(server))
    assert len(heard) > 3
    assert "".join(said.text for said in heard if isinstance(said, Said)) == turn.text == "Grüße, and all that is well."


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-opus-4-8"])
@pytest.mark.parametrize("redacted", [False, True])
def test_thinking_is_sent_again_as_it_came(model: str, redacted: bool) -> None:
    replies = [
        Reply("", thinking=f"thought {n}", calls=(Call("bash", {"command": "ls"}),), redacted=redacted)
        for n in range(4)
    ]
    with Server(replies) as server:
        talk(server, Line(rules=["No new files."]), 4, model=model)
    kind = "redacted_thinking" if redacted else "thinking"
    assert server.refusals == []
    assert [len(blocks(request, kind)) for request in server.requests] == [0, 1, 2, 3]


def test_every_call_is_answered_and_failed_ones_are_said_to_be() -> None:
    line = Line()
    with Server(
        [Reply(calls=(Call("bash", {"command": "a"}), Call("bash", {"command": "b"}), Call("bash"))), Reply("Done.")]
    ) as server:

        async def run() -> None:
            planner = opened(server)
            turn = await planner.plan(line, specs())
            line.turn(turn)
            first, second, _ = (action.call for action in turn.actions)
            line.outcome(second, "exit code 1\nno such file", exit_code=1, failed=True)
            line.outcome(first, "")
            await planner.plan(line, specs())

        asyncio.run(run())
    results = blocks(server.requests[1], "tool_result")
    assert [result.get("is_error", False) for result in results] == [False, True, True]
    assert [result["content"][:10] for result in results] == ["done", "exit code ", "It was not"]
    assert server.refusals == []


def test_from_the_third_turn_on_nearly_everything_comes_from_the_cache() -> None:
    # More blocks a turn than the twenty that the vendor looks back over.
    with Server(working(6, at_once=24)) as server:
        turns = talk(server, Line(rules=["Only what was asked."]), 6, model="claude-opus-4-8")
    for before, turn in pairwise(turns[1:]):
        assert turn.usage.cached_tokens >= before.usage.input_tokens - 60  # but for the reminder
    assert all(turn.usage.cache_written_tokens < 3000 for turn in turns[2:])


def test_the_reminder_stands_at_the_end_behind_the_last_breakpoint() -> None:
    with Server(working(3)) as server:
        talk(server, Line(rules=["Only what was asked."]), 3)
    for request in server.requests:
        said = [block for message in request.items for block in message["content"]]
        marked = [n for n, block in enumerate(said) if "cache_control" in block]
        assert "Only what was asked." in said[-1]["text"]
        assert marked[-1] == len(said) - 2
        assert len(marked) <= 3 and request.body["system"][-1]["cache_control"]


def test_an_older_model_is_reminded_once_and_one_that_keeps_its_thinking_each_time() -> None:
    counts = {}
    for model in ("claude-opus-4-8", "claude-opus-5-5"):
        with Server(working(3)) as server:
            talk(server, Line(rules=["Only what was asked."]), 3, model=model)
        counts[model] = server.requests[-1].raw.count(b"Only what was asked.")
    assert counts == {"claude-opus-4-8": 1, "claude-opus-5-5": 3}


def test_after_an_undo_the_shorter_conversation_goes_on() -> None:
    line = Line(rules=["Only what was asked."])
    with Server([*working(3), Reply("Otherwise.", thinking="Then so.")]) as server:
        talk(server, line, 3)
        del line[5:]  # the second turn's outcome, and all that came after
        line.notice("Operation 2 was undone: a.py is as it was.")
        talk(server, line, 1)
    assert server.refusals == []
    last = server.requests[-1]
    assert len(blocks(last, "thinking")) == 2
    assert last.said.startswith("Operation 2 was undone")
    assert blocks(last, "tool_result")[-1]["content"].startswith("exit code 0")


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-opus-4-8", "claude-haiku-4-5"])
def test_after_a_compaction_thinking_that_no_longer_holds_is_left_out(model: str) -> None:
    line = Line(rules=["Only what was asked."])
    more = {"reasoning": "high", "model": model}
    with Server([*working(4), *working(2, thinking="Anew.")]) as server:
        talk(server, line, 4, **more)
        line.say("compaction", compaction("So far: two steps.", since=line[5].id))
        talk(server, line, 2, **more)
    assert server.refusals == []
    thoughts = [block["thinking"] for block in blocks(server.requests[-1], "thinking")]
    assert thoughts == (["Anew."] if model == "claude-opus-5-5" else ["Hmm."] * 2 + ["Anew."])
    assert "So far: two steps." in json.dumps(server.requests[-1].items[0])


def test_other_tools_make_the_thinking_void_and_nothing_else() -> None:
    line = Line()

    async def run(server: Server) -> None:
        planner = opened(server)
        await line.take(planner, specs())
        await line.take(planner, specs("bash"))
        await line.take(planner, specs("bash"))

    with Server(working(3)) as server:
        asyncio.run(run(server))
    assert server.refusals == []
    assert [len(blocks(request, "thinking")) for request in server.requests] == [0, 0, 1]
    assert len(blocks(server.requests[-1], "tool_use")) == 2


@pytest.mark.parametrize("reasoning", [None, "high"])
@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-haiku-4-5"])
def test_turns_of_others_are_told_in_this_ones_words(model: str, reasoning: str | None) -> None:
    line = Line()
    line.turn(
        Turn(
            text="I follow a script.",
            actions=(
                ProposedAction(call="1.1", kind="write", arguments={"path": "a", "content": "b\udcff"}),
                ProposedAction(call="1.2", kind="no such/thing", arguments={"much": float("inf")}),
                ProposedAction(call="1.2", kind="bash", arguments={}, malformed="no JSON"),
            ),
            native={"provider": "openai", "api": "responses", "items": [{"type": "reasoning"}]},
        )
    )
    line.outcome("1.1", "created a")
    with Server(working(3)) as server:
        talk(server, line, 3, model=model, reasoning=reasoning)
    assert server.refusals == []
    calls = blocks(server.requests[0], "tool_use")
    assert [call["name"] for call in calls] == ["write", "no_such_thing", "bash"]
    assert calls[0]["input"] == {"path": "a", "content": "b\\udcff"}
    assert len({call["id"] for call in calls}) == 3


def test_another_models_thinking_is_not_sent() -> None:
    line = Line()
    with Server([*working(1), Reply("Done.")]) as server:
        talk(server, line, 1, model="claude-opus-5")
        talk(server, line, 1, model="claude-opus-5-5")
    assert blocks(server.requests[1], "thinking") == []
    assert len(blocks(server.requests[1], "tool_result")) == 1


def test_masked_its_thinking_stays_as_it_was_sent() -> None:
    class Redact:
        name, pattern = "email", r"[\w.]+@[\w.]+\w"

    line = Line("Write to ann@example.org.")
    replies = [
        Reply("To <email_1>.", thinking="Who is <email_1>?", calls=(Call("bash", {"command": "mail <email_1>"}),))
    ] * 3

    async def run(server: Server) -> list[Turn]:
        planner = Masked(opened(server), [Redact()])
        return [await line.take(planner, specs()) for _ in range(3)]

    with Server(replies) as server:
        turns = asyncio.run(run(server))
    assert server.refusals == []
    assert all(b"ann@example.org" not in request.raw for request in server.requests)
    assert turns[0].actions[0].arguments == {"command": "mail ann@example.org"}
    assert [len(blocks(request, "thinking")) for request in server.requests] == [0, 1, 2]


@pytest.mark.parametrize(
    ("model", "reasoning", "sent"),
    [
        ("claude-opus-5-5", None, {}),
        ("claude-opus-5-5", "max", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
        ("claude-sonnet-4-6", "low", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        ("claude-haiku-4-5-20251001", "medium", {"thinking": {"type": "enabled", "budget_tokens": 8000}}),
        ("claude-haiku-5-5", "none", {"thinking": {"type": "disabled"}}),
        ("claude-sonnet-5-5", "none", {"thinking": {"type": "between_tools"}}),
        ("some-other-model", "high", {"thinking": {"type": "enabled", "budget_tokens": 16000}}),
    ],
)
def test_how_hard_it_thinks_is_said_as_the_model_wants_it(
    model: str, reasoning: str | None, sent: dict[str, Any]
) -> None:
    with Server([Reply("Done.")]) as server:
        talk(server, Line(), 1, model=model, reasoning=reasoning)
    assert {
        key: server.requests[0].body[key] for key in ("thinking", "output_config") if key in server.requests[0].body
    } == sent


def test_what_a_model_cannot_be_told_is_a_mistake_in_the_task() -> None:
    with Server() as server:
        with pytest.raises(DocumentError, match="claude-fable-5-2 always thinks"):
            opened(server, model="claude-fable-5-2", reasoning="none")
        with pytest.raises(DocumentError, match="more than 1,024 to think"):
            opened(server, model="claude-haiku-4-5", reasoning="low", max_output_tokens=1024)
        with pytest.raises(DocumentError, match="unknown key `modle`"):
            opened(server, modle="x")
    assert server.requests == []


def test_a_handover_is_asked_for_with_what_is_cached() -> None:
    line = Line(rules=["Only what was asked."])

    async def run(server: Server) -> tuple[Turn, Turn]:
        planner = opened(server)
        last = [await line.take(planner, specs()) for _ in range(2)][-1]
        return last, await planner.summarize(line)

    with Server([*working(2), Reply("Two steps were taken.")]) as server:
        last, summary = asyncio.run(run(server))
    assert server.refusals == []
    assert (summary.text, summary.actions, summary.native) == ("Two steps were taken.", (), None)
    assert summary.usage.cached_tokens >= last.usage.input_tokens - 60
    assert "Take no action now" in server.requests[-1].items[-1]["content"][-1]["text"]


@pytest.mark.parametrize("instead", [working(1)[0], Reply(calls=(Call("bash", {"command": "ls"}),)), Reply("\n")])
def test_a_model_that_does_something_else_is_asked_once_more_and_may_not_act(instead: Reply) -> None:
    line = Line()
    with Server([*working(1), instead, Reply("What was done.")]) as server:
        talk(server, line, 1)
        summary = asyncio.run(opened(server).summarize(line))  # in a process that never offered it any tools
    assert (summary.text, summary.actions) == ("What was done.", ())
    assert [request.body.get("tool_choice") for request in server.requests] == [None, None, {"type": "none"}]
    assert summary.usage.output_tokens > 4
    assert server.refusals == []


def test_one_planner_works_in_one_event_loop_after_another() -> None:
    line = Line()
    with Server(working(3)) as server:
        planner = opened(server)
        for _ in range(3):
            asyncio.run(line.take(planner, specs()))
        asyncio.run(planner.close())
    assert len(server.requests) == 3


def test_the_environments_server_is_taken_where_the_task_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"provider": "anthropic", "model": "m", "retries": 0}
    with Server([Reply("Done."), Reply("Done.")]) as named, Server([Reply("Done.")]) as other:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", other.url)
        monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Gateway: hunter2")
        monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-of-something-else")
        asyncio.run(open_planner(options, folder=Path()).plan(Line(), specs()))
        asyncio.run(opened(named).plan(Line(), specs()))
    assert other.requests[0].headers["x-gateway"] == "hunter2"
    assert "x-gateway" not in named.requests[0].headers
    for server in (named, other):
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://user:password@example.com")
    with pytest.raises(UsageError, match="ANTHROPIC_BASE_URL") as raised:
        open_planner(options, folder=Path())
    assert "password" not in str(raised.value)


def test_what_is_on_this_machine_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Server([Reply("Done.")]) as server:
        talk(server, Line(), 1)
    assert len(server.requests) == 1


def test_opening_asks_nobody_and_needs_a_key_only_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    with pytest.raises(UsageError, match=r"there is no key for api\.anthropic\.com"):
        open_planner({"provider": "anthropic", "model": "m"}, folder=tmp_path)
    with Server([Reply("Done.")]) as server:
        assert talk(server, Line(), 1, key=None)[0].text == "Done."
        with pytest.raises(UsageError, match="nor a secret is called OTHER_KEY"):
            opened(server, key="OTHER_KEY")
