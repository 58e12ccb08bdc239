"""Whatever a conversation is, what is made of it is taken by the API."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planners.lines import KINDS, Line, specs
from vendors import Call, Reply, Request, Server

from agentrt.agent.conversation import compaction, observation
from agentrt.agent.conversation import talk as talking
from agentrt.planners.anthropic import open_planner
from agentrt.records import ProposedAction, Turn

TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "\n\n", "done", "\udcff", "\ud800x", "\ud83d\ude00", "🦊", "\x00", "</system>", "é" * 50]
    ),
    st.text(st.characters(), max_size=20),
)
CALLS = st.one_of(st.sampled_from(["", "1.1", "toolu_000001", "a b", "x" * 300, "ü"]), st.text(max_size=5))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXTS, inner, max_size=2)),
    max_leaves=4,
)
ACTIONS = st.builds(
    ProposedAction,
    call=CALLS,
    kind=st.one_of(st.sampled_from([*KINDS, "submit", "str_replace_based_edit_tool", "git.commit"]), TEXTS),
    arguments=st.dictionaries(
        st.one_of(st.sampled_from(["command", "path", "cwd", "old", "new"]), TEXTS), VALUES, max_size=3
    ),
    malformed=TEXTS,
)
NATIVES = st.one_of(
    st.none(),
    st.dictionaries(TEXTS, VALUES, max_size=2),
    st.builds(lambda value: {"provider": "openai", "api": "responses", "items": value}, VALUES),
)
TURNS = st.builds(Turn, text=TEXTS, actions=st.lists(ACTIONS, max_size=3).map(tuple), native=NATIVES)
REPLIES = st.builds(
    Reply,
    text=TEXTS.map(lambda text: text.encode("utf-8", "replace").decode()),
    thinking=st.sampled_from(["Hmm.", "Hm.", ""]),
    calls=st.lists(st.builds(Call, st.sampled_from([*KINDS, "nothing"]), st.just({"command": "ls"})), max_size=3).map(
        tuple
    ),
    stop=st.sampled_from([None, None, "length", "refusal", "pause"]),
    redacted=st.booleans(),
    chunk=st.just(1000),
)
STEPS = st.lists(
    st.one_of(
        *[st.tuples(st.just("ask"), REPLIES, st.integers(0, 3))] * 3,
        st.tuples(st.just("turn"), TURNS, st.integers(0, 3)),
        st.tuples(st.just("notice"), TEXTS),
        st.tuples(st.just("talk"), TEXTS),
        st.tuples(st.just("observation"), CALLS, TEXTS),
        st.tuples(st.just("compaction"), TEXTS, st.integers(1, 5)),
        st.tuples(st.just("undo"), st.integers(1, 4)),
        st.tuples(st.just("tools"), st.sampled_from([("bash",), KINDS])),
    ),
    min_size=1,
    max_size=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    objective=TEXTS,
    rules=st.lists(TEXTS, max_size=2),
    steps=STEPS,
    model=st.sampled_from(["claude-opus-5-5", "claude-opus-4-8", "claude-haiku-4-5"]),
    reasoning=st.sampled_from([None, "high"]),
    native=st.booleans(),
)
def test_any_conversation_is_taken(
    objective: str,
    rules: list[str],
    steps: list[Any],
    model: str,
    reasoning: str | None,
    native: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    replies = [step[1] for step in steps if step[0] == "ask"]
    said = iter([*replies, Reply("Done."), Reply("Done."), Reply("Done.")])

    def answer(request: Request) -> Reply:
        return next(said)

    async def run(url: str) -> None:
        options = {"provider": "anthropic", "model": model, "base_url": url, "retries": 0, "native_tools": native}
        planner = open_planner({**options, "reasoning": reasoning}, folder=Path())
        line, tools = Line(objective, rules=rules), specs()
        for step in steps:
            match step:
                case ("ask", _, answered):
                    take(line, await planner.plan(line, tools), answered)
                case ("turn", turn, answered):
                    take(line, turn, answered)
                case ("notice", text):
                    line.notice(text)
                case ("talk", text):
                    line.say("talk", talking(text, actor="bob", to="all"))
                case ("observation", call, text):
                    line.say("observation", observation(call, text))
                case ("compaction", text, back):
                    line.say("compaction", compaction(text, since=line[max(0, len(line) - back)].id))
                case ("undo", count):
                    del line[max(1, len(line) - count) :]
                case ("tools", kinds):
                    tools = specs(*kinds)
        take(line, await planner.plan(line, tools), 3)
        await planner.plan(line, tools)
        await planner.summarize(line)

    with Server(answer) as server:
        asyncio.run(run(server.url))
    assert server.refusals == []


def take(line: Line, turn: Turn, answered: int) -> None:
    """The turn, and what came of its first actions."""
    line.turn(turn)
    for action in turn.actions[:answered]:
        line.outcome(action.call, "exit code 0", failed=bool(action.malformed))
