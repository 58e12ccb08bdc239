"""A whole run with OpenAI's own tools: what the model asks for happens in the sandbox, and it is told what came of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from openai_talk import open_at
from vendors import Call, Reply, Server

from agentrt import Runtime
from agentrt.agent.conclusion import Budget, RunLimits
from agentrt.agent.conversation import AGENT
from agentrt.agent.crew import Crew, Member
from agentrt.agent.loop import run_loop
from agentrt.agent.parser import Parser
from agentrt.testing.memory_sandbox import open_sandbox

DIFF = "@@ def add(a, b):\n-    return a - b\n+    return a + b\n"
TURNS = (
    Reply("I look.", "Where?", (Call("shell", {"commands": ["cat calc.py", "false"]}, kind="shell"),)),
    Reply(
        "",
        "A sign.",
        (
            Call("apply_patch", {"type": "update_file", "path": "calc.py", "diff": DIFF}, kind="apply_patch"),
            Call("apply_patch", {"type": "update_file", "path": "gone.py", "diff": "-a\n+b"}, kind="apply_patch"),
            Call("plan", {"steps": ["mend it (done)", "hand it in"]}),
        ),
    ),
    Reply("", "", (Call("submit", {"text": "Mended."}),)),
)


def test_a_run_with_native_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    workspace = tmp_path / "project"
    workspace.mkdir()
    (workspace / "calc.py").write_text("def add(a, b):\n    return a - b\n")

    async def work(server: Server) -> None:
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            runtime.say("task", {"text": "Mend calc.py."})
            planner = open_at(server.url, native_tools=True)
            await run_loop(runtime, Crew([Member(AGENT, planner, Parser(runtime.tools))]), Budget(RunLimits()))
            await runtime.apply()

    with Server(TURNS) as server:
        asyncio.run(work(server))
    assert server.refusals == []
    assert (workspace / "calc.py").read_text() == "def add(a, b):\n    return a + b\n"
    looked = next(iter(server.requests[1].results.values()))
    assert "return a - b" in looked[0]["stdout"]
    patched = [item for item in server.requests[2].items if item.get("type") == "apply_patch_call_output"]
    assert "[modified calc.py]" in patched[0]["output"] and "gone.py" in patched[1]["output"]
    assert "1. mend it (done)" in server.requests[2].items[-1]["content"]
