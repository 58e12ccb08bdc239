"""Short sequences that random work once found to go wrong (tests/whole/test_whole_verbs.py)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from core_ground import run

from agentrt import Conflict, Runtime, UsageError
from agentrt.errors import DocumentError

TWO_FILES = """*** Begin Patch
*** Add File: new
+1
*** Add File: other
+2
*** End Patch"""


def test_a_revert_of_what_is_out_already_leaves_no_trace(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="new", content="1\n")
        await rt.reject(1)
        with pytest.raises(UsageError, match="nothing of operations 1, 2 is left"):
            await rt.revert(1, 2)
        assert [op.id for op in rt.log()] == [1, 2]

    run(workspace, box, work)


def test_what_was_rejected_is_not_accepted(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="new", content="1\n")
        await rt.reject(1)
        with pytest.raises(UsageError, match="operation 1 was rejected"):
            await rt.accept(1)
        assert [op.review for op in rt.log()] == ["rejected", None]
        await rt.undo()
        await rt.accept(1)

    run(workspace, box, work)


def test_a_no_to_a_part_of_what_was_accepted_does_not_make_the_rest_wait_again(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("edit", patch=TWO_FILES)
        await rt.accept(1)
        await rt.reject(1, parts={"new": []})
        assert rt.show(1).review == "accepted" and rt.to_review() == []

    run(workspace, box, work)


def test_the_last_word_on_a_whole_file_is_the_one_that_counts(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        (workspace / "n").write_text("".join(f"{number}\n" for number in range(20)))
        await rt.act("write", path="n", content="".join(f"{number}\n" for number in range(1, 19)))
        await rt.accept(1, parts={"n": [1]})
        await rt.reject(1, parts={"n": []})
        assert rt.show(1).review == "rejected"

    run(workspace, box, work)


def test_what_an_apply_left_to_the_user_is_the_users_when_it_is_touched_again(workspace: Path, box: Any) -> None:
    """The agent had put it back as it found it. What it sees there next is what its later work is compared with."""

    async def work(rt: Runtime) -> None:
        await rt.act("write", path="a.txt", content="two\n")
        await rt.act("write", path="a.txt", content="one\n")
        await rt.act("write", path="other", content="1\n")
        (workspace / "a.txt").write_text("user\n")
        await rt.apply()
        await rt.act("write", path="a.txt", content="agent\n")
        (workspace / "a.txt").write_text("one\n")
        with pytest.raises(Conflict):
            await rt.apply()
        (workspace / "a.txt").write_text("user\n")
        await rt.apply()
        assert (workspace / "a.txt").read_text() == "agent\n"

    run(workspace, box, work)


def test_what_is_left_of_a_file_merges_after_a_part_of_it_was_applied(workspace: Path, box: Any) -> None:
    lines = [f"{number}\n" for number in range(9)]

    async def work(rt: Runtime) -> None:
        (workspace / "n").write_text("".join(lines))
        await rt.act("write", path="n", content="".join(["first\n", *lines[1:]]))
        await rt.act("write", path="n", content="".join(["first\n", *lines[1:8], "last\n"]))
        await rt.apply(ops=[1])
        (workspace / "n").write_text("".join(["first\n", *lines[1:4], "user\n", *lines[5:]]))
        await rt.apply()
        assert (workspace / "n").read_text() == "".join(["first\n", *lines[1:4], "user\n", *lines[5:8], "last\n"])

    run(workspace, box, work)


def test_what_is_applied_is_not_reverted_as_a_dependent_either(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="new", content="1\n")
        await rt.act(
            "edit", patch="*** Begin Patch\n*** Add File: other\n+2\n*** Update File: new\n-1\n+2\n*** End Patch"
        )
        await rt.apply(["other"])
        for attempt in (rt.preview_revert, rt.revert):
            with pytest.raises(UsageError, match="operation 2 is in the real workspace, since apply 3"):
                await attempt(1, with_dependents=True)
        assert (workspace / "other").read_text() == "2\n" and len(rt.log()) == 3

    run(workspace, box, work)


def test_a_policy_with_a_mistake_keeps_nobody_from_undoing(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="new", content="1\n")

    async def later() -> None:
        with pytest.raises(DocumentError):
            await Runtime.open(workspace, sandbox=box)
        async with Runtime.open(workspace, sandbox=box, to_act=False) as rt:
            (note,) = rt.notes
            assert "policy.yaml:1:1: unknown key `deny`" in note
            denied = await rt.act("write", path="other", content="1\n")
            assert denied.status == "denied" and "unknown key" in str(denied.observation)
            await rt.apply()
            await rt.undo(2)
            assert not (workspace / "new").exists()

    run(workspace, box, work)
    (workspace / ".agentrt").mkdir()
    (workspace / ".agentrt/policy.yaml").write_text("deny: everything\n")
    asyncio.run(later())
    (workspace / ".agentrt/policy.yaml").unlink()
