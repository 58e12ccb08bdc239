"""Any order of work in any number of forks, some open beside each other, against the plain model of one session.

Nothing is applied here: what an apply in one session means for the others is in tests/core/test_core_fork_apply.py.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from test_whole_machine import Machine, _copy

from agentrt import Runtime

LINE = ("copies", "done", "undone", "before", "now")
"""What the model knows of one session."""


class ForkMachine(Machine):
    apply: Any = None
    """No rule."""

    @initialize()
    def start(self) -> None:
        self.session, self.opened_once = "s1", False
        self.lines: dict[str, dict[str, Any]] = {}
        self.opened: dict[str, Runtime] = {}
        super().start()
        self.opened["s1"] = self.runtime

    def copy(self, op: int, view: Path, real: Path) -> int:
        kept = self.folder / f"{self.session}.{op}"
        for name, source in (("view", view), ("real", real)):
            shutil.copytree(source, kept / name, symlinks=True, copy_function=_copy)
        self.copies[op] = (kept / "view", kept / "real")
        return op

    def remember(self) -> None:
        self.lines[self.session] = {name: getattr(self, name) for name in LINE}

    @rule(choice=st.integers(0, 1000))
    def fork(self, choice: int) -> None:
        """And go on in the fork; where it came from stays open."""
        ops = sorted(self.copies)
        target = ops[choice % len(ops)]
        view, real = self.copies[target]
        branch = self.runner.run(self.runtime.fork(target))
        assert branch.log() == [] and branch.session not in self.opened
        self.remember()
        self.session, self.runtime = branch.session, branch
        self.opened[branch.session] = branch
        self.copies, self.done, self.undone, self.before = {}, [], [], {}
        self.now = self.copy(0, view, real)

    @rule(choice=st.integers(0, 1000))
    def go_elsewhere(self, choice: int) -> None:
        """To another session: one that is open, or all are closed and that one is opened."""
        self.remember()
        sessions = sorted(self.lines)
        self.session = sessions[choice % len(sessions)]
        if self.session not in self.opened:
            self.close(backwards=choice % 2 == 0)
            self.opened[self.session] = self.runner.run(self.open())
        self.runtime = self.opened[self.session]
        for name, value in self.lines[self.session].items():
            setattr(self, name, value)

    @rule(name=st.sampled_from(["one", "two"]), text=st.text(st.characters(codec="utf-8"), max_size=5))
    def user_writes(self, name: str, text: str) -> None:
        (self.real / "user" / name).write_text(text)
        self.remember()
        for line in self.lines.values():
            for sides in line["copies"].values():
                for side in sides:
                    (side / "user" / name).write_text(text)

    @rule()
    def reopen(self) -> None:
        self.close(backwards=False)
        self.opened[self.session] = self.runtime = self.runner.run(self.open())

    async def open(self) -> Runtime:
        session = self.session if self.opened_once else None
        self.opened_once = True
        return await Runtime.open(self.real, policy={"limits": {"files_deleted": 10_000}}, session=session)

    def close(self, *, backwards: bool) -> None:
        for runtime in sorted(self.opened.values(), key=lambda runtime: runtime.session, reverse=backwards):
            self.runner.run(runtime.close())
        self.opened.clear()

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.close(backwards=True)
        super().teardown()


TestForkMachine = ForkMachine.TestCase
TestForkMachine.settings = settings(
    max_examples=int(os.environ.get("AGENTRT_EXAMPLES", "8")),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
