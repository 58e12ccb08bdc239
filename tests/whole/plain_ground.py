"""A workspace with sessions over it and a user at work in it, real and as a plain model, and what can be done there.

The sandbox is that of plain copies and no process is started, so that thousands of examples can be tried.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant
from plain_model import Line, Parts, View
from plain_tool import PlainInside, Step, carry_out, done
from plain_trees import Node, Sides, Tree, above, has_room, is_folder, read

from agentrt import Runtime, verifying
from agentrt.opening import open_policy
from agentrt.records import Snapshot
from agentrt.testing.memory_sandbox import open_sandbox

T = TypeVar("T")
ROOM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where syncing costs nothing."""
TARGETS = ("a", "c", "d", "d/a", "e", "e/a")
POLICY = open_policy("default", Path())


class Ground(RuleBasedStateMachine):
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="agentrt-verbs-", dir=ROOM))
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("XDG_STATE_HOME", str(self.folder / "state"))
        self.patch.setattr(verifying, "Inside", PlainInside)
        self.runner = asyncio.Runner()
        self.root, self.real = self.folder / "real", Tree()
        self.root.mkdir()
        self.written = self.edits = 0
        self.contents: dict[str, list[str]] = {}
        self.user_does(("mkdir", "d", ""))
        for name, count in (("a", 20), ("b", 3), ("d/a", 3), ("d/b", 3)):
            self.user_does(("write", name, self.fresh(name, count)))
        self.lines = {"s1": Line("s1", View())}
        self.slots: dict[tuple[str, int], Mapping[str, Sides]] = {}
        """Of each apply."""
        self.opened: dict[str, Runtime] = {}
        self.looked: dict[str, tuple[Snapshot, Tree]] = {}
        """Where it stood and over what, when its files were compared last."""
        self.reopen(None)

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        assert read(self.root) == self.real
        for name, runtime in self.opened.items():
            line, log = self.lines[name], runtime.log()
            if self.looked.get(name) != (runtime.view.snapshot, self.real):
                assert self.run(_seen(runtime)) == line.now.seen(self.real), name
                self.looked[name] = runtime.view.snapshot, self.real
            assert [op.id for op in log] == list(line.ops), name
            assert {op.id: op.review for op in log if op.review and op.kind == "act"} == line.reviews, name
            assert (*runtime.timeline.done,) == (*line.done,) and (*runtime.timeline.undone,) == (*line.undone,)

    def teardown(self) -> None:
        if not hasattr(self, "opened"):
            return
        try:
            for name in self.lines:
                if name not in self.opened:
                    self.reopen(name)
                found = self.run(self.opened[name].verify_undo())
                assert found.ok, [view.to_dict() for view in found.views if not view.ok]
        finally:
            self.close()
            self.runner.close()
            self.patch.undo()
            shutil.rmtree(self.folder)

    # Sessions

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def line(self, who: int, ready: Callable[[Line], object] = bool) -> Line:
        """One of the sessions, open; mostly one that is already, and with which something can be done."""
        names = list(self.lines if who % 4 == 3 else self.opened)
        names = [name for name in names if who % 16 == 7 or ready(self.lines[name])] or names
        name = names[who // 16 % len(names)]
        if name not in self.opened:
            self.reopen(name)
        return self.lines[name]

    def close(self) -> None:
        while self.opened:
            self.run(self.opened.popitem()[1].close())

    def reopen(self, name: str | None) -> None:
        """Close all, open one."""

        async def opened() -> Runtime:
            return await Runtime.open(self.root, policy=POLICY, sandbox=open_sandbox, session=name)

        self.close()
        runtime = self.run(opened())
        self.opened[runtime.session] = runtime

    # What is to be done

    def fresh(self, path: str, count: int) -> str:
        """Lines that were never written before."""
        self.written += count
        return "".join(f"{path} {number}\n" for number in range(self.written - count, self.written))

    def step(self, tree: Tree, what: str, path: str, number: int) -> Step | None:
        """Something that can be done in this tree."""
        node, to = tree.get(path), TARGETS[number % len(TARGETS)]
        if what in ("edit", "write", "again", "binary"):
            if not has_room(tree, path) or (node is not None and node.kind != "file"):
                return None
            return "write", path, self.content(what, path, node, number)
        if what in ("mkdir", "link"):
            free = node is None or (what == "mkdir" and not is_folder(node))
            return (what, path, to) if free and has_room(tree, path) else None
        if node is None or (what == "chmod" and node.kind == "link"):
            return None
        if what == "move":
            replaces = to in tree and (is_folder(tree[to]) or is_folder(node))
            if replaces or not has_room(tree, to) or path in (to, *above(to)):
                return None
        modes = ("700", "755") if is_folder(node) else ("600", "644", "755")
        return what, path, modes[number % len(modes)] if what == "chmod" else to

    def content(self, what: str, path: str, node: Node | None, number: int) -> str:
        """Some lines replaced by new ones, or all; or what was there once, mostly at first."""
        once = self.contents.setdefault(path, [])
        if what == "again" and once:
            return once[number // 2 % len(once) if number % 2 else 0]
        if what == "binary":
            content = "\0" + self.fresh(path, 1)
        elif what == "write" or node is None or "\0" in node.content:
            content = self.fresh(path, 3)
        else:
            lines = node.content.splitlines(keepends=True)
            at, gone, new = number // 9 % (len(lines) + 1), number % 3, number // 3 % 3
            content = "".join([*lines[:at], self.fresh(path, new or not gone), *lines[at + gone :]])
        once.append(content)
        return content

    def user_does(self, step: Step) -> None:
        """In the workspace, as some editors do, which write a new file."""
        path = self.root / step[1]
        self.real, self.edits = done(self.real, step), self.edits + 1
        if step[0] == "write" and path.exists() and self.edits % 2:
            path.unlink()
        carry_out(self.root, step)
        if step[0] == "write":
            path.chmod(self.real[step[1]].mode)
            # The clock of a file system may stand still between two edits; a person is slower.
            os.utime(path, ns=(self.edits * 10**9, self.edits * 10**9))

    def any_op(self, line: Line, choice: int) -> int:
        """Mostly one whose work is in the view; also one that is not there at all."""
        ops = line.now.line if choice % 16 != 7 and line.now.line else range(len(line.ops) + 2)
        return ops[choice // 16 % len(ops)]

    def any_paths(self, line: Line, choices: Sequence[int]) -> list[str]:
        """Mostly such as the session changed."""
        paths = sorted(line.now.over) or ["a"]
        return sorted({"e" if choice % 16 == 7 else paths[choice // 16 % len(paths)] for choice in choices})

    def parts(self, line: Line, op: int, some: str, which: int) -> Parts | None:
        """A file of an operation, or a hunk of one."""
        if some == "all" or op not in line.ops or line.ops[op].kind != "act" or not line.ops[op].effects:
            return None
        found = line.ops[op]
        old = found.before.seen(self.real)
        if any(old.get(path) != was for path, (was, _) in found.effects.items()):
            return None  # hunks are counted from what is in the workspace by now
        path = sorted(found.effects)[which % len(found.effects)]
        count = line.hunks(op, path) if some == "hunks" else 0
        return {path: [which % count + 1] if count else []}


async def _seen(runtime: Runtime) -> Tree:
    """What is there for an action."""
    await runtime.sandbox.begin("look")
    try:
        return read(runtime.sandbox.workspace)
    finally:
        await runtime.sandbox.discard()
