"""Killed while one session changes the real workspace, it is put right whichever session is opened next."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from treestate import assert_same_tree, tree_state

from agentrt import Runtime
from agentrt.testing.memory_sandbox import open_sandbox

PROGRAM = """
import asyncio, os, signal, sys
from agentrt import Runtime
from agentrt.history import steps
from agentrt.testing.memory_sandbox import open_sandbox

workspace, which, at = sys.argv[1], sys.argv[2], int(sys.argv[3])
seen = 0

def step(name):
    global seen
    seen += 1
    if seen == at:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    rt = await Runtime.open(workspace, sandbox=open_sandbox)
    await rt.act("bash", command="rm -r src; mkdir d; echo 1 > d/new; echo two > a.txt")
    branch = await rt.fork(1)
    await branch.act("write", path="b", content="branch")
    for name in ("apply", "undo", "redo"):
        if name == which:
            steps.checkpoint = step
        await getattr(rt, name)()
        if name == which:
            os._exit(0)

asyncio.run(main())
"""
"""Two sessions at work; the parent is killed at a step of its apply, of its undo or of its redo."""


@pytest.mark.parametrize("which", ["apply", "undo", "redo"])
def test_a_fork_is_opened_after_its_parent_was_killed_in_an_apply(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = 0
    for at in range(1, 1000, 4):
        ground = tmp_path / str(at)
        workspace = ground / "ws"
        (workspace / "src").mkdir(parents=True)
        (workspace / "a.txt").write_text("one\n")
        (workspace / "src/b.py").write_text("b = 1\n")
        before = tree_state(workspace)
        monkeypatch.setenv("XDG_STATE_HOME", str(ground / "state"))
        command = [sys.executable, "-c", PROGRAM, str(workspace), which, str(at)]
        status = subprocess.run(command, check=False).returncode
        if status == 0:
            break
        assert status == -9
        killed += 1
        asyncio.run(check(workspace, which))
        assert_same_tree(tree_state(workspace), before)
    assert killed > 3


async def check(workspace: Path, which: str) -> None:
    """The workspace is as before what was cut off; then everything is taken out of it."""
    stands = which == "undo"
    async with Runtime.open(workspace, sandbox=open_sandbox) as branch:
        assert branch.session == "s2" and sorted(branch.journal.cut_off()) == ["s1"]
        names = {"a.txt", "d", "d/new"} if stands else {"a.txt", "src", "src/b.py"}
        assert {str(p.relative_to(workspace)) for p in workspace.rglob("*")} == names
        assert (workspace / "a.txt").read_text() == ("two\n" if stands else "one\n")
        assert all("s1" in note for note in branch.notes[:1])
        assert [e.path for e in await branch.pending() if e.path == "b"] == ["b"]
        if not stands:
            op = await branch.apply()
            assert op is not None and (workspace / "b").read_text() == "branch"
            await branch.undo()
    async with Runtime.open(workspace, sandbox=open_sandbox) as again:
        assert again.notes == (), "what was put right needs nothing more"
    async with Runtime.open(workspace, sandbox=open_sandbox, session="s1") as parent:
        assert parent.view.applied == ((2,) if stands else ())
        if stands:
            await parent.undo()
        assert await parent.apply() is not None
        await parent.undo()
