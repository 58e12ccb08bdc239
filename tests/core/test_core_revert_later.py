"""Revert where later work touched the same: it merges, or it is a conflict and nothing is touched."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from revert_ground import Ground, on

from agentrt import Runtime, UnknownOperation, UsageError
from agentrt.testing.trees import tree_state


class Row(NamedTuple):
    acts: tuple[str, ...]
    targets: tuple[int, ...]
    left: tuple[str, ...] = ()
    """What the remaining work comes to, from the start."""
    conflicts: dict[str, tuple[int, ...]] | None = None
    """By path, the operations that are named; then nothing is left."""


def merges(*acts: str, take: tuple[int, ...] = (1,), left: str) -> Row:
    return Row(acts, take, (left,))


def clashes(*acts: str, take: tuple[int, ...] = (1,), at: str = "f", ops: tuple[int, ...] = (1, 2)) -> Row:
    return Row(acts, take, conflicts={at: ops})


MERGES = {
    "other lines": merges("sed -i 2s/2/two/ f", "sed -i 30s/30/thirty/ f", left="sed -i 30s/30/thirty/ f"),
    "lines above": merges("echo end >> f", "sed -i 1,9d f", left="sed -i 1,9d f"),
    "a created file deleted later": merges("echo 1 > new; echo x > other", "rm new", left="true"),
    "a changed file back as it was": merges("echo 1 >> f; echo x > other", "seq 40 > f", left="true"),
    "mode, then content": merges("chmod 600 f", "echo more >> f", left="echo more >> f"),
    "content, then mode": merges("echo more >> f", "chmod 600 f", left="chmod 600 f"),
    "binary content, then mode": merges(r"printf '\0\7' > bin", "chmod 755 bin", left="chmod 755 bin"),
    "mode, then binary content": merges("chmod 755 bin", r"printf '\0\7' > bin", left=r"printf '\0\7' > bin"),
    "mode and content, then other lines": merges(
        "chmod 755 f; sed -i 2s/2/two/ f", "echo more >> f", left="echo more >> f"
    ),
    "a file in a folder it made": merges(
        "mkdir -p made/deep; echo 1 > made/deep/f; echo 1 > g", "echo 2 > made/deep/later",
        left="mkdir -p made/deep; echo 2 > made/deep/later",
    ),
    "a folder in a folder it made": merges("mkdir made; echo 1 > g", "mkdir made/in", left="mkdir -p made/in"),
    "crlf": merges(r"sed -i '1s/a/A/' crlf", r"sed -i '5s/e/E/' crlf", left=r"sed -i '5s/e/E/' crlf"),
    "no end of the last line": merges(
        "sed -i 1s/one/ONE/ noend", "printf ' and more' >> noend", left="printf ' and more' >> noend"
    ),
    "a last line that got its end": merges("sed -i 1s/one/ONE/ noend", "echo >> noend", left="echo >> noend"),
    "adjacent targets, one file": merges("echo 1 >> f", "echo 2 >> f", "echo x > x", take=(1, 2), left="echo x > x"),
    "overlapping targets, in any order": merges(
        "sed -i 5s/.*/five/ f", "sed -i 5,6s/.*/5-6/ f", "sed -i 30s/30/thirty/ f", take=(2, 1),
        left="sed -i 30s/30/thirty/ f",
    ),
    "targets with work between": merges(
        "sed -i 2s/2/two/ f", "sed -i 20s/20/twenty/ f", "sed -i 38s/38/late/ f", take=(1, 3),
        left="sed -i 20s/20/twenty/ f",
    ),
    "made, and deleted by another target": merges(
        "mkdir d; echo 1 > d/f; echo 1 >> f", "rm -r d", "echo x > x", take=(1, 2), left="echo x > x"
    ),
    "a target that deleted what another made": merges("echo 1 > new", "rm new; echo 2 > x", take=(2,), left="echo 1 > new"),
    "file to folder to link": merges(
        "rm f; mkdir f; echo 1 > f/x", "rm -r f; ln -s run f", "echo x > x", take=(1, 2), left="echo x > x"
    ),
    "a folder that was removed and made again later": merges(
        "rm dir/x; echo x > x", "rm -r dir", "mkdir dir", take=(1, 3), left="rm -r dir",
    )._replace(left=(), conflicts={"dir/x": (1, 2, 3)}),
}  # fmt: skip

CLASHES = {
    "the same line": clashes("sed -i 5s/5/five/ f", "sed -i 5s/five/FIVE/ f"),
    "a line next to it": clashes("sed -i 5s/5/five/ f", "sed -i 6s/6/six/ f"),
    "both at the end": clashes("printf more >> noend", "printf ' yet' >> noend", at="noend"),
    "renamed later": clashes("echo 1 >> f", "mv f g"),
    "deleted later": clashes("echo 1 >> f", "rm f"),
    "a created file changed later": clashes("echo 1 > new", "echo 2 >> new", at="new"),
    "binary changed later": clashes(r"printf '\0\1' > bin", r"printf '\0\1\3' > bin", at="bin"),
    "a mode twice": clashes("chmod 600 f", "chmod 640 f"),
    "a deleted file made anew": clashes("rm f", "echo other > f"),
    "a link turned twice": clashes("ln -sfn run link", "ln -sfn bin link", at="link"),
    "a file in a folder that went later": clashes("rm dir/x", "rm -r dir", at="dir/x"),
    "a file in a folder that is a link now": clashes("rm dir/x", "mv dir d2; ln -s d2 dir", at="dir/x"),
    "a made folder replaced by a file": clashes("mkdir made; echo x > x", "rmdir made; echo f > made", at="made"),
    "a file where a folder got more": clashes("rm f; mkdir f", "echo 1 > f/later"),
    "a link where a folder got more": clashes("rm dirlink; mkdir dirlink", "mkdir dirlink/in", at="dirlink"),
    "two later ones": clashes("echo 1 >> f", "echo 2 >> f", "echo 3 >> f", ops=(1, 2, 3)),
    "a target below another's work": clashes(
        "sed -i 5s/5/five/ f", "sed -i 5s/five/FIVE/ f", "sed -i 30s/30/x/ f", take=(1, 3), ops=(1, 2, 3)
    ),
    "one path of many": clashes("echo 1 > a; echo 1 > b; echo 1 >> f", "rm a; echo 2 >> f"),
}


@pytest.mark.parametrize("name", MERGES)
def test_later_work_on_the_same_stays(name: str, workspace: Path, box: Any) -> None:
    row = MERGES[name]

    async def work(ground: Ground) -> None:
        for command in row.acts:
            await ground.act(command)
        if row.conflicts is not None:
            assert await ground.conflicts(*row.targets) == row.conflicts
        else:
            await ground.reverts(*row.targets, expected=ground.plain(*row.left))

    on(workspace, box, work)


@pytest.mark.parametrize("name", CLASHES)
def test_what_cannot_be_told_apart_is_a_conflict(name: str, workspace: Path, box: Any) -> None:
    row = CLASHES[name]

    async def work(ground: Ground) -> None:
        for command in row.acts:
            await ground.act(command)
        assert await ground.conflicts(*row.targets) == row.conflicts
        everything = tuple(range(1, len(row.acts) + 1))
        await ground.reverts(*everything, expected=ground.plain())

    on(workspace, box, work)


def test_a_folder_that_holds_later_work_is_all_there_is_to_take_out(workspace: Path, box: Any) -> None:
    async def work(ground: Ground) -> None:
        await ground.act("mkdir made")
        await ground.act("echo 2 > made/later")
        before = await ground.look()
        with pytest.raises(UsageError, match="nothing of operation 1"):
            await ground.rt.revert(1)
        assert len(ground.rt.log()) == 2 and ground.rt.show(1).review == "pending"
        await ground.sees(before, "refused", mtimes=True)

    on(workspace, box, work)


def test_the_notice_tells_what_went_and_not_what_stays(workspace: Path, box: Any) -> None:
    async def work(ground: Ground) -> None:
        await ground.act("mkdir made; echo 1 > gone; sed -i 2s/2/two/ f")
        await ground.act("echo 2 > made/later; echo more >> f")
        await ground.rt.act("read", path="gone")
        done = await ground.rt.revert(1, because="the wrong idea")
        notice = ground.rt.conversation()[-1]
        assert (notice.role, notice.operation, notice.id) == ("notice", done.id, done.after.conversation)
        said = notice.body["text"]
        assert said.startswith("The user reverted operation 1 (bash mkdir made;") and ": the wrong idea." in said
        assert "What it did to f, gone is gone; later work stays." in said
        assert "Merged with later changes: f." in said and "Operations 2, 3 stand on what is gone" in said
        assert done.note == (
            "because the wrong idea; merged with later changes: f; operations 2, 3 stand on what is gone"
        )
        await ground.rt.undo()
        assert "revert" in ground.rt.conversation()[-1].body["text"]

    on(workspace, box, work)


def test_after_undo_redo_and_restore_the_work_in_the_view_can_be_reverted(workspace: Path, box: Any) -> None:
    async def work(ground: Ground) -> None:
        rt = ground.rt
        await ground.act("echo 1 > one")
        await ground.act("echo 2 > two")
        await ground.act("echo 3 > three")
        await rt.undo()
        with pytest.raises(UsageError, match="operation 3 is not in the session's files"):
            await rt.revert(3)
        await ground.reverts(1, expected=ground.plain("echo 2 > two"))  # 5; its own revert is undone
        await rt.undo()
        await rt.restore(3)
        await ground.reverts(2, expected=ground.plain("echo 1 > one; echo 3 > three"))
        await rt.restore(0)
        for op in (1, 2, 3):
            with pytest.raises(UsageError, match="was undone"):
                await rt.revert(op)

    on(workspace, box, work)


def test_targets_an_earlier_revert_touched(workspace: Path, box: Any) -> None:
    async def work(ground: Ground) -> None:
        rt = ground.rt
        await ground.act("sed -i 2s/2/two/ f")
        await ground.act("sed -i 20s/20/twenty/ f; echo x > x")
        await rt.revert(1)
        with pytest.raises(UsageError, match="nothing of operation 1 is left"):
            await rt.revert(1)
        done = await rt.revert(2)
        await ground.sees(ground.plain(), "both gone")
        again = await rt.revert(done.id)
        await ground.sees(ground.plain("sed -i 20s/20/twenty/ f; echo x > x"), "the second is back")
        assert [rt.show(op).review for op in (1, 2)] == ["rejected", "pending"]
        await rt.revert(2)
        await ground.sees(ground.plain(), "gone again")
        assert rt.show(2).review == "rejected"
        await rt.undo()
        assert rt.show(2).review == "pending"
        await rt.undo()
        assert again.target == (done.id,) and rt.show(2).review == "rejected"

    on(workspace, box, work)


def test_what_is_applied_is_not_reverted_and_the_hint_helps(workspace: Path, box: Any) -> None:
    async def work(ground: Ground) -> None:
        rt = ground.rt
        await ground.act("echo 1 > one")
        await ground.act("echo 2 > two")
        assert await rt.apply() is not None
        await ground.act("echo 4 > four")
        with pytest.raises(UsageError, match="operation 1 is in the real workspace, since apply 3") as refused:
            await rt.revert(1)
        assert "agentrt restore 2" in refused.value.hint
        await rt.revert(4)
        assert (workspace / "one").exists() and not (workspace / "four").exists()
        await rt.restore(2)
        await ground.reverts(1, expected=ground.plain("echo 2 > two"))

    on(workspace, box, work)


def test_what_was_reverted_is_not_applied(workspace: Path, box: Any) -> None:
    async def work(ground: Ground) -> None:
        await ground.act("sed -i 2s/2/two/ f; mkdir d; echo 1 > d/one; rm run")
        await ground.act("sed -i 20s/20/twenty/ f; echo 2 > d/two")
        await ground.rt.revert(1)
        assert await ground.rt.apply() is not None
        expected = ground.plain()
        await ground.rt.undo()
        assert (workspace / "run").exists() and not (workspace / "d").exists()
        await ground.sees(expected, "as applied")
        await ground.sees(ground.plain("sed -i 20s/20/twenty/ f; mkdir d; echo 2 > d/two"), "the second alone")

    on(workspace, box, work)


@pytest.mark.parametrize(
    ("op", "error", "said"),
    [
        (1, UsageError, "changed no file"),
        (2, UsageError, "was undone"),
        (3, UsageError, "is of kind undo"),
        (4, UsageError, "rolled back"),
        (5, UsageError, "denied"),
        (6, UsageError, "changed no file"),
        (99, UnknownOperation, "99"),
        (-1, UnknownOperation, "-1"),
    ],
)
def test_what_is_no_target_says_why(op: int, error: type[Exception], said: str, workspace: Path, box: Any) -> None:
    policy = {"decide": [{"verdict": "deny", "actions": ["git"], "because": "no"}], "limits": {"files_deleted": 1}}

    async def work() -> None:
        async with Runtime.open(workspace, sandbox=box, policy=policy) as rt:
            await rt.act("bash", command="true")
            await rt.act("write", path="x", content="x")
            await rt.undo()
            await rt.act("bash", command="rm -r a.txt src")
            await rt.act("git", args=["status"])
            await rt.verify("bash", command="echo x > x")
            log = rt.log()
            with pytest.raises(error, match=said):
                await rt.revert(op)
            with pytest.raises(error, match=said):
                await rt.preview_revert(op)
            assert rt.log() == log

    asyncio.run(work())


def test_dependents_are_named_or_go_as_well(workspace: Path, box: Any) -> None:
    async def work(ground: Ground) -> None:
        rt = ground.rt
        await rt.act("write", path="a", content="1\n2\n3\n")  # 1
        await rt.act("read", path="./a")  # 2: read it
        await rt.act("read", path="f")  # 3: something else
        await rt.act(
            "edit", path=str(workspace / "a") if ground.confined else "./a", old="3", new="three"
        )  # 4: read and wrote it
        await ground.act("echo more >> a; echo b > b")  # 5: wrote it
        await ground.act("cat a; echo more >> b; echo c > c")  # 6: wrote what 5 wrote
        await ground.act("cat a > unrelated")  # 7: read it, and nobody knows
        await ground.act("cat a")  # 8: as much, and changed nothing
        await rt.act("read", path="c")  # 9: read what 6 wrote
        await rt.act("write", path="d", content="d")  # 10
        preview = await rt.preview_revert(1)
        assert (preview.dependents, preview.possible) == ((2, 4, 5, 6, 9), (7,))
        assert set(await ground.conflicts(1)) == {"a"}
        preview = await rt.preview_revert(1, with_dependents=True)
        assert (preview.target, preview.dependents, preview.possible) == ((6, 5, 4, 1), (2, 9), (7,))
        expected = ground.plain("printf '1\\n2\\nthree\\nmore\\n' > unrelated; printf d > d")
        done = await ground.reverts(1, with_dependents=True, expected=expected)
        assert done.target == (6, 5, 4, 1)

    on(workspace, box, work)


def test_what_lies_outside_the_workspace_has_dependents_too(workspace: Path) -> None:
    async def work(ground: Ground) -> None:
        await ground.act("echo 1 > /tmp/a; echo 1 > ~/b; echo 1 > c")
        await ground.rt.act("read", path="/tmp/a")
        await ground.rt.act("edit", path="~/b", old="1", new="2")
        assert (await ground.rt.preview_revert(1)).dependents == (2, 3)

    on(workspace, "local", work)


def test_a_preview_that_was_cut_off_stands_in_nobodys_way(workspace: Path) -> None:
    async def work(ground: Ground) -> None:
        await ground.act("echo more >> f; mkdir d")
        left = ground.rt.store.layers / f"{ground.rt.session}.scratch"
        (left / "work").mkdir(parents=True)
        (left / "work/half").write_text("x")
        await ground.reverts(1, expected=ground.plain())
        assert not left.exists()

    on(workspace, "local", work)


def test_what_the_user_took_away_meanwhile_is_said(workspace: Path, box: Any) -> None:
    async def work(ground: Ground) -> None:
        await ground.act("sed -i 2s/2/two/ f")
        await ground.act("sed -i 20s/20/twenty/ f")
        (workspace / "f").unlink()
        ground.real = tree_state(workspace)
        assert await ground.conflicts(1) == {"f": (1, 2)}

    on(workspace, box, work)
