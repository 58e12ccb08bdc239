"""Any order of act, undo, redo, restore, revert and apply, with the user at work meanwhile, against a plain model.

The model is the same commands run in plain copies of the tree: one copy for what the agent sees, one for what the
user has, kept for every operation. What a revert comes to is worked out from the copies, path by path.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from treestate import assert_same_tree, tree_state

from agentrt import Conflict, Runtime, UnknownOperation, UsageError

NAMES = st.sampled_from(["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "new\nline", "-x", "sp ace"])
LOOK = (
    "find . -mindepth 1 -printf '%y %m %p %l\\0' | sort -z; find . -type f -print0 | sort -z | xargs -0r sha256sum -z"
)


def quoted(name: str) -> str:
    return "'./" + name + "'"


def commands() -> st.SearchStrategy[str]:
    """Commands that may well fail half-way: what they did until then counts, here as there."""
    one = NAMES.map(quoted)
    return st.one_of(
        st.tuples(one, st.integers(0, 9)).map(lambda t: f"echo {t[1]} > {t[0]}"),
        st.tuples(one, st.integers(0, 9)).map(lambda t: f"echo {t[1]} >> {t[0]}"),
        one.map(lambda p: f"mkdir -p {p}"),
        one.map(lambda p: f"rm -rf {p}"),
        st.tuples(one, one).map(lambda t: f"mv {t[0]} {t[1]}"),
        # Into itself: how far cp comes hangs on the order in which a folder is read.
        st.tuples(NAMES, NAMES)
        .filter(lambda t: not f"{t[1]}/".startswith(f"{t[0]}/"))
        .map(lambda t: f"cp -a {quoted(t[0])} {quoted(t[1])}"),
        st.tuples(one, one).map(lambda t: f"rm -rf {t[1]}; ln -s {t[0]} {t[1]}"),
        st.tuples(one, one).map(lambda t: f"ln -f {t[0]} {t[1]}"),
        st.tuples(one, st.sampled_from(["600", "644", "755", "u+x"])).map(
            lambda t: f"[ -d {t[0]} ] || chmod {t[1]} {t[0]}"
        ),
        st.just("rm -rf d; mkdir d; echo again > d/b"),
        st.just("find . -mindepth 1 -not -path './user*' -delete"),
        st.just("true"),
    )


class Machine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="agentrt-machine-"))
        self.state = os.environ.get("XDG_STATE_HOME")
        os.environ["XDG_STATE_HOME"] = str(self.folder / "state")
        self.real = self.folder / "real"
        (self.real / "d/e").mkdir(parents=True)
        for name in ("a", "d/a", "d/b", "d/e/a"):
            (self.real / name).write_text(name)
        (self.real / "user").mkdir()
        self.runner = asyncio.Runner()
        self.runtime = self.runner.run(self.open())
        self.copies: dict[int, tuple[Path, Path]] = {}
        self.done: list[int] = []
        self.undone: list[int] = []
        self.before: dict[int, int] = {}
        self.work: list[int] = []
        self.now = self.copy(0, self.real, self.real)

    async def open(self) -> Runtime:
        return await Runtime.open(self.real, policy={"limits": {"files_deleted": 10_000}})

    def copy(self, op: int, view: Path, real: Path) -> int:
        """Remember both trees as those after ``op``; the user's own folder is the user's, always."""
        kept = self.folder / f"after{op}"
        for name, source in (("view", view), ("real", real)):
            shutil.copytree(source, kept / name, symlinks=True, copy_function=_copy)
        self.copies[op] = (kept / "view", kept / "real")
        return op

    def new_work(self, op: int, view: Path, real: Path) -> None:
        self.before[op] = self.now
        self.done.append(op)
        self.undone.clear()
        self.now = self.copy(op, view, real)

    @rule(command=commands())
    def act(self, command: str) -> None:
        operation = self.runner.run(self.runtime.act("bash", command=command))
        assert operation.status == "settled", operation.observation
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            view = Path(folder, "tree")
            shutil.copytree(self.copies[self.now][0], view, symlinks=True, copy_function=_copy)
            done = subprocess.run(["bash", "-c", command], cwd=view, capture_output=True, check=False)
            assert operation.observation is not None
            assert operation.observation.exit_code == done.returncode, (command, operation.observation, done)
            self.new_work(operation.id, view, self.copies[self.now][1])
            self.work.append(operation.id)

    @rule(command=commands())
    def verify(self, command: str) -> None:
        operation = self.runner.run(self.runtime.verify("bash", command=command))
        assert (operation.status, operation.effects) == ("settled", ()), operation.observation
        self.now = self.copy(operation.id, *self.copies[self.now])

    @precondition(lambda self: self.done)
    @rule(n=st.integers(1, 3))
    def undo(self, n: int) -> None:
        if n > len(self.done):
            with pytest.raises(UnknownOperation):
                self.runner.run(self.runtime.undo(n))
            return
        self.runner.run(self.runtime.undo(n))
        for _ in range(n):
            self.undone.append(self.done.pop())
        self.now = self.before[self.undone[-1]]

    @precondition(lambda self: self.undone)
    @rule()
    def redo(self) -> None:
        self.runner.run(self.runtime.redo())
        self.done.append(self.undone.pop())
        self.now = self.done[-1]

    @rule(choice=st.integers(0, 1000))
    def restore(self, choice: int) -> None:
        ops = sorted(self.copies)
        target = ops[choice % len(ops)]
        operation = self.runner.run(self.runtime.restore(target))
        self.new_work(operation.id, *self.copies[target])

    @precondition(lambda self: self.work)
    @rule(choice=st.integers(0, 1000))
    def revert(self, choice: int) -> None:
        op = self.work[-1 - choice % len(self.work)]
        try:
            preview = self.runner.run(self.runtime.preview_revert(op))
        except UsageError:
            return  # it changed nothing, is applied, or not in the view
        before, after, now = (_states(self.copies[n][0]) for n in (self.before[op], op, self.now))
        if preview.conflicts:
            assert now != after, "untouched since is no conflict"
            with pytest.raises(Conflict):
                self.runner.run(self.runtime.revert(op))
            return
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            view = Path(folder, "tree")
            shutil.copytree(self.copies[self.now][0], view, symlinks=True, copy_function=_copy)
            merged = _take_out(view, self.copies[self.before[op]][0], before, after, now)
            if not preview.effects:
                assert merged or _states(view) == now
                with pytest.raises(UsageError):
                    self.runner.run(self.runtime.revert(op))
                return
            operation = self.runner.run(self.runtime.revert(op))
            for path in merged:
                with self.runner.run(self.runtime.read_at(operation.id, path)) as file:
                    (view / path).write_bytes(file.read())
            self.new_work(operation.id, view, self.copies[self.now][1])
            self.work.append(operation.id)

    @rule()
    def apply(self) -> None:
        view, _ = self.copies[self.now]
        operation = self.runner.run(self.runtime.apply())
        if operation is not None:
            self.new_work(operation.id, view, view)

    @rule(name=st.sampled_from(["one", "two"]), text=st.text(st.characters(codec="utf-8"), max_size=5))
    def user_writes(self, name: str, text: str) -> None:
        """Between actions the user edits what no operation touches: it is seen at once and never lost."""
        (self.real / "user" / name).write_text(text)
        for view, real in self.copies.values():
            for side in (view, real):
                (side / "user" / name).write_text(text)

    @rule()
    def reopen(self) -> None:
        self.runner.run(self.runtime.close())
        self.runtime = self.runner.run(self.open())

    @invariant()
    def the_trees_are_the_model(self) -> None:
        view, real = self.copies[self.now]
        assert_same_tree(_plain(self.real), _plain(real))
        assert self.seen() == _look(view), self.runtime.view

    def seen(self) -> bytes:
        """What a process in the sandbox sees, by looking; not by our own reading of layers."""

        async def look() -> bytes:
            printed = bytearray()
            await self.runtime.sandbox.begin("look")
            await self.runtime.sandbox.exec(["bash", "-c", LOOK], on_output=printed.extend)
            await self.runtime.sandbox.discard()
            return bytes(printed)

        return self.runner.run(look())

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.runtime.close())
            self.runner.close()
            shutil.rmtree(self.folder)
            os.environ.pop("XDG_STATE_HOME")
            if self.state is not None:
                os.environ["XDG_STATE_HOME"] = self.state


State = tuple[int, bytes]
"""Type and mode; content or target."""


def _states(folder: Path) -> dict[str, State]:
    found: dict[str, State] = {}
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        content = b""
        if stat.S_ISLNK(mode):
            content = os.fsencode(os.readlink(path))
        elif stat.S_ISREG(mode):
            content = path.read_bytes()
        found[str(path.relative_to(folder))] = mode, content
    return found


def _take_out(
    view: Path, old: Path, before: dict[str, State], after: dict[str, State], now: dict[str, State]
) -> list[str]:
    """Turn ``view`` back where it is still as ``after``; the files that were changed since, whose content is merged."""
    changed = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    alike = [p for p in changed if now.get(p) == after.get(p)]
    merged = [p for p in changed if now.get(p) not in (before.get(p), after.get(p))]
    for path in reversed(alike):
        if path in after and not (stat.S_ISDIR(after[path][0]) and path in before and stat.S_ISDIR(before[path][0])):
            if not stat.S_ISDIR(after[path][0]):
                (view / path).unlink()
            elif not any((view / path).iterdir()):
                (view / path).rmdir()
    for path in alike:
        if path in before and stat.S_ISDIR(before[path][0]):
            (view / path).mkdir(exist_ok=True)
            (view / path).chmod(stat.S_IMODE(before[path][0]))
        elif path in before:
            _copy(str(old / path), str(view / path))
    for path in merged:
        modes = {now[path][0], before[path][0]} - {after[path][0]}
        assert len(modes) <= 1 and all(stat.S_ISREG(side[path][0]) for side in (before, after, now)), path
        (view / path).chmod(stat.S_IMODE(modes.pop() if modes else now[path][0]))
    return merged


def _copy(source: str, target: str) -> None:
    shutil.copy2(source, target, follow_symlinks=False)


def _look(folder: Path) -> bytes:
    return subprocess.run(["bash", "-c", LOOK], cwd=folder, capture_output=True, check=True).stdout


def _plain(folder: Path) -> dict[bytes, object]:
    """Without times, and without hard links, which ``copytree`` does not keep."""
    state = tree_state(folder, mtimes=False)
    return {path: entry._replace(names=(), mtime_ns=None) for path, entry in state.items()}


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
