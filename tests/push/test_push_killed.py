"""Killed at any step: what arrived is known, or said not to be, and nothing is pushed twice or lost from the outbox."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from push_ground import accept, committed, git, killed_at, queued, said

from agentrt import Runtime
from agentrt.errors import Conflict
from agentrt.testing import memory_sandbox

STEPS = {
    "push is sending": False,
    "push goes": False,
    "push went": True,
    "push keeps objects": True,
    "push moves tracking ref": True,
    "push is sent": True,
}
"""Of a release, in order: whether it has arrived by then."""


@pytest.mark.parametrize("step", STEPS)
def test_a_release_that_is_killed(ground: Any, step: str) -> None:
    old = ground.there()
    new = queued(ground)
    assert killed_at(lambda: accept(ground), step)
    arrived = STEPS[step]
    assert ground.there() == (new if arrived else old)
    with ground.open() as rt:
        cut = rt.show(3)
        if arrived:
            assert [(one.change, one.reversibility) for one in cut.requests] == [("sent", "compensable")]
            assert any("had arrived" in line for line in rt.notes)
        else:
            assert not cut.requests
        rt.accept(2)  # what arrived is not sent again; what did not goes now
        assert ground.there() == new
        rt.undo()
        assert ground.there() == old


@pytest.mark.parametrize("step", ["push goes", "push went"])
def test_where_nobody_knows_it_is_said_and_looked_for_before_it_goes_again(ground: Any, step: str) -> None:
    old = ground.there()
    new = queued(ground)
    assert killed_at(lambda: accept(ground), step)
    ground.far.rename(ground.far.with_name("away"))
    with ground.open() as rt:
        assert any("is not known" in line for line in rt.notes)
        assert [(one.change, one.reversibility) for one in rt.show(3).requests] == [("sent", "unknown")]
        assert "waits on" in rt.accept(2).note
        ground.far.with_name("away").rename(ground.far)
        note = rt.accept(2).note
        assert ("had arrived" if step == "push went" else "pushed") in note
        assert ground.there() == new
        rt.undo()
        assert ground.there() == old


def test_where_others_built_on_it_it_had_arrived(ground: Any) -> None:
    """Undo would take their work away: it is a conflict, as of any push."""
    new = queued(ground)
    assert killed_at(lambda: accept(ground), "push went")
    ground.others_commit()
    theirs = ground.others_commit()
    with ground.open() as rt:
        assert any("had arrived, and others built on it" in line for line in rt.notes)
        assert [(one.change, one.reversibility) for one in rt.show(3).requests] == [("sent", "compensable")]
        rt.accept(2)
        assert ground.there() == theirs
        with pytest.raises(Conflict, match="main"):
            rt.undo()
        git(ground.far, "update-ref", "refs/heads/main", new)
        rt.undo()
        assert ground.there() not in (new, theirs)


@pytest.mark.parametrize("step", ["push goes", "push went"])
def test_where_others_moved_it_elsewhere_nothing_is_sent(ground: Any, step: str) -> None:
    """Whether it never arrived, or was overwritten by force, nothing there says."""
    old = ground.there()
    queued(ground)
    assert killed_at(lambda: accept(ground), step)
    git(ground.far, "update-ref", "refs/heads/main", old)
    theirs = ground.others_commit()
    with ground.open() as rt:
        assert any("is not known" in line and "not built on it" in line for line in rt.notes)
        assert [(one.change, one.reversibility) for one in rt.show(3).requests] == [("sent", "unknown")]
        assert "moved by others" in rt.accept(2).note and ground.there() == theirs


@pytest.mark.parametrize("move", ["undo", "redo"])
@pytest.mark.parametrize("step", ["push goes", "push went", "push moves tracking ref"])
def test_an_undo_or_redo_that_is_killed_can_be_taken_again(ground: Any, move: str, step: str) -> None:
    old = ground.there()
    with ground.open() as rt:
        new = committed(rt)
        rt.act("push", branch="main")
        rt.accept(2)
        if move == "redo":
            rt.undo()

    def work() -> None:
        with ground.open() as rt:
            getattr(rt, move)()

    assert killed_at(work, step)
    with ground.open() as rt:
        assert any("cut off" in line for line in rt.notes)
        getattr(rt, move)()
        assert ground.there() == (old if move == "undo" else new)
        assert rt.runtime.view.marks == (() if move == "undo" else (2,))
        assert git(ground.path, "rev-parse", "refs/remotes/origin/main").strip() == ground.there()


@pytest.mark.parametrize("step", ["push is queued", "push is sending", "push went"])
def test_an_action_that_is_killed(ground: Any, step: str) -> None:
    """With a rule that lets it go by itself: what arrived is said, and taken back like any other."""
    if step != "push is queued":
        ground.policy = {"decide": [{"verdict": "allow", "actions": ["push"]}]}
    old = ground.there()
    with ground.open() as rt:
        new = committed(rt)

    def work() -> None:
        with ground.open() as rt:
            rt.act("push", branch="main")

    assert killed_at(work, step)
    with ground.open() as rt:
        assert ground.there() == (new if step == "push went" else old)
        assert any("had arrived" in line for line in rt.notes) == (step == "push went")
        cut = rt.show(2)
        if step != "push went":
            assert cut.status == "intent" and cut.requests == ()
            return
        assert git(ground.path, "rev-parse", "refs/remotes/origin/main").strip() == new
        assert "nothing to push" in said(rt.act("push", branch="main"))
        assert (cut.status, cut.review, cut.resources) == ("settled", "pending", ("push",))
        rt.revert(2)
        assert ground.there() == old
        assert git(ground.path, "rev-parse", "refs/remotes/origin/main").strip() == old
        rt.undo()
        assert ground.there() == new


def test_an_action_that_is_interrupted_takes_its_push_back(ground: Any) -> None:
    """What was on its way is waited for, and then taken back: it does not arrive afterwards."""
    ground.policy = {"decide": [{"verdict": "allow", "actions": ["push"]}]}
    old = ground.there()
    with ground.open() as rt:
        committed(rt)
    hook = ground.far / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ../began; sleep 2\n".replace("..", str(ground.far.parent)))
    hook.chmod(0o755)

    async def work() -> Any:
        async with Runtime.open(ground.path, policy=ground.policy, sandbox=memory_sandbox.open_sandbox) as rt:
            pushing = asyncio.ensure_future(rt.act("push", branch="main"))
            while not (ground.far.parent / "began").exists():
                await asyncio.sleep(0.05)
            pushing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await pushing
            return rt.show(2)

    interrupted = asyncio.run(work())
    assert interrupted.status == "failed" and ground.there() == old
    assert [one.change for one in interrupted.requests] == ["sent", "sent"], "there and back"
