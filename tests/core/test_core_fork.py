"""A second session from where another one stood: open beside it, apart from it, over the same workspace."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from core_ground import run, seen
from treestate import assert_same_tree, tree_state

from agentrt import Operation, Runtime, SessionBusy, UnknownOperation


async def now(rt: Runtime, path: str) -> bytes:
    """What is there, found out without doing anything."""
    with await rt.sandbox.read_at(rt.view.snapshot, path) as file:
        return file.read()


def test_a_fork_goes_on_from_any_operation_and_leaves_the_other_alone(workspace: Path, box: Any) -> None:
    before = tree_state(workspace)

    async def work(rt: Runtime) -> None:
        for text in ("1", "2", "3"):
            await rt.act("write", path="f", content=text)
        log, view = rt.log(), rt.view
        async with await rt.fork(2) as branch, await rt.fork(0) as fresh:
            assert (branch.session, branch.info.parent, branch.info.parent_operation) == ("s2", "s1", 2)
            assert (fresh.session, fresh.info.parent_operation, fresh.log()) == ("s3", 0, [])
            assert rt.journal.current() == "s3"
            assert rt.log() == log and rt.view == view
            assert await seen(branch, "f") == ["2"] and await seen(fresh, "f") == [None]
            await branch.act("bash", command="echo b > f; rm a.txt")
            await rt.act("bash", command="echo r > f")
            assert await seen(branch, "f", "a.txt") == ["b\n", None]
            assert await seen(rt, "f", "a.txt") == ["r\n", "one\n"]
        with pytest.raises(UnknownOperation):
            await rt.fork(77)

    run(workspace, box, work)
    assert_same_tree(before, tree_state(workspace))


def test_moves_in_one_never_touch_the_other(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="f", content="1")
        await rt.act("write", path="f", content="2")
        async with await rt.fork(2) as branch:
            await branch.act("write", path="f", content="b")
            ours = rt.log()
            await branch.undo()
            assert await now(branch, "f") == b"2"
            with pytest.raises(UnknownOperation, match="nothing to undo"):
                await branch.undo()
            await branch.redo()
            assert await now(branch, "f") == b"b"
            await branch.restore(0)
            assert await now(branch, "f") == b"2" and rt.log() == ours and await now(rt, "f") == b"2"
            await branch.undo()
            theirs = branch.log()
            await rt.undo()
            assert await now(rt, "f") == b"1" and await seen(branch, "f") == ["b"]
            await rt.redo()
            await rt.restore(0)
            assert await seen(rt, "f") == [None] and await seen(branch, "f") == ["b"]
            assert branch.log()[: len(theirs)] == theirs

    run(workspace, box, work)


def test_a_fork_of_a_fork_has_the_work_of_both_and_applies_it(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo s1 > a.txt; echo s1 > one")
        async with await rt.fork(1) as second:
            await second.act("bash", command="echo s2 >> a.txt; echo s2 > two")
            async with await second.fork(1) as third:
                await third.act("bash", command="echo s3 >> a.txt; echo s3 > three")
                assert await seen(third, "a.txt") == ["s1\ns2\ns3\n"]
                assert [e.path for e in await third.pending()] == ["a.txt", "one", "three", "two"]
                op = await third.apply()
                assert op is not None and op.target == (1,) and third.log()[0].review == "accepted"
                assert (workspace / "a.txt").read_text() == "s1\ns2\ns3\n" and (workspace / "one").exists()
                assert rt.show(1).review == "pending"  # what its own session made of it is not decided
                await third.undo()
                assert (workspace / "a.txt").read_text() == "one\n" and not (workspace / "one").exists()

    run(workspace, box, work)


def test_forks_close_in_any_order_and_the_last_lets_go(workspace: Path, box: Any) -> None:
    async def work() -> None:
        rt = await Runtime.open(workspace, sandbox=box)
        await rt.act("write", path="f", content="1")
        first, second = await rt.fork(1), await rt.fork(1)
        await first.close()
        await first.close()
        await rt.close()
        assert (await second.act("write", path="f", content="2")).status == "settled"
        third = await second.fork(1)
        await second.close()
        assert await seen(third, "f") == ["2"]
        await third.close()
        async with Runtime.open(workspace, sandbox=box, session="s2") as again:
            assert await seen(again, "f") == ["1"]

    asyncio.run(work())


def test_a_workspace_with_an_open_fork_is_busy(workspace: Path, box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentrt.opening._PATIENCE", 0.05)

    async def work() -> None:
        rt = await Runtime.open(workspace, sandbox=box)
        async with await rt.fork(0):
            await rt.close()
            with pytest.raises(SessionBusy):
                await Runtime.open(workspace, sandbox=box)

    asyncio.run(work())


def test_a_fork_is_opened_again_like_any_session(workspace: Path, box: Any) -> None:
    async def first(rt: Runtime) -> None:
        rt.say("task", {"text": "do it"})
        await rt.act("write", path="f", content="1")
        rt.say("observation", {"text": "done", "call": "1"}, 1)
        await rt.act("write", path="f", content="2")
        rt.say("observation", {"text": "done again", "call": "2"}, 2)
        async with await rt.fork(1) as branch:
            await branch.act("write", path="g", content="x")

    async def second(rt: Runtime) -> None:
        assert rt.session == "s2" and await seen(rt, "f", "g") == ["1", "x"]
        # With what the planner was told of the operation it was forked at.
        assert [m.body["text"] for m in rt.conversation()] == ["do it", "done"]
        rt.say("planner", {"text": "on"})
        await rt.restore(0)
        assert [m.body["text"] for m in rt.conversation()][:2] == ["do it", "done"]

    run(workspace, box, first)
    run(workspace, box, second)


class Running:
    """An action that has begun and takes a while."""

    def __init__(self, runtime: Runtime, command: str) -> None:
        self._runtime, self._command = runtime, command
        self._loop, self._begun = asyncio.get_running_loop(), asyncio.Event()

    async def begun(self) -> asyncio.Task[Operation]:
        act = self._runtime.act("bash", command=f"echo; {self._command}", on_output=self._tell)
        task = asyncio.ensure_future(act)
        await self._begun.wait()
        return task

    def _tell(self, data: bytes) -> None:
        self._loop.call_soon_threadsafe(self._begun.set)


def test_actions_of_two_runtimes_run_at_the_same_time(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        async with await rt.fork(0) as branch:
            one = await Running(rt, "echo 1 > f; sleep 1").begun()
            two = await Running(branch, "echo 2 > f; sleep 0.1").begun()
            await two
            assert not one.done()
            await one
            assert await seen(rt, "f") == ["1\n"] and await seen(branch, "f") == ["2\n"]

    run(workspace, box, work)


def test_the_workspace_changes_while_no_runtime_is_at_work(workspace: Path, box: Any) -> None:
    """Apply, and moves across it, wait for the other's action; the other's next action waits for them."""

    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo two > a.txt")
        async with await rt.fork(1) as branch:
            await branch.act("bash", command="rm a.txt; echo b > b.txt")
            for move in ("apply", "undo", "redo", "undo"):
                # What the action sees of the workspace is the same from its beginning to its end.
                there = (workspace / "a.txt").read_text()
                act = await Running(branch, "sleep 0.3").begun()
                at_its_end: list[str] = []
                act.add_done_callback(lambda _, found=at_its_end: found.append((workspace / "a.txt").read_text()))
                moving = asyncio.ensure_future(getattr(rt, move)())
                await asyncio.sleep(0.05)
                after = asyncio.ensure_future(branch.act("bash", command="true"))
                await asyncio.wait([act, moving, after], return_when=asyncio.FIRST_COMPLETED)
                assert act.done() and at_its_end == [there], move
                await moving
                assert not after.done() and (workspace / "a.txt").read_text() != there, move
                await after

    run(workspace, box, work)


def test_moves_that_stay_in_the_sandbox_wait_for_nobody(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="f", content="1")
        async with await rt.fork(1) as branch:
            act = await Running(branch, "sleep 1.5").begun()
            await rt.undo()
            await rt.redo()
            await rt.act("write", path="f", content="2")
            assert not act.done()
            await act

    run(workspace, box, work)


def test_many_at_once_end(workspace: Path, box: Any) -> None:
    """Applies, moves across them and actions of four runtimes: whatever the order, nobody waits for ever."""

    async def work(rt: Runtime) -> None:
        everyone = [rt, *[await rt.fork(0) for _ in range(3)]]

        async def busy(runtime: Runtime) -> None:
            for number in range(2):
                await runtime.act("bash", command=f"echo {number} > {runtime.session}")
                await runtime.apply()
                await runtime.undo()
                await runtime.redo()

        async with asyncio.timeout(60):
            await asyncio.gather(*map(busy, everyone))
        assert [(workspace / one.session).read_text() for one in everyone] == ["1\n"] * 4
        for one in everyone[1:]:
            await one.close()

    run(workspace, box, work)


def test_who_gives_up_waiting_holds_nothing(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="f", content="1")
        async with await rt.fork(1) as branch:
            act = await Running(branch, "sleep 0.5").begun()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(rt.apply(), 0.1)
            await act
            async with asyncio.timeout(20):
                assert await rt.apply() is not None
                assert await seen(branch, "f") == ["1"]

    run(workspace, box, work)
