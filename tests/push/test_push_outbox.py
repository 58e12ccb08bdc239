"""A push waits, goes once when it is released, and is taken back where nobody built upon it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from push_ground import COMMIT, committed, git, said

from agentrt.contracts import PUSH
from agentrt.errors import AgentrtError, Conflict, UsageError


def test_it_waits_with_all_of_it_shown_and_goes_when_it_is_accepted(ground: Any) -> None:
    old, own = ground.there(), ground.refs(ground.path)
    with ground.open() as rt:
        new = committed(rt)
        asked = rt.act("push", branch="main")
        assert asked.status == "settled" and asked.review == "pending" and asked.resources == (PUSH,)
        assert [(one.change, one.method, one.url) for one in asked.requests] == [
            ("queued", "git push", f"{ground.far} main")
        ]
        for shown in ("queued, and nothing was sent", f"origin, {ground.far}", new, old[:10], "Bot <bot@example.org>"):
            assert shown in said(asked)
        assert "add two" in said(asked) and "a.txt | 1 +" in said(asked)
        assert ground.there() == old and ground.refs(ground.path) == own and rt.runtime.spent.requests == 0

        released = rt.accept(2)
        assert ground.there() == new and rt.show(2).review == "accepted"
        assert [(one.change, one.reversibility) for one in released.requests] == [("sent", "compensable")]
        assert "pushed: main of origin" in released.note and rt.runtime.spent.requests == 1
        assert ground.refs(ground.path) == {**own, "refs/remotes/origin/main": new}
        git(ground.path, "fsck", "--strict")
        rt.accept(2)  # nothing more goes
        assert ground.there() == new


def test_undo_puts_the_branch_back_and_redo_pushes_it_again(ground: Any) -> None:
    old = ground.there()
    with ground.open() as rt:
        new = committed(rt)
        rt.act("push", branch="main")
        rt.accept(2)
        (planned,) = rt.preview("undo").outside
        assert planned.method == "git push" and ground.there() == new
        rt.undo()
        assert ground.there() == old == ground.refs(ground.path)["refs/remotes/origin/main"]
        rt.redo()
        assert ground.there() == new
        rt.revert(2)
        assert ground.there() == old and rt.verify_undo().ok


def test_a_new_branch_is_deleted_by_undo(ground: Any) -> None:
    with ground.open() as rt:
        new = committed(rt, branch="feature")
        asked = rt.act("push", branch="feature", to="work/feature")
        assert "a new branch" in said(asked) and said(asked).count("Bot <") == 1
        rt.accept(2)
        assert ground.there("work/feature") == new
        rt.undo()
        assert ground.there("work/feature") is None
        assert "refs/remotes/origin/work/feature" not in ground.refs(ground.path)


@pytest.mark.parametrize("how", ["reject", "undo", "revert", "restore"])
def test_what_is_dropped_is_never_sent(ground: Any, how: str) -> None:
    before = ground.refs(ground.far)
    with ground.open() as rt:
        committed(rt)
        rt.act("push", branch="main")
        {"undo": rt.undo, "restore": lambda: rt.restore(1)}.get(how, lambda: getattr(rt, how)(2))()
        if how == "reject":
            with pytest.raises(UsageError):
                rt.accept(2)
        elif rt.show(2).review == "pending":
            rt.accept(2)
        assert ground.refs(ground.far) == before


def test_what_was_dropped_and_put_back_waits_again(ground: Any) -> None:
    old = ground.there()
    with ground.open() as rt:
        new = committed(rt)
        rt.act("push", branch="main")
        rt.undo()
        rt.redo()
        assert ground.there() == old
        rt.accept(2)
        assert ground.there() == new


def test_two_pushes_one_after_the_other_and_back(ground: Any) -> None:
    old = ground.there()
    with ground.open() as rt:
        first = committed(rt)
        rt.act("push", branch="main")
        rt.accept(2)
        second = committed(rt, text="three")
        asked = rt.act("push", branch="main")
        assert said(asked).count("Bot <") == 1, "what is there already is not shown as new"
        rt.accept(5)
        assert ground.there() == second
        rt.revert(2, 5)
        assert ground.there() == old
        rt.undo()
        assert ground.there() == second != first


def test_a_branch_that_others_moved_is_left_alone(ground: Any) -> None:
    with ground.open() as rt:
        committed(rt)
        rt.act("push", branch="main")
        theirs = ground.others_commit()
        kept = rt.accept(2)
        assert "waits on" in kept.note and "moved by others" in kept.note and kept.requests == ()
        assert ground.there() == theirs and rt.show(2).review == "pending"


def test_undo_of_what_others_built_upon_is_a_conflict(ground: Any) -> None:
    with ground.open() as rt:
        committed(rt)
        rt.act("push", branch="main")
        rt.accept(2)
        theirs = ground.others_commit()
        with pytest.raises(Conflict, match="overwrite what somebody else"):
            rt.undo()
        assert ground.there() == theirs and rt.runtime.view.marks == (2,)
        assert not rt.verify_undo().databases[0].damage


def test_the_remote_refuses_and_the_push_waits_on(ground: Any) -> None:
    old = ground.there()
    hook = ground.far / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2; exit 1\n")
    hook.chmod(0o755)
    with ground.open() as rt:
        new = committed(rt)
        rt.act("push", branch="main")
        kept = rt.accept(2)
        assert "waits on" in kept.note and "not today" in kept.note and ground.there() == old
        assert [(one.change, one.reversibility) for one in kept.requests] == [("refused", "reversible")]
        hook.unlink()
        rt.accept(2)
        assert ground.there() == new
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
        with pytest.raises(AgentrtError):
            rt.undo()
        assert ground.there() == new and rt.runtime.view.marks == (2,)


def test_the_remote_is_away_and_the_push_waits_on(ground: Any) -> None:
    with ground.open() as rt:
        new = committed(rt)
        rt.act("push", branch="main")
        ground.far.rename(ground.far.with_name("away"))
        kept = rt.accept(2)
        assert "waits on" in kept.note and rt.show(2).review == "pending"
        ground.far.with_name("away").rename(ground.far)
        rt.accept(2)
        assert ground.there() == new


def test_another_url_than_was_shown_gets_nothing(ground: Any, tmp_path: Path) -> None:
    with ground.open() as rt:
        committed(rt)
        rt.act("push", branch="main")
        other = tmp_path / "other.git"
        shutil.copytree(ground.far, other)
        old = ground.refs(other)
        git(ground.path, "remote", "set-url", "origin", str(other))
        assert "leads to" in rt.accept(2).note
        assert ground.refs(other) == old == ground.refs(ground.far)


def test_it_was_there_already(ground: Any) -> None:
    with ground.open() as rt:
        new = committed(rt)
        rt.act("push", branch="main")
        apart = ground.path.parent / "state"
        objects = next(apart.rglob("push.git"))
        git(objects, "push", "-q", str(ground.far), f"{new}:refs/heads/main")
        assert "nothing was sent" in rt.accept(2).note
        rt.undo()
        assert ground.there() == new, "nobody undoes what somebody else did"


def test_nothing_to_push_and_what_would_need_force(ground: Any) -> None:
    with ground.open() as rt:
        nothing = rt.act("push", branch="main")
        assert "nothing to push" in said(nothing) and nothing.requests == () and nothing.review is None
        rt.act("bash", command=f"git checkout -q --orphan main2 && {COMMIT} -m other")
        forced = rt.act("push", branch="main2", to="main")
        assert "would need force" in said(forced) and forced.requests == ()
        assert "no branch 'gone'" in said(rt.act("push", branch="gone"))
        assert 'has no remote "upstream"' in said(rt.act("push", remote="upstream", branch="main2"))
        assert rt.to_review() == [rt.show(2)] and not list((ground.path.parent / "state").rglob("push.git"))


def test_a_rule_that_names_it_lets_it_go_by_itself(ground: Any) -> None:
    ground.policy = {"decide": [{"verdict": "allow", "actions": ["push"], "remotes": ["origin"]}]}
    old = ground.there()
    with ground.open() as rt:
        new = committed(rt)
        sent = rt.act("push", branch="main")
        assert ground.there() == new and "pushed: main" in said(sent)
        assert [(one.change, one.reversibility) for one in sent.requests] == [("sent", "compensable")]
        rt.undo()
        assert ground.there() == old
        git(ground.path, "remote", "add", "mirror", str(ground.far))
        assert "queued" in said(rt.act("push", remote="mirror", branch="main", to="x"))


def test_neither_a_workspace_nor_an_agent_lets_it_go(ground: Any) -> None:
    old = ground.there()
    (ground.path / ".agentrt").mkdir()
    (ground.path / ".agentrt/policy.yaml").write_text("decide: [{verdict: allow, actions: [push]}]\n")
    with ground.open() as rt:
        rt.act("narrow", rules={"decide": [{"verdict": "allow", "actions": ["push"]}]})
        committed(rt)
        assert "queued" in said(rt.act("push", branch="main")) and ground.there() == old


def test_a_deadline_for_review_sends_nothing(ground: Any) -> None:
    old = ground.there()
    with ground.open() as rt:
        committed(rt)
        rt.act("push", branch="main")
        rt.set_review_deadline(0.001, "accept")
        rt.keep_review_deadline()
        assert ground.there() == old and rt.show(2).review == "pending"


def test_hooks_of_the_users_repository_do_not_run(ground: Any) -> None:
    ran = ground.path / "ran"
    for name in ("pre-push", "reference-transaction", "post-checkout"):
        hook = ground.path / f".git/hooks/{name}"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
        hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    with ground.open() as rt:
        rt.act("bash", command=f"echo two >> a.txt; {COMMIT} -c core.hooksPath=/dev/null --no-verify -am x || true")
        new = rt.act(
            "bash",
            command="git -c core.hooksPath=/dev/null -c user.name=B -c user.email=b@x commit -qam x; git rev-parse HEAD",
        )
        rt.act("push", branch="main")
        rt.accept(3)
        assert ground.there() == said(new).strip().splitlines()[-1] and not ran.exists()


def test_as_a_person_sees_it(ground: Any) -> None:
    with ground.open("local") as rt:
        new = committed(rt)
        failed = rt.act("git", args=["push", "origin", "main"])
        assert "the tool push" in said(failed)
        rt.act("push", branch="main")

    def agentrt(*words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "agentrt", *words]
        done = subprocess.run(command, cwd=ground.path, capture_output=True, text=True, check=False, env=os.environ)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    assert "push origin main" in agentrt("review") and "git push" in agentrt("review")
    assert "1 push held back" in agentrt("review") and "effects: 1 push held back" in agentrt("show", "3")
    assert "1 push held back" in agentrt("log") and "request" not in agentrt("review")
    assert new in agentrt("show", "3") and "add two" in agentrt("show", "3")
    assert json.loads(agentrt("show", "3", "--json"))["review"] == "pending"
    assert "pushed: main of origin" in agentrt("accept", "3") and ground.there() == new
    theirs = ground.others_commit()
    assert "main" in agentrt("undo", code=4) and ground.there() == theirs
    git(ground.far, "update-ref", "refs/heads/main", new)
    agentrt("undo")
    assert ground.there() != new
    shown = agentrt("show", "4")
    assert "effects: 1 push\n" in shown and "request" not in shown
