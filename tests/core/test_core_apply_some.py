"""Apply of what some operations did: what they did comes, what others did stays and is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agentrt import Conflict, Runtime, UsageError

NUMBERS = "".join(f"{number}\n" for number in range(1, 21))


def run(workspace: Path, box: Any, work: Callable[[Runtime], Awaitable[None]]) -> None:
    (workspace / "n.txt").write_text(NUMBERS)

    async def opened() -> None:
        async with Runtime.open(workspace, sandbox=box) as rt:
            await rt.act("bash", command="sed -i 's/^3$/three/' n.txt; echo two > a.txt")
            await rt.act("bash", command="sed -i 's/^17$/seventeen/' n.txt; mkdir d; echo new > d/new")
            await rt.act("bash", command="echo other > other; echo h > ~/h" if box == "local" else "echo other > other")
            await work(rt)

    asyncio.run(opened())


def real(workspace: Path) -> dict[str, str]:
    files = {str(p.relative_to(workspace)): p.read_text() for p in workspace.rglob("*") if p.is_file()}
    return {name: text for name, text in files.items() if name != "src/b.py"}


async def seen(rt: Runtime) -> dict[str, str]:
    """What the session's files are, as read from its view."""
    found = {}
    for name in ("a.txt", "n.txt", "d/new", "other"):
        try:
            with await rt.read_at(max(rt.operations), name) as file:
                found[name] = file.read().decode()
        except FileNotFoundError:
            continue
    return found


def numbers(*changes: tuple[str, str]) -> str:
    text = NUMBERS
    for old, new in changes:
        text = text.replace(f"\n{old}\n", f"\n{new}\n")
    return text


THREE, SEVENTEEN = ("3", "three"), ("17", "seventeen")
ALL = {"a.txt": "two\n", "n.txt": numbers(THREE, SEVENTEEN), "d/new": "new\n", "other": "other\n"}


def test_one_by_one_in_any_order_comes_to_all_of_it(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        operation = await rt.apply(ops=[2])
        assert operation is not None and operation.target == (2,)
        assert real(workspace) == {"a.txt": "one\n", "n.txt": numbers(SEVENTEEN), "d/new": "new\n"}
        assert await seen(rt) == ALL
        assert [op.id for op in rt.to_review()] == [1, 3]
        await rt.apply(ops=[3])
        assert real(workspace) == {"a.txt": "one\n", "n.txt": numbers(SEVENTEEN), "d/new": "new\n", "other": "other\n"}
        assert [e.path for e in await rt.pending()] == ["a.txt", "n.txt"]
        await rt.apply(ops=[1])
        assert real(workspace) == ALL and await seen(rt) == ALL
        assert await rt.pending() == [] and rt.to_review() == []

    run(workspace, box, work)


def test_the_rest_can_be_applied_after_it(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.apply(ops=[2])
        await rt.act("bash", command="sed -i 's/^10$/ten/' n.txt")
        await rt.apply()
        assert real(workspace) == {**ALL, "n.txt": numbers(THREE, SEVENTEEN, ("10", "ten"))}

    run(workspace, box, work)


def test_it_is_undone_and_redone_like_any_apply(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        before = real(workspace)
        await rt.apply(ops=[2])
        after = real(workspace)
        await rt.undo()
        assert real(workspace) == before and await seen(rt) == ALL
        await rt.redo()
        assert real(workspace) == after and await seen(rt) == ALL
        await rt.restore(0)
        assert real(workspace) == before

    run(workspace, box, work)


def test_what_is_left_can_still_be_rejected(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.apply(ops=[2])
        await rt.reject(1)
        assert await seen(rt) == {"a.txt": "one\n", "n.txt": numbers(SEVENTEEN), "d/new": "new\n", "other": "other\n"}
        with pytest.raises(UsageError, match="in the real workspace"):
            await rt.reject(2)
        await rt.apply()
        assert real(workspace) == await seen(rt)

    run(workspace, box, work)


def test_what_cannot_be_told_apart_is_a_conflict_and_touches_nothing(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="sed -i 's/^three$/drei/' n.txt")
        before = real(workspace), rt.log()
        with pytest.raises(Conflict) as caught:
            await rt.apply(ops=[4])
        (conflict,) = caught.value.conflicts
        assert conflict.path == "n.txt" and set(conflict.operations) == {1, 2, 4}
        with pytest.raises(Conflict):
            await rt.preview("apply", ops=[4])
        assert (real(workspace), rt.log()) == before
        await rt.apply(ops=[1, 4])
        assert real(workspace)["n.txt"] == numbers(("3", "drei"))

    run(workspace, box, work)


def test_a_preview_says_the_same_and_touches_nothing(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        before = real(workspace), rt.log()
        found = await rt.preview("apply", ops=[2])
        assert {e.path: e.change for e in found.effects} == {"d": "created", "d/new": "created", "n.txt": "modified"}
        assert found.target == (2,) and "a.txt" in found.left and "n.txt" in found.left
        assert (real(workspace), rt.log()) == before
        assert not any("scratch" in name for name in (p.name for p in rt.store.layers.iterdir()))

    run(workspace, box, work)


def test_what_was_reverted_is_not_applied_with_others(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.revert(1)
        with pytest.raises(UsageError, match="was rejected"):
            await rt.apply(ops=[1])
        await rt.apply(ops=[3])
        assert real(workspace) == {"a.txt": "one\n", "n.txt": NUMBERS, "other": "other\n"}
        await rt.apply()
        assert real(workspace) == {"a.txt": "one\n", "n.txt": numbers(SEVENTEEN), "d/new": "new\n", "other": "other\n"}

    run(workspace, box, work)


def test_a_part_that_was_rejected_stays_out(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.reject(1, parts={"a.txt": []})
        await rt.apply(ops=[1])
        assert real(workspace) == {"a.txt": "one\n", "n.txt": numbers(THREE)}

    run(workspace, box, work)


def test_the_users_own_edits_are_merged(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        (workspace / "n.txt").write_text(numbers(("9", "the user's")))
        await rt.apply(ops=[2])
        assert real(workspace)["n.txt"] == numbers(("9", "the user's"), SEVENTEEN)

    run(workspace, box, work)


@pytest.mark.parametrize(("ops", "says"), [([9], "no operation 9"), ([4], "changed no file"), ([5], "it was undone")])
def test_what_cannot_be_applied_is_refused(workspace: Path, box: Any, ops: list[int], says: str) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="true")
        await rt.act("bash", command="echo x > x")
        await rt.undo()
        with pytest.raises(UsageError, match=says):
            await rt.apply(ops=ops)
        with pytest.raises(UsageError, match="operations and paths"):
            await rt.apply(["a.txt"], ops=[1])

    run(workspace, box, work)
