"""Whatever a conversation holds, a server that checks takes what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai_talk import Talk, open_at, run
from vendors import Call, Reply, Server

from agentrt.records import ProposedAction, Turn

WIRES = pytest.mark.parametrize("wire", [("responses", None), ("chat", None), ("chat", "vllm"), ("chat", "sparse")])
TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
ARGUMENTS = st.dictionaries(TEXT, TEXT | st.integers() | st.lists(TEXT, max_size=2), max_size=2)
RAW = st.sampled_from(
    ['{"command": "ls"}', '{"command"', "", "[]", '{"a": NaN}', '"\\ud800"', '{"a": 1, "a": 2}', "{}"]
)
CALLS = st.one_of(
    st.builds(lambda name, raw: Call(name, raw_arguments_text=raw), st.sampled_from(["bash", "read", "nothing"]), RAW),
    st.builds(
        lambda commands: Call("shell", {"commands": commands}, kind="shell"),
        st.lists(st.just("ls"), min_size=1, max_size=3),
    ),
    st.just(Call("apply_patch", {"type": "delete_file", "path": "a"}, kind="apply_patch")),
)
REPLIES = st.builds(
    Reply,
    text=st.sampled_from(["", "Hm.", "é\U0001f600"]),
    thinking=st.sampled_from(["", "Let me see."]),
    calls=st.lists(CALLS, max_size=3).map(tuple),
    stop=st.sampled_from([None, None, None, "length", "refusal", "filter"]),
)
ACTIONS = st.builds(
    ProposedAction, call=st.uuids().map(str), kind=TEXT, arguments=ARGUMENTS, malformed=st.sampled_from(["", "broken"])
)
OTHERS = st.builds(
    Turn,
    text=TEXT,
    actions=st.lists(ACTIONS, max_size=2).map(tuple),
    native=st.sampled_from([None, {"provider": "anthropic"}, {"provider": "openai", "items": [], "calls": []}]),
)
SAID = st.sampled_from(["notice", "talk"]).flatmap(lambda role: st.tuples(st.just(role), TEXT))
STEPS = st.lists(st.one_of(st.tuples(st.just("model"), REPLIES), st.tuples(st.just("other"), OTHERS), SAID), max_size=6)


@WIRES
@settings(deadline=None)
@given(
    objective=TEXT,
    steps=STEPS,
    answered=st.lists(st.booleans(), min_size=8, max_size=8),
    rules=st.lists(TEXT, max_size=1),
)
def test_any_conversation_is_taken(
    wire: tuple[str, str | None], objective: str, steps: list[Any], answered: list[bool], rules: list[str]
) -> None:
    api, dialect = wire
    replies = [step for kind, step in steps if kind == "model"]
    if dialect == "sparse":  # its calls come as objects, and no others can
        replies = [
            Reply(one.text, one.thinking, (Call("bash", {"command": "ls"}),) * len(one.calls), one.stop)
            for one in replies
        ]
    coming = iter([*replies, Reply("The end.")])

    async def talk(server: Server) -> None:
        line = Talk(objective, rules=rules)
        planner = open_at(server.url, api=api, native_tools=api == "responses")
        for at, (kind, step) in enumerate(steps):
            if kind in ("model", "other"):
                turn = await line.turn(planner) if kind == "model" else step
                if kind == "other":
                    line.add("planner", turn.to_dict())
                for action in turn.actions if answered[at] else turn.actions[1:]:
                    line.observe(action.call, objective, exit_code=at)
            else:
                line.add(kind, {"text": step, "actor": "b", "to": "all"})
        assert (await line.turn(planner)).text == "The end."
        assert json.loads(json.dumps([message.body for message in line.messages]))

    with Server(lambda request: next(coming), dialect=dialect) as server:
        run(talk(server))
    assert server.refusals == []
