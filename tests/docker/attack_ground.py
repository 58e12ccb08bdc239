"""A docker sandbox with a little workspace, and an action that is undone and compared."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agentrt.contracts import Confinement, ExecResult
from agentrt.records import Limits, Snapshot
from agentrt.sandboxes.docker import open_sandbox
from agentrt.testing.trees import Tree, differences, parse_view, tree_state, view_command

PROJECT = "mkdir real other; echo r > real/f; echo x > other/x; ln -s other sub; echo a > kept; ln -s /etc etc"


class Hostile:
    def __init__(self, folder: Path, confinement: Confinement, options: dict[str, Any]) -> None:
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        subprocess.run(["bash", "-euc", PROJECT], cwd=self.workspace, check=True)
        self.sandbox = open_sandbox(
            {"image": "agentrt-test:1", **options},
            workspace=self.workspace,
            store=folder / "store",
            confinement=confinement,
            folder=folder,
        )
        self.at, self._acts = Snapshot(), 0

    async def begin(self) -> None:
        self._acts += 1
        await self.sandbox.begin(f"s1.{self._acts}")

    async def bash(self, script: str, *, limits: Limits | None = None) -> tuple[ExecResult, str]:
        return await self.run(["bash", "-c", script], limits)

    async def act(self, script: str, *, limits: Limits | None = None) -> str:
        """A sealed action; what it printed."""
        await self.begin()
        _, printed = await self.bash(script, limits=limits)
        self.at = await self.sandbox.seal()
        return printed

    async def changed(self, since: Snapshot) -> set[tuple[str, str]]:
        return {(effect.path, effect.change) for effect in await self.sandbox.changes(since, self.at)}

    async def tree(self) -> Tree:
        """As processes inside see it; the tops of home and temporary folder have times of their own."""
        await self.begin()
        result, printed = await self.run(view_command(os.fspath(self.workspace), "~", "/var/tmp"))
        assert result.exit_code == 0, printed
        await self.sandbox.discard()
        tree = parse_view(os.fsencode(printed))
        return {path: node._replace(mtime_ns=0) if path.endswith(b"/.") else node for path, node in tree.items()}

    async def undo(self, to: Snapshot) -> None:
        await self.sandbox.restore(to)
        self.at = to

    async def undone(self, script: str, *, limits: Limits | None = None) -> tuple[str, set[tuple[str, str]]]:
        """Act, undo, compare; what was printed and measured."""
        before, at = await self.tree(), self.at
        printed = await self.act(script, limits=limits)
        changed = await self.changed(at)
        await self.undo(at)
        wrong = differences(before, await self.tree())
        assert not wrong, "\n".join([script, *wrong[:10]])
        assert await self.act("echo alive") == "alive\n"
        return printed, changed

    async def run(self, argv: list[str], limits: Limits | None = None) -> tuple[ExecResult, str]:
        printed = bytearray()
        result = await self.sandbox.exec(argv, limits=limits or Limits(seconds=30), on_output=printed.extend)
        return result, os.fsdecode(bytes(printed))


@asynccontextmanager
async def hostile(folder: Path, *, confinement: Confinement | None = None, **options: Any) -> AsyncIterator[Hostile]:
    """Raises ``AssertionError`` at the end if the real workspace was touched."""
    made = Hostile(folder, confinement or Confinement(), options)
    real = tree_state(made.workspace)
    await made.sandbox.start(made.at)
    try:
        yield made
    finally:
        await made.sandbox.close()
    assert not differences(real, tree_state(made.workspace))
