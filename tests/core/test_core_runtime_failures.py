"""What goes wrong: full disks, dead sandboxes, ctrl-C, SIGKILL. The journal stays readable, nothing is half-done."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from core_ground import run, seen
from treestate import assert_same_tree, tree_state

from agentrt import Conflict, DiskFull, Runtime, SandboxError, SandboxUnavailable
from agentrt.contracts import Confinement, Sandbox
from agentrt.history.journal import Journal
from agentrt.records import Action, Decision, Effect, Judgement, Limits, Snapshot
from agentrt.testing.memory_sandbox import MemorySandbox, open_sandbox


class FullDisk(MemorySandbox):
    """A sandbox with no room for layers while ``full``."""

    full = True

    async def seal(self) -> Snapshot:
        if self.full:
            raise DiskFull("no room to seal")
        return await super().seal()


class Broken(MemorySandbox):
    """A sandbox that fails in the middle of an action."""

    async def write(self, path: str, data: bytes) -> None:
        raise SandboxError("the server is gone")


def of(kind: type[MemorySandbox]) -> Any:
    def opener(options: Any, *, workspace: Path, store: Path, confinement: Confinement, folder: Path) -> Sandbox:
        return kind(workspace, store)

    return opener


def test_a_full_disk_while_sealing_rolls_the_action_back(workspace: Path) -> None:
    async def work(rt: Runtime) -> None:
        op = await rt.act("bash", command="echo x > x; echo said")
        assert (op.status, op.effects) == ("failed", ()) and op.after == op.before
        assert op.observation is not None and op.observation.output == "said\n"
        assert op.observation.error == "rolled back: no room to seal"
        assert isinstance(rt.sandbox, FullDisk)
        rt.sandbox.full = False
        assert await seen(rt, "x") == [None]
        assert (await rt.act("write", path="y", content="y")).status == "settled"
        assert [o.status for o in rt.log()] == ["failed", "settled", "settled"]

    run(workspace, of(FullDisk), work)


def test_a_sandbox_that_fails_leaves_nothing_and_says_so(workspace: Path) -> None:
    async def work(rt: Runtime) -> None:
        op = await rt.act("write", path="x", content="x")
        assert op.status == "failed"
        assert op.observation is not None and op.observation.error == "the server is gone"

    run(workspace, of(Broken), work)


def test_without_confinement_nothing_runs(workspace: Path) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo x > x")

    with pytest.raises(SandboxUnavailable, match="no user namespaces"):
        run(
            workspace,
            lambda options, **how: MemorySandbox(how["workspace"], how["store"], unavailable="no user namespaces"),
            work,
        )


@pytest.mark.parametrize("how", ["act", "verify"])
def test_a_journal_without_room_leaves_an_intent(workspace: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    def no_room(*_: Any, **__: Any) -> None:
        raise DiskFull("no room to write the journal")

    async def work(rt: Runtime) -> None:
        await rt.act("write", path="x", content="1")
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "settle", no_room)
            with pytest.raises(DiskFull):
                await getattr(rt, how)("write", path="x", content="2")
        assert [o.status for o in rt.log()] == ["settled", "intent"]
        assert await seen(rt, "x") == ["1"]  # the sandbox does not stand on what the journal does not know
        await rt.undo(2)
        assert await seen(rt, "x") == [None]

    run(workspace, open_sandbox, work)


def test_a_policy_that_breaks_keeps_nothing(workspace: Path) -> None:
    class Breaks:
        name = "breaks"
        limits = Limits()
        confinement = Confinement()

        def decide(self, action: Action, context: Any) -> Decision:
            return Decision(verdict="allow", rule="here")

        def judge(self, action: Action, effects: Sequence[Effect], context: Any) -> Judgement:
            raise KeyError("oops")

    async def work(rt: Runtime) -> None:
        op = await rt.act("write", path="x", content="1")
        assert op.status == "failed" and op.observation is not None
        assert "KeyError" in (op.observation.error or "") and __file__ in (op.observation.error or "")
        assert await rt.pending() == []

    run(workspace, open_sandbox, work, policy=Breaks())


def test_a_command_over_its_time_is_killed_and_told(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        started = time.monotonic()
        op = await rt.act("bash", command="echo begun; sleep 60", seconds=0.5)
        assert time.monotonic() - started < 10
        assert op.observation is not None and op.observation.timed_out
        assert op.observation.output == "begun\n" and "0.5 seconds" in (op.observation.error or "")

    run(workspace, box, work)


@pytest.mark.parametrize(
    ("limits", "command", "told"),
    (
        ({"cpu": "0.2s"}, "while :; do :; done", "seconds of processor time; the limit is 0.2"),
        (
            {"processes": 20},
            "for n in {1..60}; do sleep 60 & done; wait",
            "processes and threads at once; the limit is 20",
        ),
        ({"memory": "100MB"}, "while :; do held+=$(printf %9999999s); done", "of memory; the limit is 100 MB"),
        ({"files_written": 100}, "while :; do mkdir $((n += 1)); done", "files and folders; the limit is 100"),
    ),
)
def test_an_action_over_a_limit_is_ended_told_and_judged_by_what_it_did(
    workspace: Path, limits: dict[str, Any], command: str, told: str
) -> None:
    async def work(rt: Runtime) -> None:
        op = await rt.act("bash", command=f"echo done > done; {command}")
        assert op.observation is not None and op.observation.exit_code == 137 and not op.observation.timed_out
        error = op.observation.error or ""
        assert error.startswith("stopped: it ") and error.endswith(told)
        assert (op.status, op.review) == ("settled", "pending")
        assert await seen(rt, "done") == ["done\n"]

    run(workspace, "local", work, policy={"limits": {"seconds": 60, **limits}})


def test_a_disk_filler_is_stopped_while_it_runs_and_rolled_back(workspace: Path) -> None:
    async def work(rt: Runtime) -> None:
        op = await rt.act("bash", command="cat /dev/zero > filler")
        assert op.observation is not None and (op.status, op.after) == ("rolled_back", op.before)
        stopped, rolled_back = (op.observation.error or "").split("; rolled back, ")
        assert stopped.startswith("stopped: it wrote ") and stopped.endswith("; the limit is 50 MB")
        assert "the limit is 50 MB (" in rolled_back
        assert await seen(rt, "filler") == [None]

    run(workspace, "local", work, policy={"limits": {"bytes_written": "50MB"}})


@pytest.mark.parametrize("how", ["asyncio", "anyio"])
def test_a_cancelled_action_is_killed_forgotten_and_recorded(workspace: Path, box: Any, how: str) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="x", content="kept")
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()
        command = "echo lost > x; echo begun; sleep 60"
        acting = rt.act("bash", command=command, on_output=lambda _: loop.call_soon_threadsafe(begun.set) and None)
        if how == "asyncio":
            task = asyncio.ensure_future(acting)
            await asyncio.wait_for(begun.wait(), 20)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            async with anyio.create_task_group() as group:
                group.start_soon(lambda: acting)
                await begun.wait()
                group.cancel_scope.cancel()
        op = rt.show(2)
        assert (op.status, op.effects) == ("failed", ())
        assert op.observation is not None
        assert (op.observation.error, op.observation.output) == ("interrupted", "begun\n")
        assert await seen(rt, "x") == ["kept"]

    run(workspace, box, work)


def test_a_cancelled_verification_is_killed_and_recorded(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="x", content="kept")
        begun, loop = asyncio.Event(), asyncio.get_running_loop()
        command = "echo lost > x; echo begun; sleep 60"
        verifying = rt.verify(
            "bash", command=command, on_output=lambda _: loop.call_soon_threadsafe(begun.set) and None
        )
        task = asyncio.ensure_future(verifying)
        await asyncio.wait_for(begun.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        op = rt.log()[-1]
        assert (op.status, op.effects, op.is_verification) == ("failed", (), True)
        assert op.observation is not None and op.observation.error == "interrupted"
        assert (await rt.undo()).target == (1,)

    run(workspace, box, work)


def test_a_verification_cancelled_once_it_has_run_is_recorded_first(workspace: Path) -> None:
    class Slow(MemorySandbox):
        async def seal(self) -> Snapshot:
            sealing.set()
            await asyncio.sleep(0.2)
            return await super().seal()

    sealing = asyncio.Event()

    async def work(rt: Runtime) -> None:
        task = asyncio.ensure_future(rt.verify("bash", command="echo lost > x"))
        await asyncio.wait_for(sealing.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        op = rt.log()[-1]
        assert (op.status, op.effects, op.after == op.before) == ("settled", (), True)
        assert await seen(rt, "x") == [None]

    run(workspace, of(Slow), work)


def test_a_verification_with_no_room_to_measure_it_is_failed(workspace: Path) -> None:
    async def work(rt: Runtime) -> None:
        op = await rt.verify("bash", command="echo x > x; echo said")
        assert (op.status, op.is_verification) == ("failed", True)
        assert op.observation is not None and op.observation.error == "rolled back: no room to seal"
        assert isinstance(rt.sandbox, FullDisk)
        rt.sandbox.full = False
        assert await seen(rt, "x") == [None]

    run(workspace, of(FullDisk), work)


KILLED = """
import asyncio, os, signal, sys
from agentrt import Runtime
from agentrt.history import steps
from agentrt.history.journal import Journal

async def main():
    async with Runtime.open(sys.argv[1]) as rt:
        if not rt.log():
            await rt.act("bash", command="echo agent > a.txt; rm src/b.py; echo n > new")
        if sys.argv[2].endswith("undo"):
            await rt.apply()
        at = sys.argv[2].split()[0]
        if at == "settle":
            Journal.settle = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
        else:
            left = int(at)
            def checkpoint(name):
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            steps.checkpoint = checkpoint
        await (rt.undo() if sys.argv[2].endswith("undo") else rt.apply())

asyncio.run(main())
"""


@pytest.mark.parametrize("moment", ["0 apply", "3 apply", "settle apply", "0 undo", "3 undo", "settle undo"])
def test_killed_in_an_apply_or_its_undo_the_workspace_agrees_with_the_journal(workspace: Path, moment: str) -> None:
    before = tree_state(workspace)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(workspace), moment], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    applied = moment.endswith("undo")

    async def work(rt: Runtime) -> None:
        assert "cut off" in rt.notes[0]
        assert rt.log()[-1].status == "intent"
        assert rt.view.applied == ((2,) if applied else ())
        if not applied:
            assert_same_tree(before, tree_state(workspace))
            assert await rt.apply() is not None
        assert (workspace / "a.txt").read_text() == "agent\n" and not (workspace / "src/b.py").exists()
        await rt.undo()
        assert_same_tree(before, tree_state(workspace))

    run(workspace, "local", work)


@pytest.mark.parametrize("how", ["act", "verify"])
def test_killed_in_an_act_it_is_an_intent_and_nothing_of_it_is_there(workspace: Path, box: Any, how: str) -> None:
    script = (
        "import asyncio, os, signal, sys\n"
        "from agentrt import Runtime\n"
        "from agentrt.testing.memory_sandbox import open_sandbox\n"
        "async def main():\n"
        f"    box = {'local'!r} if {box == 'local'} else open_sandbox\n"
        "    async with Runtime.open(sys.argv[1], sandbox=box) as rt:\n"
        "        await rt.act('write', path='x', content='1')\n"
        "        kill = lambda data: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"        await rt.{how}('bash', command='echo 2 > x; echo begun; sleep 5', on_output=kill)\n"
        "asyncio.run(main())\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(workspace)], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()

    async def work(rt: Runtime) -> None:
        assert [o.status for o in rt.log()] == ["settled", "intent"]
        assert rt.log()[1].is_verification == (how == "verify")
        assert rt.notes == ("operation 2 (act) was cut off",)
        # What it read and sent nobody knows any more; that it ran is known.
        assert rt.flags == {"saw_untrusted"} and rt.spent.actions == 2
        assert await seen(rt, "x") == ["1"]
        await rt.undo(2)
        assert [o.kind for o in rt.log()] == ["act", "act", "act", "undo"]

    run(workspace, box, work)


@pytest.mark.parametrize("kind", ["undo", "restore", "revert", "reject"])
def test_a_notice_of_what_never_was_is_not_in_the_conversation(workspace: Path, kind: Any) -> None:
    async def first(rt: Runtime) -> None:
        rt.say("task", {"text": "do it"})
        await rt.act("write", path="x", content="1")
        rt.say("planner", {"text": "next", "actions": [], "usage": {}})
        op = rt.journal.intend("s1", kind=kind, actor="user", before=rt.view, target=(1,))
        rt.journal.say("s1", 1, "notice", {"text": "undone"}, op.id)

    async def second(rt: Runtime) -> None:
        assert [m.role for m in rt.conversation()] == ["task", "planner"]

    run(workspace, open_sandbox, first)
    run(workspace, open_sandbox, second)


def test_what_the_user_changed_after_a_crash_is_left_and_said(workspace: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(workspace), "settle apply"], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    (workspace / "a.txt").write_text("user\n")

    async def work(rt: Runtime) -> None:
        assert any("could not be taken out" in note and "a.txt" in note for note in rt.notes)
        assert (workspace / "a.txt").read_text() == "user\n"
        with pytest.raises(Conflict):
            await rt.apply()

    run(workspace, "local", work)


@pytest.mark.damages_the_store
def test_output_that_cannot_be_kept_is_said_and_the_action_stands(workspace: Path) -> None:
    async def work(rt: Runtime) -> None:
        rt.store.outputs.rmdir()
        rt.store.outputs.write_text("in the way")
        op = await rt.act("bash", command="seq 1 20000; echo x > x")
        assert op.status == "settled" and len(op.effects) == 1
        assert op.observation is not None and op.observation.truncated
        assert op.observation.output_file is None and "not kept" in op.observation.output

    run(workspace, open_sandbox, work)
    assert os.path.isfile(next(workspace.parent.glob("state/agentrt/workspaces/*/outputs")))
