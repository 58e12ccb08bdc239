"""verify-undo: every view comes back as it was recorded, or what does not is named; the user's edits are no error."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from core_ground import run
from treestate import assert_same_tree, tree_state

from agentrt import Runtime
from agentrt.verifying import CheckedView

damages_the_store = pytest.mark.damages_the_store


def by_operation(views: tuple[CheckedView, ...]) -> dict[int, CheckedView]:
    return {operation: view for view in views for operation in view.operations}


def wrong(views: tuple[CheckedView, ...]) -> dict[int, list[str]]:
    """By operation, what is wrong after it."""
    return {op: [one.path for one in view.wrong] for op, view in by_operation(views).items() if view.wrong}


def rows(journal: Path) -> list[str]:
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as db:
        return list(db.iterdump())


def sealed(layers: Path) -> dict[str, Any]:
    """Every layer that has its name."""
    return {path.name: tree_state(path) for path in layers.iterdir() if path.name.startswith("s1.")}


def test_every_view_of_a_long_way_is_as_recorded_and_nothing_is_touched(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo two > a.txt; mkdir -p d/e; ln -s ../a.txt d/l; echo x > d/e/f; mkfifo d/p")
        await rt.act("bash", command="mv d g; chmod 600 src/b.py; rm a.txt; ln -s g a.txt")
        await rt.undo()
        await rt.redo()
        await rt.restore(0)
        await rt.undo()
        await rt.act("write", path="new", content="1")
        await rt.revert(1, with_dependents=True)
        await rt.undo()
        await rt.apply(["src"])
        await rt.act("bash", command="rm -rf g/e; mkdir g/e; echo y > g/e/f; rm -f g/p")
        await rt.apply()
        await rt.act("write", path="src/b.py", content="again")
        await rt.apply()
        await rt.undo(3)
        await rt.act("bash", command="rm -rf src; echo file > src")
        before = tree_state(workspace), sealed(rt.store.layers), rows(rt.store.journal), rt.view
        found = await rt.verify_undo()
        assert found.ok and wrong(found.views) == {}
        assert sorted(by_operation(found.views)) == list(range(len(rt.log()) + 1))
        assert all(view.compared == 14 and not view.edited and not view.not_comparable for view in found.views)
        assert_same_tree(before[0], tree_state(workspace))
        assert before[1:] == (sealed(rt.store.layers), rows(rt.store.journal), rt.view)

    run(workspace, box, work)


def test_names_of_any_bytes_are_compared(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command=r"""echo 1 > $'a\nb'; echo 2 > $'\xff\xfe'; echo 3 > ./-n; echo 4 > ' x  y\'""")
        await rt.act("bash", command=r"""rm $'a\nb' $'\xff\xfe' ./-n; echo 5 > ' x  y\'""")
        found = await rt.verify_undo()
        assert found.ok and [view.compared for view in found.views] == [4, 4, 4]

    run(workspace, box, work)


def test_what_no_process_may_read_is_compared_all_the_same(workspace: Path) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo secret > s; chmod 0 s")
        assert (await rt.verify_undo()).ok

    run(workspace, "local", work)


@pytest.mark.skipif(os.getuid() == 0, reason="root enters every folder")
def test_what_lies_in_a_folder_nobody_may_enter_is_said_not_to_be_comparable(workspace: Path) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="mkdir d; echo x > d/f; chmod 0 d")
        found = await rt.verify_undo()
        assert found.ok and [view.not_comparable for view in found.views] == [(), ("d/f",)]

    run(workspace, "local", work)


def test_the_users_own_edits_are_told_apart(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo agent > a.txt; echo agent > mine")
        await rt.act("bash", command="echo agent > src/b.py")
        (workspace / "a.txt").write_text("the user's\n")
        (workspace / "mine").write_text("the user's too\n")
        found = await rt.verify_undo()
        assert found.ok
        assert [view.edited for view in found.views] == [("a.txt", "mine"), (), ()]

    run(workspace, box, work)


def test_what_was_edited_after_its_apply_is_told_apart(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="a.txt", content="agent")
        await rt.apply()
        (workspace / "a.txt").write_text("the user's\n")
        found = await rt.verify_undo()
        # Before the apply the view's own layer decides, at the start the file that the apply keeps.
        assert found.ok and [view.edited for view in found.views] == [(), (), ("a.txt",)]

    run(workspace, box, work)


@damages_the_store
@pytest.mark.parametrize(
    ("damage", "path"),
    [
        ("echo tampered > a.txt", "a.txt"),
        ("chmod 777 a.txt", "a.txt"),
        ("rm a.txt", "a.txt"),
        ("echo back > src/b.py.gone; mv src/b.py.gone src/b.py", "src/b.py"),
        ("ln -sf elsewhere l", "l"),
        ("rm -r d", "d"),
        ("rm d/e; mkdir d/e", "d/e"),
    ],
)
def test_a_damaged_layer_is_named_with_the_path(workspace: Path, damage: str, path: str) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo 1 > a.txt; rm src/b.py; ln -s a.txt l; mkdir d; echo e > d/e")
        await rt.act("write", path="other", content="fine")
        await rt.undo(2)
        layer = rt.store.layers / "s1.1/work"
        assert os.system(f"cd {layer} && {damage}") == 0
        found = await rt.verify_undo()
        assert not found.ok and path in wrong(found.views)[1] == wrong(found.views)[2]
        assert set(wrong(found.views)) == {1, 2}
        one = next(one for one in by_operation(found.views)[1].wrong if one.path == path)
        (expected,) = one.expected
        assert one.found != expected and expected == {e.path: e.after for e in rt.show(1).effects}[path]

    run(workspace, "local", work)


@damages_the_store
def test_a_missing_layer_is_told_and_the_other_views_are_checked(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="a.txt", content="1")
        await rt.act("write", path="b.txt", content="2")
        await rt.undo(2)
        shutil.rmtree(rt.store.layers / "s1.2")
        found = by_operation((await rt.verify_undo()).views)
        assert found[0].ok and found[1].ok and not found[2].ok
        assert "s1.2" in found[2].damage

    run(workspace, box, work)


@damages_the_store
@pytest.mark.parametrize(
    ("damage", "said"), [("echo tampered > held/0", "wrong"), ("rm held/0", "wrong"), ("rm plan.json", "damage")]
)
def test_a_damaged_before_image_of_an_apply_is_told(workspace: Path, box: Any, damage: str, said: str) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="a.txt", content="agent")
        await rt.apply()
        assert os.system(f"cd {rt.store.aside}/s1.2 && {damage}") == 0
        found = by_operation((await rt.verify_undo()).views)
        assert [found[op].ok for op in (0, 1, 2)] == [False, said == "wrong", True]
        assert bool(found[0].wrong) == (said == "wrong") and bool(found[0].damage) == (said == "damage")

    run(workspace, box, work)
