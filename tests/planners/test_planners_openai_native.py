"""OpenAI's own tools: ``shell`` and ``apply_patch`` come out as our actions, and what came of these goes back as theirs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_talk import TOOLS, Talk, open_at, run
from vendors import Call, Reply, Server

from agentrt import Runtime
from agentrt.planners.openai import native
from agentrt.planners.transcript import Outcome
from agentrt.records import Turn
from agentrt.testing.memory_sandbox import open_sandbox


def shell(*commands: Any, **more: Any) -> Call:
    return Call("shell", {"commands": list(commands), **more}, kind="shell")


def patch(kind: str, path: str, diff: str | None = None) -> Call:
    return Call(
        "apply_patch", {"type": kind, "path": path, **({} if diff is None else {"diff": diff})}, kind="apply_patch"
    )


def open_native(server: Server) -> Any:
    return open_at(server.url, native_tools=True)


def test_native_tools_stand_in_the_place_of_ours() -> None:
    with Server(lambda request: Reply("hm")) as server:
        run(Talk().turn(open_native(server)))
        run(Talk().turn(open_native(server), [spec for spec in TOOLS if spec.name != "bash"]))
        run(Talk().turn(open_at(server.url)))
    first, second, third = (request.tools for request in server.requests)
    assert {"shell", "apply_patch", "write"} < set(first) and not {"bash", "edit"} & set(first)
    assert "shell" not in second and "apply_patch" in second
    assert {"bash", "edit"} < set(third)
    assert {"type": "shell", "environment": {"type": "local"}} in server.requests[0].body["tools"]


def test_each_command_of_a_shell_call_is_an_action_and_their_outcomes_are_one_output() -> None:
    async def talk(server: Server) -> Turn:
        planner, line = open_native(server), Talk()
        turn = await line.turn(planner)
        first, second, third = turn.actions
        line.observe(first.call, "exit code 0\na.py", exit_code=0)
        line.observe(second.call, "exit code 2\nno such file\n[modified a.py]", exit_code=2, failed=True)
        line.observe(third.call, "error: stopped after 2 seconds", failed=True, timed_out=True)
        await line.turn(planner)
        return turn

    reply = Reply("I look.", "Hm.", (shell("ls", "cat b", "sleep 9", timeout_ms=2000, max_output_length=20),))
    with Server([reply, Reply("So.")]) as server:
        turn = run(talk(server))
    assert server.refusals == []
    assert [(one.kind, one.arguments) for one in turn.actions] == [
        ("bash", {"command": command, "seconds": 2.0}) for command in ("ls", "cat b", "sleep 9")
    ]
    assert len({one.call for one in turn.actions}) == 3
    (item,) = (item for item in server.requests[1].items if item.get("type") == "shell_call_output")
    assert item["max_output_length"] == 20
    assert [one["outcome"] for one in item["output"]] == [
        {"type": "exit", "exit_code": 0},
        {"type": "exit", "exit_code": 2},
        {"type": "timeout"},
    ]
    assert [one["stdout"] for one in item["output"][:2]] == ["a.py", "no such fified a.py]"]
    assert all(len(one["stdout"]) <= 20 and not one["stderr"] for one in item["output"])


def test_what_was_not_executed_is_an_error() -> None:
    async def talk(server: Server) -> None:
        planner, line = open_native(server), Talk()
        turn = await line.turn(planner)
        line.observe(turn.actions[0].call, "denied: no", failed=True)
        await line.turn(planner)

    with Server([Reply("", "Hm.", (shell("curl x", "ls"),)), Reply("So.")]) as server:
        run(talk(server))
    (output,) = server.requests[1].results.values()
    assert [(one["stderr"][:10], one["outcome"]) for one in output] == [
        ("denied: no", {"type": "exit", "exit_code": 1}),
        ("It was not", {"type": "exit", "exit_code": 1}),
    ]


@pytest.mark.parametrize("action", [None, {}, {"commands": []}, {"commands": "ls"}, {"commands": [1]}])
def test_a_shell_call_that_makes_no_sense_is_malformed(action: Any) -> None:
    ((kind, arguments, malformed),) = native.wanted({"type": "shell_call", "action": action})
    assert kind == "bash" and arguments == {} and malformed


def test_a_patch_goes_back_with_how_it_ended() -> None:
    async def talk(server: Server) -> Turn:
        planner, line = open_native(server), Talk()
        turn = await line.turn(planner)
        line.observe(turn.actions[0].call, "[modified a.py]")
        line.observe(turn.actions[1].call, "error: b.py is not there", failed=True)
        await line.turn(planner)
        return turn

    calls = (patch("update_file", "a.py", "@@\n-a\n+b\n"), patch("delete_file", "b.py"), patch("rename_file", "c.py"))
    with Server([Reply("", "Hm.", calls), Reply("So.")]) as server:
        turn = run(talk(server))
    assert server.refusals == []
    assert turn.actions[0].arguments == {"patch": "*** Begin Patch\n*** Update File: a.py\n@@\n-a\n+b\n*** End Patch"}
    assert turn.actions[2].malformed and turn.actions[2].arguments == {}
    outputs = [item for item in server.requests[1].items if item.get("type") == "apply_patch_call_output"]
    assert [(one["status"], one["output"][:10]) for one in outputs] == [
        ("completed", "[modified "),
        ("failed", "error: b.p"),
        ("failed", "It was not"),
    ]


FILES = {"a.py": "one\ntwo\nthree\n", "dos.txt": "one\r\ntwo\r\n", "gone.txt": "x\n"}
OPERATIONS: list[tuple[dict[str, Any], dict[str, str | None]]] = [
    ({"type": "update_file", "path": "a.py", "diff": "@@ one\n-two\n+2\n"}, {"a.py": "one\n2\nthree\n"}),
    ({"type": "update_file", "path": "a.py", "diff": " one\n-two\n+2"}, {"a.py": "one\n2\nthree\n"}),
    ({"type": "update_file", "path": "dos.txt", "diff": "-two\r\n+2\r\n"}, {"dos.txt": "one\r\n2\r\n"}),
    ({"type": "create_file", "path": "new/b c'é.txt", "diff": "+one\n+\n+two\n"}, {"new/b c'é.txt": "one\n\ntwo\n"}),
    ({"type": "create_file", "path": "empty", "diff": ""}, {"empty": ""}),
    ({"type": "create_file", "path": " odd\nname ", "diff": "+one\n"}, {" odd\nname ": "one\n"}),
    ({"type": "create_file", "path": "*** End Patch", "diff": "+one\n"}, {"*** End Patch": "one\n"}),
    ({"type": "delete_file", "path": "gone.txt", "diff": None}, {"gone.txt": None}),
    ({"type": "delete_file", "path": "gone.txt"}, {"gone.txt": None}),
]


@pytest.mark.parametrize(("operation", "files"), OPERATIONS, ids=lambda one: json.dumps(one)[:50])
def test_a_patch_does_what_it_says(
    operation: dict[str, Any], files: dict[str, str | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "project"
    workspace.mkdir()
    for name, text in FILES.items():
        (workspace / name).write_bytes(text.encode())
    ((kind, arguments, malformed),) = native.wanted({"type": "apply_patch_call", "operation": operation})
    assert not malformed

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    async def act() -> None:
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            done = await runtime.act(kind, **arguments)
            assert done.observation is not None and done.observation.error is None, done.observation
            await runtime.apply()

    asyncio.run(act())
    for name, text in files.items():
        assert ((workspace / name).read_bytes().decode() if (workspace / name).exists() else None) == text


@pytest.mark.parametrize("path", [" a.py", "a.py ", "a\nb", "", None, 1])
@pytest.mark.parametrize("kind", ["update_file", "delete_file"])
def test_a_path_that_no_patch_can_name_is_malformed(kind: str, path: Any) -> None:
    ((_, arguments, malformed),) = native.wanted(
        {"type": "apply_patch_call", "operation": {"type": kind, "path": path, "diff": "-a\n+b"}}
    )
    assert arguments == {} and malformed


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
SHELL = st.fixed_dictionaries(
    {
        "type": st.just("shell_call"),
        "call_id": st.just("c"),
        "action": ANY | st.fixed_dictionaries({"commands": st.lists(ANY), "timeout_ms": ANY, "max_output_length": ANY}),
    }
)
PATCH = st.fixed_dictionaries(
    {
        "type": st.just("apply_patch_call"),
        "call_id": st.just("c"),
        "operation": ANY
        | st.fixed_dictionaries(
            {"type": st.sampled_from(["update_file", "create_file", "delete_file"]) | ANY, "path": ANY, "diff": ANY}
        ),
    }
)
OUTCOMES = st.builds(Outcome, st.just("c"), st.text(), st.none() | st.integers(0, 255), st.booleans(), st.booleans())


@given(SHELL | PATCH, OUTCOMES)
def test_whatever_a_call_says_there_is_an_action_and_an_output(item: dict[str, Any], outcome: Outcome) -> None:
    found = native.wanted(item)
    assert found and all(bool(malformed) or arguments for _, arguments, malformed in found)
    output = native.answered(item, [outcome] * len(found))
    assert output["type"] == f"{item['type']}_output" and output["call_id"] == "c"
    if item["type"] == "shell_call":
        assert len(output["output"]) == len(found)
