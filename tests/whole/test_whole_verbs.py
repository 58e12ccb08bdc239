"""Any order of all verbs in sessions over one workspace, and the user at work in it meanwhile, against plain trees.

What the verbs mean is said in ``plain_model``, of trees that are mappings; ``plain_both`` does both and compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from plain_both import Both
from plain_model import Line, Op, View
from plain_tool import Step, done, install
from plain_trees import is_folder

from agentrt import Conflict

MACHINES, EXAMPLES = 10, max(200, settings().max_examples)
NAMES = st.sampled_from(["a", "a", "a", "b", "c", "c/a", "d", "d/a", "d/b", "e", "e/a"])
FILES = st.sampled_from(["a", "a", "a", "b", "c", "c/a", "d/a", "d/b", "e/a"])
EDITS = ["edit", "edit", "edit", "write", "again", "again", "binary", "chmod", "remove"]
NUMBER = st.integers(0, 1000)
PART = st.sampled_from(["all", "files", "hunks"])


class Verbs(Both):
    @initialize()
    def begin(self) -> None:
        """With some work that is there already, so that every verb has something to do."""
        self.start()
        for number in (40, 140):
            self.acts_in_steps(self.lines["s1"], [("edit", "a", number), ("edit", "c", number)])

    # Work

    @rule(
        who=NUMBER,
        steps=st.lists(
            st.tuples(st.sampled_from([*EDITS, "mkdir", "link", "move"]), NAMES, NUMBER), min_size=1, max_size=3
        ),
    )
    def act(self, who: int, steps: list[tuple[str, str, int]]) -> None:
        self.acts_in_steps(self.line(who), steps)

    def acts_in_steps(self, line: Line, steps: Sequence[tuple[str, str, int]]) -> None:
        tree, resolved = line.now.seen(self.real), list[Step]()
        for what, path, number in steps:
            if (step := self.step(tree, what, path, number)) is not None:
                resolved.append(step)
                tree = done(tree, step)
        self.acts(line, tree, "change", steps=resolved)

    @rule(who=NUMBER, path=FILES, number=NUMBER)
    def act_by_tools(self, who: int, path: str, number: int) -> None:
        """The ones there are, as far as they start no process."""
        line = self.line(who)
        tree = line.now.seen(self.real)
        step = self.step(tree, "edit", path, number)
        if step is None:
            return
        is_text = path in tree and "\0" not in tree[path].content
        if is_text and number % 3 == 0:
            self.acts(line, tree, "read", reads=(path,), path=path)
        elif is_text and number % 3 == 1:
            fresh, lines = self.fresh(path, 1), tree[path].content.splitlines(keepends=True)
            at = number % (len(lines) + 1)
            content = "".join([*lines[:at], fresh, *lines[at:]])
            self.acts(
                line, done(tree, ("write", path, content)), "edit", reads=(path,), path=path, insert=fresh, line=at
            )
        else:
            self.acts(line, done(tree, step), "write", path=path, content=step[2])

    @rule(who=NUMBER, path=FILES, number=NUMBER)
    def verify(self, who: int, path: str, number: int) -> None:
        line = self.line(who)
        step = self.step(line.now.seen(self.real), "edit", path, number)
        op = self.run(self.opened[line.name].verify("change", steps=[step] if step else []))
        assert (op.status, op.effects) == ("settled", ())
        line.add(Op(op.id, "verify", line.now, line.now))

    @rule(path=FILES, what=st.sampled_from(EDITS), number=NUMBER)
    def user(self, path: str, what: str, number: int) -> None:
        step = self.step(self.real, what, path, number)
        if step is not None and not is_folder(self.real.get(path)):
            self.user_does(step)

    # Back and forth

    @rule(who=NUMBER, choice=NUMBER, look=st.booleans())
    def undo(self, who: int, choice: int, look: bool) -> None:
        line = self.line(who, lambda line: line.done)
        n = 1 + (len(line.done) if choice % 16 == 7 else choice // 16 % min(3, max(1, len(line.done))))
        targets = tuple(line.done[: -n - 1 : -1])
        view = line.ops[targets[-1]].before if len(targets) == n else None
        self.moves(line, "undo", targets, view, n, look)

    @rule(who=NUMBER, choice=NUMBER, look=st.booleans())
    def undo_and_redo(self, who: int, choice: int, look: bool) -> None:
        self.undo(who, choice, look)
        self.redo(who, look)

    @precondition(lambda self: any(line.undone for line in self.lines.values()))
    @rule(who=NUMBER, look=st.booleans())
    def redo(self, who: int, look: bool) -> None:
        line = self.line(who, lambda line: line.undone)
        targets = tuple(line.undone[-1:])
        self.moves(line, "redo", targets, line.ops[targets[0]].after if targets else None, None, look)

    @rule(who=NUMBER, choice=NUMBER, look=st.booleans())
    def restore(self, who: int, choice: int, look: bool) -> None:
        line = self.line(who, lambda line: line.ops)
        op = len(line.ops) + 1 if choice % 16 == 7 else choice // 16 % (len(line.ops) + 1)
        view = None if op > len(line.ops) else line.view_after(op)
        self.moves(line, "restore", (op,), view, op, look)

    # Yes and no

    @precondition(lambda self: self.has_work())
    @rule(who=NUMBER, choices=st.lists(NUMBER, min_size=1, max_size=2), dependents=st.booleans(), look=st.booleans())
    def revert(self, who: int, choices: list[int], dependents: bool, look: bool) -> None:
        line = self.line(who, lambda line: line.now.line)
        ops = sorted({self.any_op(line, choice) for choice in choices})
        self.takes_out(line, "revert", ops, dependents=dependents, look=look)

    @precondition(lambda self: self.has_work())
    @rule(who=NUMBER, choice=NUMBER, some=PART, which=NUMBER)
    def reject(self, who: int, choice: int, some: str, which: int) -> None:
        line = self.line(who, lambda line: line.now.line)
        op = self.any_op(line, choice)
        self.takes_out(line, "reject", [op], parts=self.parts(line, op, some, which))

    @precondition(lambda self: self.has_work())
    @rule(who=NUMBER, choice=NUMBER, some=PART, which=NUMBER)
    def accept(self, who: int, choice: int, some: str, which: int) -> None:
        line = self.line(who, lambda line: line.now.line)
        op = self.any_op(line, choice)
        parts = self.parts(line, op, some, which)
        runtime = self.opened[line.name]
        found = self.both(lambda: line.accept(op, parts), lambda: runtime.accept(op, parts=parts))
        if found is not None:
            word, operation, _ = found
            line.add(Op(operation.id, "accept", line.now, line.now, {}, (op,), parts, word))

    # To the workspace

    @precondition(lambda self: self.has_work())
    @rule(who=NUMBER, look=st.booleans())
    def apply(self, who: int, look: bool) -> None:
        self.applies(self.line(who, lambda line: line.now.over), None, (), look)

    @precondition(lambda self: self.has_work())
    @rule(who=NUMBER, choices=st.lists(NUMBER, min_size=1, max_size=2), look=st.booleans())
    def apply_paths(self, who: int, choices: list[int], look: bool) -> None:
        line = self.line(who, lambda line: line.now.over)
        self.applies(line, self.any_paths(line, choices), (), look)

    @precondition(lambda self: self.has_work())
    @rule(who=NUMBER, choices=st.lists(NUMBER, min_size=1, max_size=2), look=st.booleans())
    def apply_operations(self, who: int, choices: list[int], look: bool) -> None:
        line = self.line(who, lambda line: line.now.line)
        if all(line.ops[op].kind == "act" for op in line.now.line):
            self.applies(line, None, tuple(sorted({self.any_op(line, choice) for choice in choices})), look)

    # Sessions

    @precondition(lambda self: len(self.lines) < 3)
    @rule(who=NUMBER, choice=NUMBER)
    def fork(self, who: int, choice: int) -> None:
        line = self.line(who, lambda line: line.ops)
        op = choice % (len(line.ops) + 1)
        view = line.view_after(op)

        def forked() -> View:
            if view.applies != line.now.applies:
                raise Conflict("another workspace")
            return View(view.over, view.base, view.anew)

        found = self.both(forked, lambda: self.opened[line.name].fork(op))
        if found is not None:
            start, runtime, _ = found
            self.lines[runtime.session], self.opened[runtime.session] = Line(runtime.session, start), runtime

    @rule(who=NUMBER)
    def close_and_open(self, who: int) -> None:
        self.reopen(sorted(self.lines)[who % len(self.lines)])

    def has_work(self) -> bool:
        return any(line.now.line for line in self.lines.values())


@pytest.fixture(autouse=True, scope="module")
def change_tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder: Path = tmp_path_factory.mktemp("plugins")
    install(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield


def _machine(number: int) -> type:
    """One of several, so that they can be spread over processes."""
    machine = type(f"Verbs{number}", (Verbs,), {})
    if settings().derandomize:
        machine = seed(number)(machine)
    case: Any = machine.TestCase
    case.settings = settings(
        max_examples=EXAMPLES, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
    )
    return case


for _number in range(MACHINES):
    globals()[f"TestVerbs{_number}"] = _machine(_number)
