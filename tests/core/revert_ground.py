"""What the rows of the revert matrix stand on: the same scripts run in plain copies say what each view must be."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agentrt import Conflict, Operation, Runtime
from agentrt.testing.sandbox_rows import true_effects
from agentrt.testing.trees import Tree, differences, parse_view, tree_state, view_command

BASE = r"""
    seq 40 > f; printf 'u\n' > unrelated; printf '\0\1\2' > bin; printf 'a\r\nb\r\nc\r\nd\r\ne\r\n' > crlf
    printf 'one\ntwo\nthree\nfour\nlast' > noend; mkdir -p dir/sub empty; printf 'x\n' > dir/x; printf 'y\n' > dir/sub/y
    ln -s f link; ln -s dir dirlink; printf '*.log\n' > .gitignore; printf 'ignored\n' > old.log; printf '#!\n' > run
    chmod 755 run; mkfifo pipe; printf 'n\n' > "$(printf 'new\nline')"; printf 'l\n' > "$(printf '%0255d' 0)"
    git init -q nested; printf 'seen\n' > nested/file
    find . -exec touch -h -d '2024-02-03 04:05:06.123456789' {} +
"""
_ENVIRONMENT = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
_LIMITS: dict[str, Any] = {"limits": {"files_deleted": 100_000, "files_changed": 100_000}}


class Ground:
    """A workspace that was begun by ``BASE``, a runtime on it, and plain copies of it."""

    def __init__(self, folder: Path, runtime: Runtime, *, confined: bool) -> None:
        self.folder, self.rt, self.confined = folder, runtime, confined
        self.real = tree_state(folder / "ws")

    async def act(self, command: str) -> Operation:
        operation = await self.rt.act("bash", command=command)
        assert operation.status == "settled", operation
        assert operation.observation is not None and operation.observation.exit_code == 0, operation.observation
        return operation

    async def look(self) -> Tree:
        """What processes inside see, by looking. Plain copies have no home of their own, nor times of links."""
        _, *words = view_command(".", *(["~"] if self.confined else []))
        printed = bytearray()
        await self.rt.sandbox.begin("look")
        await self.rt.sandbox.exec([sys.executable, *words], on_output=printed.extend)
        await self.rt.sandbox.discard()
        return {path: node for path, node in parse_view(bytes(printed)).items() if path.split(b"/")[-1] != b"."}

    def plain(self, *commands: str) -> Tree:
        """The workspace (and the home) as these commands alone would leave it."""
        here = self.folder / "plain"
        subprocess.run(["rm", "-rf", here], check=True)
        (here / "home").mkdir(parents=True)
        subprocess.run(["cp", "-a", self.folder / "ws", here / "ws"], check=True)
        for command in commands:
            env = {**_ENVIRONMENT, "HOME": str(here / "home")}
            subprocess.run(["bash", "-c", command], cwd=here / "ws", env=env, check=True, stdout=subprocess.DEVNULL)
        home = {b"/home/agent/" + path: node for path, node in tree_state(here / "home").items()}
        tree = tree_state(here / "ws") | (home if self.confined else {})
        return {path: node for path, node in tree.items() if path.split(b"/")[-1] != b"."}

    async def sees(self, expected: Tree, what: str, *, mtimes: bool = False) -> None:
        wrong = differences(_bare(expected), _bare(await self.look()), mtimes=mtimes and self.confined)
        assert not wrong, f"{what}:\n" + "\n".join(wrong)

    async def reverts(self, *ops: int, expected: Tree, with_dependents: bool = False) -> Operation:
        """The preview promises it and touches nothing, the revert does it, its undo, redo and its own revert work."""
        before, log = await self.look(), self.rt.log()
        preview = await self.rt.preview_revert(*ops, with_dependents=with_dependents)
        assert preview.conflicts == () and self.rt.log() == log
        await self.sees(before, "after a preview", mtimes=True)

        done = await self.rt.revert(*ops, with_dependents=with_dependents)
        assert (done.kind, done.status, done.target) == ("revert", "settled", preview.target)
        await self.sees(expected, "reverted")
        after = await self.look()
        if self.confined:
            true_effects(list(done.effects), before, after)
        assert _untimed(done) == [(e.path, e.change, e.renamed_from) for e in preview.effects]
        assert {self.rt.show(op).review for op in ops} == {"rejected"}

        undone = await self.rt.undo()
        assert undone.target == (done.id,)
        await self.sees(before, "undone", mtimes=True)
        assert {self.rt.show(op).review for op in ops} == {"pending"}

        await self.rt.redo()
        await self.sees(after, "redone", mtimes=True)
        assert {self.rt.show(op).review for op in ops} == {"rejected"}

        await self.rt.revert(done.id)
        await self.sees(before, "the revert reverted")
        await self.rt.undo()
        await self.sees(after, "that undone", mtimes=True)
        assert not differences(self.real, tree_state(self.folder / "ws")), "the real workspace"
        return done

    async def conflicts(self, *ops: int, with_dependents: bool = False) -> dict[str, tuple[int, ...]]:
        """By path, the operations of each conflict; nothing is touched, in the files or in the journal."""
        before, log, view = await self.look(), self.rt.log(), self.rt.view
        preview = await self.rt.preview_revert(*ops, with_dependents=with_dependents)
        try:
            await self.rt.revert(*ops, with_dependents=with_dependents)
        except Conflict as error:
            assert tuple(error.conflicts) == preview.conflicts
        else:
            raise AssertionError("no conflict")
        assert (self.rt.log(), self.rt.view) == (log, view)
        await self.sees(before, "after a conflict", mtimes=True)
        assert not differences(self.real, tree_state(self.folder / "ws")), "the real workspace"
        assert all(conflict.ours and conflict.theirs for conflict in preview.conflicts)
        return {conflict.path: conflict.operations for conflict in preview.conflicts}


def on(workspace: Path, box: Any, work: Callable[[Ground], Awaitable[None]], *, begin: str = "") -> None:
    """``work`` on a fresh ground."""
    subprocess.run(["rm", "-rf", workspace], check=True)
    workspace.mkdir()
    env = {**_ENVIRONMENT, "HOME": str(workspace.parent)}
    subprocess.run(["bash", "-euc", BASE + begin], cwd=workspace, env=env, check=True)

    async def opened() -> None:
        async with Runtime.open(workspace, sandbox=box, policy=_LIMITS) as runtime:
            await work(Ground(workspace.parent, runtime, confined=box == "local"))

    asyncio.run(opened())


def _bare(tree: Tree) -> Tree:
    """Without which names are one file: an overlay breaks hard links, plain copies do not."""
    return {path: node._replace(same_as="") for path, node in tree.items()}


def _untimed(operation: Operation) -> list[tuple[str, str, str | None]]:
    return [(effect.path, effect.change, effect.renamed_from) for effect in operation.effects]
