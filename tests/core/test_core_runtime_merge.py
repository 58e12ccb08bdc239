"""The user and the agent at work on the same files, through apply, undo and redo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from core_ground import run, seen
from treestate import assert_same_tree, tree_state

from agentrt import Conflict, Runtime
from agentrt.history import garbage

BASE = "one\ntwo\nthree\nfour\nfive\n"
AGENT = BASE.replace("two", "TWO")
MINE = BASE.replace("five", "FIVE")
BOTH = AGENT.replace("five", "FIVE")


@pytest.fixture
def text(workspace: Path) -> Path:
    file = workspace / "text"
    file.write_text(BASE)
    return file


def bases(rt: Runtime) -> list[str]:
    folder = rt.store.bases
    return sorted(file.read_text() for file in folder.iterdir()) if folder.exists() else []


def test_apply_keeps_both_changes_and_the_sandbox_shows_them(workspace: Path, text: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="text", content=AGENT)
        await rt.act("bash", command="echo 2 > new")
        text.write_text(MINE)
        before = tree_state(workspace)
        preview = await rt.preview("apply")
        assert preview.merged == ("text",) and not preview.conflicts
        assert [e.note for e in preview.effects if e.path == "text"] == ["merged with what changed in the workspace"]
        assert_same_tree(before, tree_state(workspace))

        operation = await rt.apply()
        assert operation is not None and [e.path for e in operation.effects] == ["new", "text"]
        assert text.read_text() == BOTH
        assert await seen(rt, "text", "new") == [BOTH, "2\n"] and await rt.pending() == []

        await rt.undo(3)  # both looks and the apply
        assert_same_tree(before, tree_state(workspace))
        assert await seen(rt, "text") == [AGENT]
        await rt.apply()
        assert text.read_text() == BOTH

    run(workspace, box, work)


def test_undo_of_an_apply_leaves_what_was_edited_since_and_redo_brings_it_all_back(
    workspace: Path, text: Path, box: Any
) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="text", content=AGENT)
        await rt.apply()
        text.write_text(BOTH)
        edited = tree_state(workspace)
        preview = await rt.preview("undo")
        assert preview.merged == ("text",) and not preview.conflicts
        assert_same_tree(edited, tree_state(workspace))

        undo = await rt.undo()
        assert text.read_text() == MINE
        assert [(e.path, e.note) for e in undo.effects] == [("text", "merged with what changed in the workspace")]
        merged = tree_state(workspace)
        await rt.redo()
        assert_same_tree(edited, tree_state(workspace))
        assert await seen(rt, "text") == [BOTH]
        await rt.undo(2)
        assert_same_tree(merged, tree_state(workspace))
        await rt.apply()
        assert text.read_text() == BOTH

    run(workspace, box, work)


def test_restore_goes_through_several_applies_of_one_file(workspace: Path, text: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="text", content=AGENT)
        await rt.apply()
        await rt.act("bash", command="sed -i s/four/FOUR/ text")
        text.write_text("zero\n" + AGENT)
        await rt.apply()
        assert text.read_text() == "zero\n" + AGENT.replace("four", "FOUR")
        text.write_text("zero\nmore\n" + AGENT.replace("four", "FOUR"))
        edited = tree_state(workspace)
        await rt.restore(0)
        # what was merged into the second apply was there before it, and comes back with it
        assert text.read_text() == "zero\nmore\n" + BASE
        await rt.undo()
        assert_same_tree(edited, tree_state(workspace))

    run(workspace, box, work)


def test_a_clash_in_the_second_of_two_applies_touches_neither(workspace: Path, text: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="text", content=AGENT)
        await rt.apply()
        await rt.act("bash", command="sed -i s/four/FOUR/ text")
        await rt.apply()
        text.write_text(AGENT.replace("TWO", "zwei").replace("four", "FOUR"))
        edited = tree_state(workspace)
        with pytest.raises(Conflict) as raised:
            await rt.restore(0)
        assert [c.path for c in raised.value.conflicts] == ["text"]
        assert_same_tree(edited, tree_state(workspace))
        assert rt.view.applied == (2, 4)

    run(workspace, box, work)


def test_what_the_agent_left_as_it_was_is_not_applied(workspace: Path, text: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="text", content=AGENT)
        await rt.act("bash", command="rm src/b.py; echo new > made; echo other > other")
        await rt.act("bash", command=f"printf '{BASE}' > text; echo 'b = 1' > src/b.py; rm made")
        for name in ("text", "src/b.py", "made"):
            (workspace / name).write_text("the user's\n")
        assert [e.path for e in await rt.pending()] == ["other"]
        operation = await rt.apply()
        assert operation is not None and [e.path for e in operation.effects] == ["other"]
        for name in ("text", "src/b.py", "made"):
            assert (workspace / name).read_text() == "the user's\n"
        assert await seen(rt, "text", "src/b.py", "made") == ["the user's\n"] * 3

    run(workspace, box, work)


def test_the_base_is_what_the_agent_saw_first(workspace: Path, text: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="chmod 755 text")
        await rt.act("write", path="text", content=AGENT)
        await rt.act("bash", command="sed -i s/three/THREE/ text; printf '\\0' > binary; ln -s text link")
        assert bases(rt) == [BASE]
        text.write_text("zero\n" + BASE)
        await rt.apply()
        assert text.read_text() == "zero\n" + AGENT.replace("three", "THREE")
        assert os.access(text, os.X_OK)

    run(workspace, box, work)


def test_gc_drops_bases_that_no_operation_speaks_of(workspace: Path, text: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="text", content=AGENT)
        (rt.store.bases / ("0" * 64)).write_text("stray")
        await rt.undo()
        assert garbage.find(rt.store, rt.journal).bases == ("0" * 64,)
        await rt.redo()
        text.write_text(MINE)
        await rt.apply()
        assert text.read_text() == BOTH

    run(workspace, box, work)


def test_a_base_that_cannot_be_kept_costs_only_the_merge(workspace: Path, text: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        rt.store.bases.write_text("in the way")
        operation = await rt.act("write", path="text", content=AGENT)
        assert operation.status == "settled"
        text.write_text(MINE)
        with pytest.raises(Conflict):
            await rt.apply()
        text.write_text(BASE)
        await rt.apply()
        assert text.read_text() == AGENT

    run(workspace, box, work)
