"""To the real workspace and back, with the user at work meanwhile."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from core_ground import run, seen
from treestate import assert_same_tree, tree_state

from agentrt import Conflict, Runtime, UsageError


def names(workspace: Path) -> list[str]:
    return sorted(path.name for path in workspace.rglob("*"))


def test_apply_writes_and_undo_puts_back(workspace: Path, box: Any) -> None:
    (workspace / "src/b.py").chmod(0o755)
    before = tree_state(workspace)

    async def work(rt: Runtime) -> None:
        await rt.act(
            "bash", command="echo two > a.txt; chmod 600 src/b.py; mkdir -p d/e; ln -s ../a.txt d/l; echo x > d/e/f"
        )
        await rt.act("bash", command="rm a.txt; echo y >> d/e/f")
        op = await rt.apply()
        assert op is not None and (op.kind, op.status, op.target) == ("apply", "settled", (1, 2))
        assert {e.path: e.change for e in op.effects} == {
            "a.txt": "deleted",
            "d": "created",
            "d/e": "created",
            "d/e/f": "created",
            "d/l": "created",
            "src/b.py": "mode",
        }
        assert (workspace / "d/e/f").read_text() == "x\ny\n" and os.readlink(workspace / "d/l") == "../a.txt"
        assert not (workspace / "a.txt").exists() and (workspace / "src/b.py").stat().st_mode & 0o777 == 0o600
        assert [o.review for o in rt.log()] == ["accepted", "accepted", None]
        assert rt.view.applied == (3,) and await rt.pending() == []
        assert await rt.apply() is None
        undo = await rt.undo()
        assert undo.target == (3,) and "taken out" in undo.note and len(undo.effects) == 6
        assert_same_tree(before, tree_state(workspace))
        assert await seen(rt, "d/e/f", "a.txt") == ["x\ny\n", None]
        await rt.undo(2)
        await rt.redo()
        assert await seen(rt, "d/e/f") == ["x\ny\n"]

    run(workspace, box, work)
    assert_same_tree(before, tree_state(workspace))


def test_redo_of_an_apply_puts_it_in_again(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="f", content="1")
        await rt.apply()
        await rt.undo()
        assert not (workspace / "f").exists()
        redo = await rt.redo()
        assert redo.target == (2,) and "put back" in redo.note
        assert (workspace / "f").read_text() == "1"
        await rt.act("write", path="f", content="2")
        await rt.apply()
        assert (workspace / "f").read_text() == "2"
        await rt.restore(0)
        assert not (workspace / "f").exists() and await seen(rt, "f") == [None]
        await rt.undo(2)
        assert (workspace / "f").read_text() == "2" and await seen(rt, "f") == ["2"]

    run(workspace, box, work)


def test_what_the_user_changed_is_a_conflict_and_nothing_is_touched(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo agent > a.txt; echo n > new; echo ok > fine")
        await rt.act("bash", command="echo agent2 >> a.txt")
        (workspace / "a.txt").write_text("user\n")
        (workspace / "new").write_text("user's\n")
        before = tree_state(workspace)
        preview = await rt.preview("apply")
        with pytest.raises(Conflict) as raised:
            await rt.apply()
        conflicts = {c.path: c for c in raised.value.conflicts}
        assert set(conflicts) == {"a.txt", "new"} == {c.path for c in preview.conflicts}
        assert conflicts["a.txt"].operations == (1, 2) and conflicts["new"].operations == (1,)
        assert "modified" in conflicts["a.txt"].ours and "modified" in conflicts["a.txt"].theirs
        assert_same_tree(before, tree_state(workspace))
        assert [op.kind for op in rt.log()] == ["act", "act"]
        op = await rt.apply(["fine"])
        assert op is not None and [e.path for e in op.effects] == ["fine"]
        assert (workspace / "fine").read_text() == "ok\n"
        assert rt.show(1).review == "pending"  # not all of it was applied
        assert await seen(rt, "a.txt", "fine") == ["agent\nagent2\n", "ok\n"]
        (workspace / "a.txt").write_text("one\n")
        (workspace / "new").unlink()
        op = await rt.apply()
        assert op is not None and [e.path for e in op.effects] == ["a.txt", "new"]
        assert rt.show(1).review == rt.show(2).review == "accepted"

    run(workspace, box, work)
    assert (workspace / "a.txt").read_text() == "agent\nagent2\n"


def test_what_the_user_changed_after_an_apply_stops_its_undo(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="a.txt", content="agent")
        await rt.apply()
        (workspace / "a.txt").write_text("user")
        assert [c.path for c in (await rt.preview("undo")).conflicts] == ["a.txt"]
        with pytest.raises(Conflict) as raised:
            await rt.undo()
        assert [(c.path, c.operations) for c in raised.value.conflicts] == [("a.txt", (2,))]
        assert (workspace / "a.txt").read_text() == "user" and rt.view.applied == (2,)
        await rt.undo(scope="conversation")
        assert (workspace / "a.txt").read_text() == "user" and rt.view.applied == (2,)

    run(workspace, box, work)


def test_undoing_several_applies_is_whole_or_not_at_all(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        for name in ("f", "g"):
            await rt.act("write", path=name, content="agent")
            await rt.apply()
        (workspace / "f").write_text("user")
        with pytest.raises(Conflict):
            await rt.restore(0)
        assert (workspace / "g").read_text() == "agent" and rt.view.applied == (2, 4)
        assert await seen(rt, "f", "g") == ["user", "agent"]
        (workspace / "f").write_text("agent")
        await rt.restore(0)
        assert not (workspace / "f").exists() and not (workspace / "g").exists()

    run(workspace, box, work)


def test_a_git_folder_stays_in_the_sandbox_unless_it_is_named(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act(
            "bash", command="mkdir -p .git/hooks sub/.git; echo evil > .git/hooks/x; echo y > sub/.git/c; echo f > f"
        )
        op = await rt.apply()
        assert op is not None and [e.path for e in op.effects] == ["f", "sub"]
        assert ".git (5 paths)" in op.note
        assert rt.show(1).review == "accepted"
        assert not (workspace / ".git").exists() and not (workspace / "sub/.git").exists()
        assert await seen(rt, ".git/hooks/x", "f") == ["evil\n", "f\n"]
        op = await rt.apply([".git/hooks/x"])
        assert op is not None and [e.path for e in op.effects] == [".git", ".git/hooks", ".git/hooks/x"]
        op = await rt.apply(include_git=True)
        assert op is not None and [e.path for e in op.effects] == ["sub/.git", "sub/.git/c"]

    run(workspace, box, work)


def test_a_path_without_a_change_is_a_mistake(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="src/c.py", content="c")
        with pytest.raises(UsageError, match=r"nothing to apply at a\.txt"):
            await rt.apply(["a.txt"])
        op = await rt.apply(["src/"])
        assert op is not None and [e.path for e in op.effects] == ["src/c.py"]

    run(workspace, box, work)


def test_special_files_are_refused_and_said(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="mkfifo pipe; echo f > f")
        assert [r.path for r in (await rt.preview("apply")).refused] == ["pipe"]
        with pytest.raises(Conflict, match="pipe: a fifo is never written") as refused:
            await rt.apply()
        assert [(c.path, c.operations) for c in refused.value.conflicts] == [("pipe", (1,))]
        assert len(rt.log()) == 1 and not (workspace / "f").exists()
        op = await rt.apply(rest=True)
        assert op is not None and [e.path for e in op.effects] == ["f"]
        assert "refused: pipe" in op.note and rt.show(1).review == "pending"
        op = await rt.act("bash", command="test -p pipe")
        assert op.observation is not None and op.observation.exit_code == 0

    run(workspace, box, work)
    assert not (workspace / "pipe").exists()


def test_a_rename_is_applied_whole(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="mv a.txt z.txt; mv src lib")
        op = await rt.apply()
        assert op is not None
        assert names(workspace) == ["b.py", "lib", "z.txt"]
        await rt.undo()
        assert names(workspace) == ["a.txt", "b.py", "src"]
        (workspace / "a.txt").write_text("user\n")
        with pytest.raises(Conflict) as raised:
            await rt.apply()
        assert "a.txt" in {c.path for c in raised.value.conflicts}

    run(workspace, box, work)
