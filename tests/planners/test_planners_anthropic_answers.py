"""What Anthropic's models answer: whole, cut off, declined, or not to be read; and the calls of their own tools."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from planners.lines import Line, specs
from vendors import Call, Reply, Server

from agentrt.agent.parser import Parser
from agentrt.arguments import load_tool
from agentrt.planners.anthropic import open_planner
from agentrt.records import ProposedAction, ToolSpec, Turn

EDITOR = "str_replace_based_edit_tool"


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    yield


def turns(server: Server, line: Line, count: int = 1, tools: list[ToolSpec] | None = None, **more: Any) -> list[Turn]:
    options = {"provider": "anthropic", "model": "claude-opus-5-5", "base_url": server.url, "retries": 0, **more}

    async def run() -> list[Turn]:
        planner = open_planner(options, folder=Path())
        return [await line.take(planner, tools or specs()) for _ in range(count)]

    return asyncio.run(run())


def called(call: Call, *kinds: str, **more: Any) -> ProposedAction:
    """The action one call means, once the model was told of it and asked again."""
    with Server([Reply(calls=(call,), chunk=100_000), Reply("Done.")]) as server:
        turn, _ = turns(server, Line(), 2, specs(*kinds), **more)
    assert server.refusals == []
    return turn.actions[0]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('{"command": "ls"', "line 1, column 17: Expecting ',' delimiter, and they end there"),
        ('{"command":\n  ls}', 'line 2, column 3: Expecting value, and there stands "ls}"'),
        ('["ls"]', "must be an object, not a list"),
        ('"ls"', "must be an object, not text"),
        ('{"command": "a", "command": "b"}', '"command" twice'),
        ('{"command": NaN}', "NaN"),
        ('{"command": "\\ud800"}', "\\ud800, a lone surrogate"),
        ('{"command": "' + "x" * 10_000_000 + '"}', "10,000,015 characters long"),
        ("[" * 100_000, "nested too deeply"),
        ('{"seconds": ' + "9" * 5000 + "}", "cannot be read"),
    ],
    ids=["open", "bare", "list", "text", "twice", "nan", "surrogate", "huge", "deep", "digits"],
)
@pytest.mark.parametrize("native", [False, True])
def test_arguments_that_cannot_be_read_are_told_and_answered(raw: str, said: str, native: bool) -> None:
    action = called(Call("bash", raw_arguments_text=raw), native_tools=native)
    assert (action.kind, action.arguments) == ("bash", {})
    assert said in action.malformed and len(action.malformed) < 200
    told = Parser({"bash": load_tool("bash")}).parse(action)
    assert isinstance(told, str) and "`bash` takes: `command`" in told


def test_odd_characters_come_through() -> None:
    text = "naïve 🦊 \u2028 \x00 tab\t"
    with Server([Reply(text, calls=(Call("bash", {"command": text}),), chunk=1), Reply("Done.")]) as server:
        turn, _ = turns(server, Line(text), 2)
    assert (turn.text, turn.actions[0].arguments) == (text, {"command": text})
    assert json.loads(server.requests[1].raw)["messages"][1]["content"][1]["input"] == {"command": text}


def test_ids_that_are_missing_or_repeated_get_one_of_ours() -> None:
    line = Line()
    calls = tuple(
        Call("bash", {"command": str(n)}, id=name) for n, name in enumerate(["toolu_1", "toolu_1", "toolu_2"])
    )
    with Server([Reply(calls=calls[:1]), Reply(calls=calls[2:])]) as server:
        turns(server, line, 2)
    with Server([Reply(calls=calls), Reply("Done.")]) as server:
        turn, _ = turns(server, line, 2)
    assert server.refusals == []
    assert len({action.call for action in turn.actions} | {"toolu_1", "toolu_2"}) == 5
    results = server.requests[-1].results
    assert all(results[action.call].endswith(action.call) for action in turn.actions)


@pytest.mark.parametrize("raw", ['{"command": "rm -r', "", "{"])
@pytest.mark.parametrize("stop", ["length", "context", "pause"])
def test_a_call_that_was_cut_off_is_dropped(raw: str, stop: Any) -> None:
    calls = (Call("bash", {"command": "ls"}), Call("submit", raw_arguments_text=raw))
    with Server([Reply("I go on.", thinking="Hmm.", calls=calls, stop=stop), Reply("Done.")]) as server:
        turn, _ = turns(server, Line(), 2)
    assert server.refusals == []
    assert turn.ending == "truncated"
    assert [action.kind for action in turn.actions] == ["bash"]


def test_an_answer_that_is_nothing_but_thinking_can_be_gone_on_from() -> None:
    with Server(
        [Reply(thinking="So much to think", stop="length"), Reply("\n\n", thinking="Hm"), Reply("Done.")]
    ) as server:
        first, second, _ = turns(server, Line(), 3)
    assert server.refusals == []
    assert (first.ending, first.actions, second.ending) == ("truncated", (), "complete")


def test_a_refusal_is_told_and_what_it_would_have_done_is_not() -> None:
    line = Line()
    with Server(
        [Reply("I", calls=(Call("bash", {"command": "x"}),), stop="refusal"), Reply(stop="refusal"), Reply("Done.")]
    ) as server:
        first, second, _ = turns(server, line, 3)
    assert server.refusals == []
    assert (first.ending, first.text, first.actions, first.native) == ("refused", "I", (), None)
    assert second.text == "The model declines to go on (cyber): This request was declined."


# ------------------------------------------------------------------------------------------------- its own tools


def test_its_own_tools_stand_in_for_ours_where_the_server_is_its_vendors() -> None:
    offered: dict[bool | None, list[str]] = {}
    for native in (None, True, False):
        with Server([Reply("Done.")]) as server:
            turns(server, Line(), native_tools=native)
        offered[native] = server.requests[0].tools
    assert offered[True] == ["bash", EDITOR, "search", "plan", "ask", "submit"]
    assert offered[None] == offered[False] == ["bash", "edit", "read", "search", "write", "plan", "ask", "submit"]


@pytest.mark.parametrize(
    ("kinds", "offered"),
    [(("bash", "read"), ["bash", "read"]), (("edit", "read", "write"), [EDITOR]), (("read",), ["read"])],
)
def test_only_what_an_agent_may_do_is_offered(kinds: tuple[str, ...], offered: list[str]) -> None:
    with Server([Reply("Done.")]) as server:
        turns(server, Line(), tools=specs(*kinds), native_tools=True)
    assert [name for name in server.requests[0].tools if name not in ("plan", "ask", "submit")] == offered
    told = server.requests[0].body["system"][0]["text"]
    assert ("no session here" in told, EDITOR in told) == ("bash" in kinds, EDITOR in offered)


@pytest.mark.parametrize(
    ("name", "given", "kind", "arguments"),
    [
        ("bash", {"command": "ls"}, "bash", {"command": "ls"}),
        ("bash", {"command": "ls", "restart": False}, "bash", {"command": "ls"}),
        (EDITOR, {"command": "view", "path": "a"}, "read", {"path": "a"}),
        (EDITOR, {"command": "view", "path": "a", "view_range": [3, 9]}, "read", {"path": "a", "start": 3, "end": 9}),
        (EDITOR, {"command": "view", "path": "a", "view_range": [3, -1]}, "read", {"path": "a", "start": 3}),
        (EDITOR, {"command": "view", "path": "my dir/"}, "bash", {"command": "ls -lA -- 'my dir/'"}),
        (EDITOR, {"command": "view", "path": "."}, "bash", {"command": "ls -lA -- ."}),
        (EDITOR, {"command": "create", "path": "a", "file_text": "x\n"}, "write", {"path": "a", "content": "x\n"}),
        (
            EDITOR,
            {"command": "str_replace", "path": "a", "old_str": "x", "new_str": "y"},
            "edit",
            {"path": "a", "old": "x", "new": "y"},
        ),
        (EDITOR, {"command": "str_replace", "path": "a", "old_str": "x"}, "edit", {"path": "a", "old": "x", "new": ""}),
        (
            EDITOR,
            {"command": "insert", "path": "a", "insert_line": 0, "insert_text": "x"},
            "edit",
            {"path": "a", "line": 0, "insert": "x"},
        ),
        ("search", {"pattern": "x"}, "search", {"pattern": "x"}),
        ("edit", {"patch": "*** Begin Patch"}, "edit", {"patch": "*** Begin Patch"}),
    ],
)
def test_its_own_calls_are_our_actions(name: str, given: dict[str, Any], kind: str, arguments: dict[str, Any]) -> None:
    action = called(Call(name, given), native_tools=True)
    assert (action.kind, action.arguments, action.malformed) == (kind, arguments, "")
    read = Parser({one: load_tool(one) for one in ("bash", "edit", "read", "search", "write")}).parse(action)
    assert not isinstance(read, str)


@pytest.mark.parametrize(
    ("name", "given", "kind", "said"),
    [
        ("bash", {"restart": True}, "bash", "there is nothing to restart"),
        (EDITOR, {"command": "undo_edit", "path": "a"}, "edit", "no command 'undo_edit'; there is: view, create"),
        (EDITOR, {"path": "a"}, "edit", "no command was given"),
        (EDITOR, {"command": ["view"]}, "edit", "no command ['view']"),
        (EDITOR, {"command": "view", "path": "a", "view_range": [1]}, "read", "two line numbers"),
        (EDITOR, {"command": "view", "path": "a", "view_range": "1-4"}, "read", "two line numbers"),
        (
            EDITOR,
            {"command": "create", "path": "a", "text": "x"},
            "write",
            "`create` knows no text; it takes: path, file_text",
        ),
    ],
)
def test_what_ours_have_no_like_of_is_answered_in_words(name: str, given: dict[str, Any], kind: str, said: str) -> None:
    action = called(Call(name, given), native_tools=True)
    assert (action.kind, action.arguments) == (kind, {})
    assert said in action.malformed


def test_a_folder_is_not_listed_where_nothing_may() -> None:
    action = called(Call(EDITOR, {"command": "view", "path": "src/"}), "read", "write", "edit", native_tools=True)
    assert "src/ is a folder" in action.malformed


def test_what_others_did_is_told_in_the_shape_of_its_own_tools() -> None:
    line, did = (
        Line(),
        [
            ("bash", {"command": "ls", "cwd": "my dir"}, "bash", {"command": "cd 'my dir' && ls"}),
            ("read", {"path": "a", "start": 3}, EDITOR, {"command": "view", "path": "a", "view_range": [3, -1]}),
            ("write", {"path": "a", "content": "x"}, EDITOR, {"command": "create", "path": "a", "file_text": "x"}),
            (
                "edit",
                {"path": "a", "old": "x", "new": "y"},
                EDITOR,
                {"command": "str_replace", "path": "a", "old_str": "x", "new_str": "y"},
            ),
            (
                "edit",
                {"path": "a", "line": 1, "insert": "y"},
                EDITOR,
                {"command": "insert", "path": "a", "insert_line": 1, "insert_text": "y"},
            ),
            ("edit", {"patch": "p"}, "edit", {"patch": "p"}),
        ],
    )
    line.turn(
        Turn(
            actions=tuple(
                ProposedAction(call=f"1.{n}", kind=kind, arguments=given) for n, (kind, given, _, _) in enumerate(did)
            )
        )
    )
    with Server([Reply("Done.")]) as server:
        turns(server, line, native_tools=True)
    calls = [block for block in server.requests[0].items[1]["content"] if block["type"] == "tool_use"]
    assert [(call["name"], call["input"]) for call in calls] == [(name, given) for _, _, name, given in did]


def test_names_that_the_api_does_not_take_are_written_otherwise() -> None:
    tools = [
        ToolSpec(name=name, description=name, parameters={"type": "object"})
        for name in ("github.issues", "github_issues", "ä" * 200)
    ]
    with Server([Reply(calls=(Call("github_issues_2"), Call("github_issues"))), Reply("Done.")]) as server:
        turn, _ = turns(server, Line(), 2, tools)
    assert server.refusals == []
    assert [action.kind for action in turn.actions] == ["github_issues", "github.issues"]
