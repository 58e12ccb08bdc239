"""Killed between any two steps, the workspace is whole again after ``recover``."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from apply_cases import MIXED, Build, content_of, copy, effects, make_kernel_old, measure, put
from treestate import Entry, assert_same_tree, tree_state

from agentrt.errors import AgentrtError, Conflict, DiskFull
from agentrt.history import steps
from agentrt.history.apply import Sources, carry_out, plan, put_back, recover, standing, take_back
from agentrt.history.contents import Contents

Tree = dict[bytes, Entry]


class Stage:
    """One workspace, and how to bring it to where each of the three begins."""

    def __init__(self, folder: Path, aside: Path) -> None:
        self.real, self.sandbox, self.aside = folder / "real", folder / "sandbox", aside
        self.bases = folder / "bases"
        self.build(*MIXED)

    def build(self, build: Build, change: Build) -> None:
        for path in (self.real, self.sandbox, self.aside):
            if path.exists():  # whatever modes were left in it
                subprocess.run(["chmod", "-R", "u+rwx", str(path)], check=True)
                shutil.rmtree(path)
        self.real.mkdir()
        build(self.real)
        copy(self.real, self.sandbox)
        seen = measure(self.sandbox)
        change(self.sandbox)
        self.wanted = effects(seen, measure(self.sandbox))

    def carry_out(self) -> None:
        sources = Sources(Contents(self.bases), content_of(self.sandbox))
        carry_out(plan(self.real, self.wanted, sources), content_of(self.sandbox), self.aside)

    def take_back(self) -> None:
        take_back(self.aside, self.real)

    def put_back(self) -> None:
        put_back(self.aside, self.real)

    def recover(self) -> None:
        recover(self.aside, self.real)


@pytest.fixture(params=["together", "apart", "old kernel"])
def stage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """In memory where we can: hundreds of applies, each of which waits for the disk."""
    if request.param == "old kernel":
        make_kernel_old(monkeypatch)
    memory = Path("/dev/shm")
    here = Path(tempfile.mkdtemp(dir=memory)) if os.access(memory, os.W_OK) else tmp_path
    try:
        if request.param == "apart" and here.stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("needs a second file system")
        yield Stage(here, (tmp_path if request.param == "apart" else here) / "aside")
    finally:
        subprocess.run(["chmod", "-R", "u+rwx", str(here)], check=True)
        shutil.rmtree(here)


def killed_at(step: int, work: Callable[[], None]) -> bool:
    """Run ``work`` in a child that is killed right before its ``step``-th step; False if it ended before that."""
    child = os.fork()
    if child == 0:
        try:
            left = step

            def checkpoint(_: str) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            steps.checkpoint = checkpoint
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the child failed of itself"
    return False


def check_whole(stage: Stage, trees: dict[str, Tree], doing: str) -> str:
    """Recover twice; the workspace is exactly one of the two legal trees: which."""
    found = recover(stage.aside, stage.real)
    assert not found.left and found.undone in (None, doing)
    side = standing(stage.aside) or "before"
    assert (found.standing or "before") == side
    # each new apply leaves its own times on the folders it changes
    shown = _without_times if doing == "carry_out" and side == "after" else dict
    assert_same_tree(shown(tree_state(stage.real)), shown(trees[side]))
    now = tree_state(stage.real)
    assert recover(stage.aside, stage.real).undone is None
    assert_same_tree(tree_state(stage.real), now)
    return side


def _without_times(tree: Tree) -> Tree:
    return {path: e._replace(mtime_ns=None) if e.type == "directory" else e for path, e in tree.items()}


def fresh(stage: Stage) -> None:
    if stage.aside.exists():
        shutil.rmtree(stage.aside)


def test_killed_at_every_step(stage: Stage) -> None:
    trees = {"before": tree_state(stage.real)}
    stage.carry_out()
    trees["after"] = tree_state(stage.real)
    stage.take_back()
    assert_same_tree(tree_state(stage.real), trees["before"])
    fresh(stage)

    step, side, cut_off = 0, "before", True
    while cut_off:
        step += 1
        cut_off = killed_at(step, stage.carry_out)
        side = check_whole(stage, trees, "carry_out")
        if side == "before":
            fresh(stage)
        elif cut_off:
            stage.take_back()
            fresh(stage)
    assert side == "after" and step > 25
    trees["after"] = tree_state(stage.real)

    for doing, work, start in (("take_back", stage.take_back, "after"), ("put_back", stage.put_back, "before")):
        step, cut_off = 0, True
        while cut_off:
            step += 1
            cut_off = killed_at(step, work)
            side = check_whole(stage, trees, doing)
            if cut_off and side != start:
                (stage.put_back if start == "after" else stage.take_back)()
                assert_same_tree(tree_state(stage.real), trees[start])
        assert side != start and step > 25


@pytest.mark.parametrize("doing", ["carry_out", "take_back", "put_back"])
def test_recovery_killed_at_every_step(stage: Stage, doing: str) -> None:
    trees = {"before": tree_state(stage.real)}
    if doing != "carry_out":
        stage.carry_out()
        trees["after"] = tree_state(stage.real)
        if doing == "put_back":
            stage.take_back()
    work: Callable[[], None] = getattr(stage, doing)
    late = steps_until(stage, work, "settled")
    step, cut_off = 0, True
    while cut_off:
        step += 1
        assert killed_at(late, work)
        cut_off = killed_at(step, stage.recover)
        side = check_whole(stage, trees, doing)
        assert side == ("after" if doing == "take_back" else "before")
        if doing == "carry_out":
            fresh(stage)
    assert step > 10


def steps_until(stage: Stage, work: Callable[[], None], name: str) -> int:
    """The number of the first step of that name; found by killing a child there, and recovering."""
    counted, reading = os.pipe()[::-1]
    child = os.fork()
    if child == 0:
        seen = 0

        def checkpoint(step: str) -> None:
            nonlocal seen
            seen += 1
            if step == name:
                os.write(counted, str(seen).encode())
                os.kill(os.getpid(), signal.SIGKILL)

        steps.checkpoint = checkpoint
        work()
        os._exit(1)
    os.close(counted)
    os.waitpid(child, 0)
    with open(reading, "rb") as pipe:
        number = int(pipe.read())
    recover(stage.aside, stage.real)
    if work == stage.carry_out:
        fresh(stage)
    return number


# ── while it merges ──────────────────────────────────────────────────────────────────────────────────────────


def _texts(root: Path) -> None:
    put(root / "text", b"1\n2\n3\n4\n5\n")
    put(root / "mode", b"1\n2\n3\n")
    put(root / "plain", b"plain")
    put(root / "gone", b"gone")


def _texts_change(root: Path) -> None:
    put(root / "text", b"one\n2\n3\n4\n5\n", 0o755)
    (root / "mode").chmod(0o600)
    put(root / "plain", b"changed")
    (root / "gone").unlink()
    put(root / "new", b"new")


def _edit(root: Path) -> None:
    """The user, at any time."""
    for name in ("text", "mode"):
        (root / name).write_bytes((root / name).read_bytes().replace(b"3\n", b"three\n"))


BEFORE = {"text": b"1\n2\nthree\n4\n5\n", "mode": b"1\n2\nthree\n", "plain": b"plain", "gone": b"gone"}
AFTER = {"text": b"one\n2\nthree\n4\n5\n", "mode": b"1\n2\nthree\n", "plain": b"changed", "new": b"new"}
MODES = {"before": (0o644, 0o644), "after": (0o755, 0o600)}


def to_merge(stage: Stage, doing: str) -> Tree:
    """Everything anew, up to where ``doing`` has to merge."""
    stage.build(_texts, _texts_change)
    content = (stage.real / "text").read_bytes()
    stage.bases.mkdir(exist_ok=True)
    (stage.bases / hashlib.sha256(content).hexdigest()).write_bytes(content)
    if doing != "carry_out":
        stage.carry_out()
    if doing == "put_back":
        stage.take_back()
    _edit(stage.real)
    return tree_state(stage.real)


def check_merge(stage: Stage, doing: str, edited: Tree) -> None:
    """As if it had not begun, or done; either way it can be done, undone and done again, and no edit is lost."""
    side, work = standing(stage.aside) or "before", getattr(stage, doing)
    if side == ("after" if doing == "take_back" else "before"):
        assert_same_tree(tree_state(stage.real), edited)
        if doing == "carry_out":
            fresh(stage)
        work()
        side = standing(stage.aside) or "before"
    check_merged(stage, side)
    merged = tree_state(stage.real)
    there, back = (stage.put_back, stage.take_back) if side == "before" else (stage.take_back, stage.put_back)
    there()
    assert_same_tree(tree_state(stage.real), edited)
    back()
    assert_same_tree(tree_state(stage.real), merged)


def check_merged(stage: Stage, side: str) -> None:
    assert {path.name: path.read_bytes() for path in stage.real.iterdir()} == (BEFORE if side == "before" else AFTER)
    assert tuple((stage.real / n).stat().st_mode & 0o777 for n in ("text", "mode")) == MODES[side]


@pytest.mark.parametrize("doing", ["carry_out", "take_back", "put_back"])
def test_killed_at_every_step_of_a_merge(stage: Stage, doing: str) -> None:
    step, cut_off = 0, True
    while cut_off:
        step += 1
        edited = to_merge(stage, doing)
        cut_off = killed_at(step, getattr(stage, doing))
        assert not recover(stage.aside, stage.real).left
        check_merge(stage, doing, edited)
    assert step > 20


@pytest.mark.parametrize("doing", ["take_back", "put_back"])
def test_recovery_of_a_merge_killed_at_every_step(stage: Stage, doing: str) -> None:
    work: Callable[[], None] = getattr(stage, doing)
    to_merge(stage, doing)
    late = steps_until(stage, work, "settled")
    step, cut_off = 0, True
    while cut_off:
        step += 1
        edited = to_merge(stage, doing)
        assert killed_at(late, work)
        cut_off = killed_at(step, stage.recover)
        assert not recover(stage.aside, stage.real).left
        assert_same_tree(tree_state(stage.real), edited)
        check_merge(stage, doing, edited)
    assert step > 8


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC])
def test_an_error_half_way_through_a_merge_takes_everything_back(stage: Stage, number: int) -> None:
    step, failed = 0, True
    while failed:
        step += 1
        edited = to_merge(stage, "take_back")
        with failing_at(step, number) as reached, suppress(Conflict, DiskFull):
            stage.take_back()
        failed = reached()
        assert recover(stage.aside, stage.real).undone is None  # a scratch folder may be left to it, no more
        check_merge(stage, "take_back", edited)
    assert step > 20


LATER = AFTER["text"].replace(b"5", b"five")


def test_what_was_changed_after_a_crash_in_a_merge_is_left_and_what_stood_is_kept(stage: Stage) -> None:
    to_merge(stage, "take_back")
    late = steps_until(stage, stage.take_back, "settled")
    to_merge(stage, "take_back")
    assert killed_at(late, stage.take_back)
    put(stage.real / "text", LATER)
    (left,) = recover(stage.aside, stage.real).left
    assert (stage.real / "text").read_bytes() == LATER
    assert Path(left.ours.rpartition("kept in ")[2]).read_bytes() == AFTER["text"]
    with pytest.raises(Conflict):  # it could be merged, but not without giving up what is kept
        stage.take_back()
    assert Path(left.ours.rpartition("kept in ")[2]).read_bytes() == AFTER["text"]


def test_after_a_merge_that_failed_later_edits_are_merged_as_well(stage: Stage) -> None:
    to_merge(stage, "take_back")
    late = steps_until(stage, stage.take_back, "settled")
    to_merge(stage, "take_back")
    with failing_at(late, errno.EACCES), pytest.raises(Conflict):
        stage.take_back()
    put(stage.real / "text", LATER, 0o755)
    stage.take_back()
    assert (stage.real / "text").read_bytes() == BEFORE["text"].replace(b"5", b"five")


# ── what else goes wrong ─────────────────────────────────────────────────────────────────────────────────────


def test_what_was_changed_after_the_crash_is_left_and_named(stage: Stage) -> None:
    """Not one byte of the user's is lost: neither what was there before nor what they wrote since."""
    original = tree_state(stage.real)
    assert killed_at(steps_until(stage, stage.carry_out, "settled"), stage.carry_out)
    put(stage.real / "first", b"the user's, after the crash")
    found = recover(stage.aside, stage.real)
    assert found.undone == "carry_out" and [conflict.path for conflict in found.left] == ["first"]
    assert (stage.real / "first").read_bytes() == b"the user's, after the crash"
    kept = Path(found.left[0].ours.rpartition("kept in ")[2])
    assert kept.read_bytes() == b"shared"
    others = original.keys() - {b"first", b"second", b"third", b"."}
    now = tree_state(stage.real)
    assert now.keys() == original.keys()
    assert_same_tree({path: now[path] for path in others}, {path: original[path] for path in others})


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC])
def test_an_error_half_way_takes_everything_back(stage: Stage, number: int) -> None:
    original = tree_state(stage.real)
    step, failed = 0, True
    while failed:
        step += 1
        with failing_at(step, number) as reached:
            try:
                stage.carry_out()
            except (Conflict, DiskFull):
                assert standing(stage.aside) is None
        failed = reached()
        if failed and standing(stage.aside) is None:
            assert_same_tree(tree_state(stage.real), original)
            fresh(stage)
        elif failed:
            stage.take_back()
            fresh(stage)
    assert step > 30


def test_what_cannot_be_put_back_now_is_put_back_later(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    original = tree_state(stage.real)

    def broken(name: str) -> None:
        if name in ("settled", "back"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(steps, "checkpoint", broken)
        with pytest.raises(AgentrtError, match="could not be put back yet"):
            stage.carry_out()
    assert recover(stage.aside, stage.real).undone == "carry_out"
    assert_same_tree(tree_state(stage.real), original)


@contextmanager
def failing_at(step: int, number: int) -> Iterator[Callable[[], bool]]:
    """The ``step``-th step from here fails, once, with that error; yields whether it was reached."""
    left, real = step, steps.checkpoint

    def checkpoint(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise OSError(number, os.strerror(number))

    steps.checkpoint = checkpoint
    try:
        yield lambda: left <= 0
    finally:
        steps.checkpoint = real
