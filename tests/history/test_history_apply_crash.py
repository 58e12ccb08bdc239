"""Killed between any two steps, the workspace is whole again after ``recover``."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from apply_cases import MIXED, content_of, copy, effects, measure, put
from test_history_apply import make_kernel_old
from treestate import Entry, assert_same_tree, tree_state

from agentrt.errors import AgentrtError, Conflict, DiskFull
from agentrt.history import steps
from agentrt.history.apply import carry_out, plan, put_back, recover, standing, take_back

Tree = dict[bytes, Entry]


class Stage:
    """One workspace, and how to bring it to where each of the three begins."""

    def __init__(self, folder: Path, aside: Path) -> None:
        self.real, self.sandbox, self.aside = folder / "real", folder / "sandbox", aside
        self.real.mkdir()
        MIXED[0](self.real)
        copy(self.real, self.sandbox)
        seen = measure(self.sandbox)
        MIXED[1](self.sandbox)
        self.wanted = effects(seen, measure(self.sandbox))

    def carry_out(self) -> None:
        carry_out(plan(self.real, self.wanted), content_of(self.sandbox), self.aside)

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
