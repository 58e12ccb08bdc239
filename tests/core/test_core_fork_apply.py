"""Forks and the real workspace: what one session applied, another one can neither take out nor overwrite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from core_ground import run, seen
from treestate import assert_same_tree, tree_state

from agentrt import Conflict, Runtime


def test_after_an_apply_a_fork_starts_over_what_was_applied(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo s1 > a.txt; echo keep > kept")
        await rt.apply(["a.txt"])
        async with await rt.fork(2) as branch:
            assert branch.view.applied == () and await seen(branch, "a.txt", "kept") == ["s1\n", "keep\n"]
            assert [e.path for e in await branch.pending()] == ["kept"]
            await branch.act("bash", command="echo s2 > a.txt")
            await branch.restore(0)
            assert (workspace / "a.txt").read_text() == "s1\n", "the apply is not the fork's to take out"
            await branch.undo()
            op = await branch.apply()
            assert op is not None and [e.path for e in op.effects] == ["a.txt", "kept"]
            assert branch.view.applied == (op.id,) and rt.view.applied == (2,)
            await branch.undo()
            assert (workspace / "a.txt").read_text() == "s1\n" and not (workspace / "kept").exists()

    run(workspace, box, work)


def test_a_fork_at_another_workspace_is_refused(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="f", content="1")
        await rt.apply()
        for op in (0, 1):
            with pytest.raises(Conflict, match=f"after operation {op} .* has apply 2 in it") as raised:
                await rt.fork(op)
            assert f"agentrt restore {op}" in raised.value.hint
        assert len(rt.journal.sessions()) == 1
        await rt.undo()
        with pytest.raises(Conflict, match="no longer has apply 2"):
            await rt.fork(2)
        async with await rt.fork(1) as branch:
            assert await seen(branch, "f") == ["1"]

    run(workspace, box, work)


def test_the_parent_cannot_take_out_what_the_fork_built_its_apply_on(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo s1 > a.txt; mkdir d; echo s1 > d/x")
        await rt.apply()
        async with await rt.fork(2) as branch:
            await branch.act("bash", command="echo s2 > a.txt; echo s2 > d/y")
            await branch.apply()
            before = tree_state(workspace)
            with pytest.raises(Conflict) as raised:
                await rt.undo()
            assert "a.txt" in {c.path for c in raised.value.conflicts}
            assert_same_tree(before, tree_state(workspace))
            await branch.undo()
            await rt.undo()
            assert (workspace / "a.txt").read_text() == "one\n" and not (workspace / "d").exists()
            bare = tree_state(workspace)
            with pytest.raises(Conflict):
                await branch.redo()
            assert_same_tree(bare, tree_state(workspace))
            assert await seen(branch, "a.txt", "d/y") == ["s2\n", "s2\n"], "its own work is all there"

    run(workspace, box, work)


def test_what_the_parent_took_out_under_a_fork_is_a_conflict(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo s1 > f; echo s1 > a.txt")
        await rt.apply()
        async with await rt.fork(2) as branch:
            await branch.act("bash", command="echo s2 >> f")
            await rt.undo()
            assert await seen(branch, "f", "a.txt") == ["s1\ns2\n", "one\n"]
            before = tree_state(workspace)
            with pytest.raises(Conflict) as raised:
                await branch.apply()
            assert [(c.path, c.operations) for c in raised.value.conflicts] == [("f", (1,))]
            assert_same_tree(before, tree_state(workspace))
            await rt.redo()
            assert (await branch.apply()) is not None
            assert (workspace / "f").read_text() == "s1\ns2\n"

    run(workspace, box, work)


def test_what_the_user_changed_under_the_work_of_both_is_a_conflict(workspace: Path, box: Any) -> None:
    """What is compared is what the first of all sessions saw; whose operation it was is said."""

    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo s1 > a.txt; echo s1 > src/b.py")
        await rt.act("bash", command="true")
        async with await rt.fork(2) as branch:
            await branch.act("bash", command="true")
            await branch.act("bash", command="echo s2 > a.txt")
            for path in ("a.txt", "src/b.py"):
                (workspace / path).write_text("user\n")
            before = tree_state(workspace)
            with pytest.raises(Conflict) as raised:
                await branch.apply()
            found = {c.path: c for c in raised.value.conflicts}
            assert found["a.txt"].operations == (2,) and found["src/b.py"].operations == ()
            assert found["src/b.py"].ours.endswith("by operation 1 of s1") and "of s1" not in found["a.txt"].ours
            assert_same_tree(before, tree_state(workspace))

    run(workspace, box, work)


def test_the_same_work_applied_by_both_is_no_conflict(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="f", content="1")
        async with await rt.fork(1) as branch:
            assert await branch.apply() is not None
            assert await rt.apply() is None
            await branch.undo()
            assert await rt.apply() is not None and (workspace / "f").read_text() == "1"

    run(workspace, box, work)


@pytest.mark.parametrize("first", ["parent", "fork"])
def test_two_sessions_edit_one_file_apply_both_and_take_either_out(workspace: Path, box: Any, first: str) -> None:
    lines = [f"line {number}\n" for number in range(9)]
    file = workspace / "a.txt"
    file.write_text("".join(lines))

    async def work(rt: Runtime) -> None:
        async with await rt.fork(0) as branch:
            await rt.act("bash", command="sed -i 's/line 0/parent/' a.txt")
            await branch.act("bash", command="sed -i 's/line 8/fork/' a.txt")
            assert await rt.apply() is not None and await branch.apply() is not None
            assert file.read_text() == "".join(["parent\n", *lines[1:8], "fork\n"])
            one, other = (rt, branch) if first == "parent" else (branch, rt)
            await one.undo()
            assert file.read_text().count("line") == 8
            assert ("parent" in file.read_text()) == (first == "fork")
            await other.undo()
            assert file.read_text() == "".join(lines)

    run(workspace, box, work)
