"""What tests of pushes look at: both repositories, with git itself."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentrt.history import steps
from agentrt.records import Operation
from agentrt.sync import Runtime

COMMIT = "git -c user.name=Bot -c user.email=bot@example.org commit -q"


def git(where: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    done = subprocess.run(["git", *identity, *words], cwd=where, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return os.fsdecode(done.stdout)


@dataclass
class Ground:
    path: Path
    far: Path

    def there(self, branch: str = "main") -> str | None:
        return self.refs(self.far).get(f"refs/heads/{branch}")

    def refs(self, where: Path) -> dict[str, str]:
        lines = git(where, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split() for line in lines)

    def others_commit(self, branch: str = "main") -> str:
        """Somebody else's, in the remote."""
        tree = git(self.far, "rev-parse", f"{branch}^{{tree}}").strip()
        made = git(self.far, "commit-tree", "-p", branch, "-m", "others", tree).strip()
        git(self.far, "update-ref", f"refs/heads/{branch}", made)
        return made


def committed(rt: Runtime, *, branch: str = "main", text: str = "two") -> str:
    """A commit of the agent's; its hash."""
    switch = f"git checkout -q {branch} 2>/dev/null || git checkout -q -b {branch}"
    done = rt.act("bash", command=f"{switch}; echo {text} >> a.txt && {COMMIT} -am 'add {text}' && git rev-parse HEAD")
    assert done.observation is not None and done.observation.exit_code == 0, done.observation
    return done.observation.output.split()[-1]


def queued(ground: Any) -> str:
    """A commit of the agent's, by its hash, that waits to be pushed by operation 2."""
    with ground.open() as rt:
        new = committed(rt)
        rt.act("push", branch="main")
    return new


def accept(ground: Any) -> str:
    """Release it; what is said of that."""
    with ground.open() as rt:
        return str(rt.accept(2).note)


def there_and_back(ground: Ground, rt: Runtime, old: str | None, new: str) -> None:
    """What operation 2 has in the outbox arrives, goes, and arrives again; what others moved since stays theirs."""
    assert "pushed: main of origin" in rt.accept(2).note and ground.there() == new
    assert git(ground.path, "rev-parse", "refs/remotes/origin/main").strip() == new
    rt.undo()
    assert ground.there() == old
    rt.redo()
    assert ground.there() == new
    theirs = ground.others_commit()
    committed(rt, text="three")
    rt.act("push", branch="main")
    assert "was moved by others" in rt.accept(7).note and ground.there() == theirs


def said(operation: Operation) -> str:
    seen = operation.observation
    assert seen is not None
    return f"{seen.error or ''}\n{seen.output}"


def killed_at(work: Callable[[], object], name: str) -> bool:
    """Do it in a process that is killed when it comes to the step of that name; whether it was."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:

            def step(here: str) -> None:
                if here == name:
                    os.kill(os.getpid(), signal.SIGKILL)

            steps.checkpoint = step
            work()
            code = 0
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, -signal.SIGKILL)
    return status != 0


def killed_when(work: Callable[[], object], there: Path) -> None:
    """Do it in a process that is killed as soon as this file is there."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(1)
    while not there.exists():
        time.sleep(0.02)
        assert os.waitpid(pid, os.WNOHANG) == (0, 0), "it ended before"
    os.kill(pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
