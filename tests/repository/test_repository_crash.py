"""Killed anywhere in an apply as a commit, its undo or its redo: files, branch and index go together, or stay."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentrt.history import steps
from agentrt.repository import host

EVERY = 1 if os.environ.get("AGENTRT_EXHAUSTIVE") == "1" else 5


def in_child(work: Callable[[], None], at: int) -> tuple[bool, int]:
    """Do it in a process that is killed at its step ``at``: whether it was, and how many steps it got to."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            count = 0

            def step(_: str) -> None:
                nonlocal count
                count += 1
                if count == at:
                    os.kill(os.getpid(), signal.SIGKILL)

            start = host._start

            def counted(*arguments: Any) -> Any:
                step("git")
                done = start(*arguments)
                step("git done")
                return done

            steps.checkpoint, host._start = step, counted
            work()
            os.write(writing, str(count).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    said = os.read(reading, 20)
    os.close(reading)
    assert status in (0, -signal.SIGKILL)
    return status != 0, int(said or 0)


def begin(repo: Any) -> None:
    (repo.path / "mine").write_text("mine\n")
    repo.git("add", "mine")
    with repo.open() as rt:
        rt.act("bash", command="echo two >> a.txt; echo new > new; rm src/b.py; chmod -x run.sh; echo l > x.log")


def apply(repo: Any, to: str) -> Callable[[], None]:
    def work() -> None:
        with repo.open() as rt:
            rt.apply(to=to)

    return work


def move(repo: Any, name: str) -> Callable[[], None]:
    def work() -> None:
        with repo.open() as rt:
            getattr(rt, name)()

    return work


def seen(repo: Any) -> tuple[Any, ...]:
    """What of it a user would see."""
    files = {
        str(p.relative_to(repo.path)): p.read_text()
        for p in repo.path.rglob("*")
        if p.is_file() and ".git" not in p.parts
    }
    litter = sorted(name for name in os.listdir(repo.path / ".git") if "agentrt" in name or "lock" in name)
    return repo.git("for-each-ref"), repo.status, repo.git("diff", "--cached"), files, litter


@pytest.mark.parametrize("to", ["commit", "branch:b"])
@pytest.mark.parametrize("what", ["apply", "undo", "redo"])
def test_killed_at_any_step_it_is_both_or_neither(repo: Any, what: str, to: str, tmp_path: Path) -> None:
    begin(repo)
    if what != "apply":
        apply(repo, to)()
    if what == "redo":
        move(repo, "undo")()
    work = apply(repo, to) if what == "apply" else move(repo, what)
    saved = tmp_path / "saved"
    os.system(f"mkdir {saved}; cp -a {repo.path} {tmp_path / 'state'} {saved}")
    before = seen(repo)
    work()
    after = seen(repo)
    assert before[0] != after[0] and before[4] == after[4] == []

    at, killed, ended = 1, True, set()
    while killed:
        os.system(f"rm -rf {repo.path} {tmp_path / 'state'}; cp -a {saved}/repo {saved}/state {tmp_path}")
        killed, _ = in_child(work, at)
        with repo.open() as rt:
            applied = rt.view.applied != ()
            now = seen(repo)
            # Commits carry the time they were made.
            assert now[1:] == (after if applied == (what != "undo") else before)[1:], f"at step {at}"
            assert (now[0].count("\n"), len(now[0])) == (
                (n := (after if applied == (what != "undo") else before)[0]).count("\n"),
                len(n),
            )
            if applied != (what != "undo"):
                assert now[0] == before[0]
                (rt.apply(to=to) if what == "apply" else getattr(rt, what)())
                assert seen(repo)[1:] == after[1:]
        ended.add(applied)
        repo.git("fsck", "--strict")
        at += EVERY
    assert ended == {True, False}
