"""Accept and reject: whole operations, files and hunks; deadlines. On a confined sandbox and on plain copies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agentrt import Conflict, Runtime, UnknownOperation, UsageError

NUMBERS = "".join(f"{number}\n" for number in range(1, 41))
THREE_HUNKS = "sed -i 's/^3$/three/; s/^20$/twenty/; s/^37$/last/' n.txt; echo two > a.txt; rm src/b.py"


def run(workspace: Path, box: Any, work: Callable[[Runtime], Awaitable[None]], **how: Any) -> None:
    (workspace / "n.txt").write_text(NUMBERS)

    async def opened() -> None:
        async with Runtime.open(workspace, sandbox=box, **how) as rt:
            await work(rt)

    asyncio.run(opened())
    assert (workspace / "n.txt").read_text() == NUMBERS


async def text(rt: Runtime, path: str) -> str | None:
    try:
        with await rt.read_at(max(rt.operations), path) as file:
            return file.read().decode()
    except FileNotFoundError:
        return None


def reviews(rt: Runtime) -> dict[int, str | None]:
    return {op.id: op.review for op in rt.log() if op.kind == "act"}


def test_what_waits_is_listed_until_it_has_a_word(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        for number in range(4):
            await rt.act("bash", command=f"echo {number} > f{number}")
        await rt.act("bash", command="true")
        await rt.undo(2)
        assert [op.id for op in rt.to_review()] == [1, 2, 3], "what is undone, or changed nothing, does not wait"
        accepted = await rt.accept(1, 3)
        assert (accepted.kind, accepted.target, accepted.effects) == ("accept", (1, 3), ())
        assert [op.id for op in rt.to_review()] == [2]
        assert reviews(rt) == {1: "accepted", 2: "pending", 3: "accepted", 4: "pending", 5: None}
        await rt.accept(2)
        assert rt.to_review() == []
        assert (await rt.undo()).target == (3,), "a yes is no step"

    run(workspace, box, work)


def test_a_no_takes_it_out_and_tells_the_planner_why(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo bad > a.txt; echo new > new")
        await rt.act("bash", command="echo later > later")
        rejected = await rt.reject(1, because="a.txt was right")
        assert (rejected.kind, rejected.target, rejected.note) == ("reject", (1,), "because a.txt was right")
        assert await text(rt, "a.txt") == "one\n" and await text(rt, "new") is None
        assert await text(rt, "later") == "later\n"
        assert reviews(rt) == {1: "rejected", 2: "pending"}
        notice = rt.conversation()[-1]
        assert (notice.role, notice.operation) == ("notice", 3)
        assert "rejected operation 1" in notice.body["text"] and "a.txt was right" in notice.body["text"]

    run(workspace, box, work)


def test_undo_of_a_no_makes_it_wait_again_and_redo_does_not(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="echo bad > a.txt")
        await rt.reject(1)
        await rt.undo()
        assert await text(rt, "a.txt") == "bad\n" and reviews(rt) == {1: "pending"}
        await rt.redo()
        assert await text(rt, "a.txt") == "one\n" and reviews(rt) == {1: "rejected"}
        await rt.restore(1)
        assert await text(rt, "a.txt") == "bad\n" and reviews(rt) == {1: "pending"}

    run(workspace, box, work)


def test_hunks_one_by_one(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command=THREE_HUNKS)
        await rt.reject(1, parts={"n.txt": [2]}, because="20 is better")
        changed = await text(rt, "n.txt")
        assert changed == NUMBERS.replace("\n3\n", "\nthree\n").replace("\n37\n", "\nlast\n")
        assert await text(rt, "a.txt") == "two\n" and reviews(rt) == {1: "pending"}
        await rt.accept(1, parts={"n.txt": [1, 3]})
        await rt.accept(1, parts={"a.txt": []})
        assert reviews(rt) == {1: "pending"}, "src/b.py has no word yet"
        await rt.reject(1, parts={"src/b.py": []})
        assert await text(rt, "src/b.py") == "b = 1\n"
        assert reviews(rt) == {1: "accepted"}, "all of it has a word, and some of it stays"
        await rt.undo()
        assert await text(rt, "src/b.py") is None and reviews(rt) == {1: "pending"}
        await rt.redo()
        assert reviews(rt) == {1: "accepted"}

    run(workspace, box, work)


def test_a_hunk_under_later_changes(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command=THREE_HUNKS)
        await rt.act("bash", command="sed -i '1i first' n.txt; sed -i 's/three/drei/' n.txt")
        await rt.reject(1, parts={"n.txt": [3]})
        changed = await text(rt, "n.txt")
        assert changed == "first\n" + NUMBERS.replace("\n3\n", "\ndrei\n").replace("\n20\n", "\ntwenty\n")
        with pytest.raises(Conflict) as caught:
            await rt.reject(1, parts={"n.txt": [1]})
        (conflict,) = caught.value.conflicts
        assert (conflict.path, conflict.operations[:2]) == ("n.txt", (1, 2))
        assert '"3"' in conflict.ours and '"drei" in line 4' in conflict.theirs
        assert await text(rt, "n.txt") == changed

    run(workspace, box, work)


@pytest.mark.parametrize(
    ("ops", "parts", "says"),
    [
        ([], None, "no operation is named"),
        ([2], None, "changed no file"),
        ([1, 3], {"a.txt": []}, "of one operation"),
        ([1], {"later": []}, "did not change later"),
        ([1], {"n.txt": [4]}, "3 hunks in operation 1, and no number 4"),
        ([1], {"n.txt": [0]}, "no number 0"),
        ([1], {"src/b.py": [1]}, "has no hunks"),
        ([4], None, "it was undone"),
    ],
)
def test_what_cannot_be_reviewed_is_refused(
    workspace: Path, box: Any, ops: list[int], parts: dict[str, list[int]] | None, says: str
) -> None:
    async def work(rt: Runtime) -> None:
        for command in (THREE_HUNKS, "true", "echo later > later", "echo undone > x"):
            await rt.act("bash", command=command)
        await rt.undo()
        before = rt.log()
        for verdict in (rt.accept, rt.reject):
            with pytest.raises(UsageError, match=says):
                await verdict(*ops, parts=parts)
        with pytest.raises(UnknownOperation):
            await rt.accept(99)
        assert rt.log() == before

    run(workspace, box, work)


@pytest.mark.parametrize(("then", "left"), [("reject", None), ("accept", "1\n")])
def test_a_deadline_is_kept_by_the_next_who_opens_the_session(
    workspace: Path, box: Any, then: Any, left: str | None
) -> None:
    async def first(rt: Runtime) -> None:
        rt.set_review_deadline(0.05, then)
        await rt.act("bash", command="echo 1 > x")
        await rt.act("bash", command="echo 1 > y")
        await rt.accept(3)

    async def second(rt: Runtime) -> None:
        assert await text(rt, "x") == left and await text(rt, "y") == "1\n"
        assert rt.to_review() == []
        assert reviews(rt) == {2: f"{then}ed", 3: "accepted"}
        assert [note for note in rt.notes if "in time" in note] != []
        assert rt.log()[-1].actor == "agentrt"

    async def third(rt: Runtime) -> None:
        assert rt.notes == ()

    run(workspace, box, first)
    asyncio.run(asyncio.sleep(0.1))
    run(workspace, box, second)
    run(workspace, box, third)


def test_what_cannot_be_rejected_in_time_goes_on_waiting_and_is_said(workspace: Path, box: Any) -> None:
    async def first(rt: Runtime) -> None:
        await rt.act("bash", command="echo one bad line > a.txt")
        await rt.act("bash", command="echo one worse line > a.txt")
        await rt.accept(2)
        rt.set_review_deadline(0.05, "reject")

    async def second(rt: Runtime) -> None:
        assert await text(rt, "a.txt") == "one worse line\n"
        assert [op.id for op in rt.to_review()] == [1]
        assert any("cannot be rejected" in note for note in rt.notes)

    run(workspace, box, first)
    asyncio.run(asyncio.sleep(0.1))
    run(workspace, box, second)
