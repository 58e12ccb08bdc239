"""A cheap no goes back at once: without an operation, and in the words the tool itself would have used."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from agent_ground import Scripted, acts, alone, said

from agentrt import Runtime
from agentrt.agent.conclusion import Budget, RunLimits
from agentrt.agent.events import ActionRefused, Event
from agentrt.agent.loop import run_loop
from agentrt.records import Turn


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "work"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.py").write_text("one\n")
    (folder / "link").symlink_to("src")
    return folder


def run(workspace: Path, *actions: tuple[str, dict[str, Any]], policy: Any = "default") -> tuple[list[str], list[str]]:
    """What was told, and the kinds of the operations there are."""

    async def whole() -> tuple[list[str], list[str]]:
        events: list[Event] = []
        async with Runtime.open(workspace, policy=policy) as runtime:
            runtime.say("task", {"text": "x"})
            planner = Scripted(acts(*actions), Turn())
            await run_loop(runtime, alone(runtime, planner), Budget(RunLimits()), on_event=events.append)
            told = said(runtime.conversation(), "observation")
            refused = [event.because for event in events if isinstance(event, ActionRefused)]
            assert [f"Not carried out: {because}" for because in refused] == [
                text for text in told if text.startswith("Not carried out")
            ]
            return told, [str((operation.action or {}).get("kind")) for operation in runtime.log()]

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (("read", {"path": "src/mian.py"}), "src/mian.py does not exist; did you mean src/main.py?"),
        (("edit", {"path": "src/mian.py", "old": "a", "new": "b"}), "src/mian.py does not exist"),
        (("bash", {"command": "no-such-program --now src"}), "no program called `no-such-program` is installed here"),
    ],
)
def test_what_is_not_there_is_told_and_is_no_operation(
    workspace: Path, action: tuple[str, dict[str, Any]], told: str
) -> None:
    (heard,), operations = run(workspace, action)
    assert heard.startswith(f"Not carried out: {told}")
    assert operations == []


@pytest.mark.parametrize(
    "action",
    [
        ("read", {"path": "src/main.py"}),
        ("read", {"path": "link/main.py"}),
        ("edit", {"path": "link/main.py", "old": "one", "new": "two"}),
        ("edit", {"patch": "*** Begin Patch\n*** Add File: new.txt\n+new\n*** End Patch\n"}),
        ("write", {"path": "somewhere/new.txt", "content": "x"}),
        ("bash", {"command": "cd src"}),
        ("bash", {"command": "no-such-program || echo there is none"}),
        ("bash", {"command": "x=1; no-such-program; true"}),
        ("bash", {"command": "./src/main.py || true"}),
        ("git", {"args": ["--version"]}),
    ],
)
def test_what_may_be_possible_is_tried(workspace: Path, action: tuple[str, dict[str, Any]]) -> None:
    (heard,), operations = run(workspace, action)
    assert not heard.startswith("Not carried out"), heard
    assert operations == [action[0]]


def test_a_program_an_agent_installed_is_there(workspace: Path) -> None:
    install = (
        "mkdir -p ~/bin .venv/bin; printf '#!/bin/sh\\necho mine' > ~/bin/my-program; chmod +x ~/bin/my-program;"
        " echo $PATH"
    )
    told, operations = run(workspace, ("bash", {"command": install}), ("bash", {"command": "my-program"}))
    # Whether the sandbox looks in ~/bin is its own affair: either it runs, or nobody says that it did.
    assert ("mine" in told[1]) == (operations == ["bash", "bash"])


def test_a_look_keeps_nothing_and_what_a_policy_denies_is_not_looked_at(workspace: Path) -> None:
    told, operations = run(
        workspace,
        ("read", {"path": "gone"}),
        ("bash", {"command": "ls; ls ~"}),
        policy={"decide": [{"verdict": "deny", "actions": ["read"], "because": "not for you"}]},
    )
    assert "not for you" in told[0] and "exist" not in told[0]
    assert told[1] == "exit code 0\nlink\nsrc"
    assert operations == ["read", "bash"]
