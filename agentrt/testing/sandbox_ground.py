"""What every check of a sandbox stands on: a little workspace, a store, and a few verbs.

A check is an async function of one ``Ground``, registered by ``@check`` under its name in words.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agentrt.contracts import ExecResult, Sandbox
from agentrt.records import FileEffect, Limits, Snapshot

from .trees import Tree, differences, parse_view, tree_state, view_command

Open = Callable[[Path, Path], Sandbox]
"""Opens the sandbox under test: workspace, store for layers."""

PROJECT = """
    printf 'read me\\n' > README; printf '*.log\\nbuild/\\n' > .gitignore; printf 'ignored\\n' > debug.log
    mkdir -p src/lib docs build; printf 'print(1)\\n' > src/main.py; chmod 755 src/main.py
    printf 'x = 1\\n' > src/lib/util.py; ln -s ../README docs/link; printf 'made\\n' > build/out; mkdir empty
    find . -exec touch -h -d '2024-02-03 04:05:06.123456789' {} +
"""
"""What every workspace starts with."""

_PLACES = ("~", "/tmp", "/var/tmp")


class Ground:
    """A workspace, a store and a sandbox that stands on nothing yet."""

    def __init__(self, folder: Path, open: Open, *, workspace: Path | None = None) -> None:
        self.workspace = workspace or folder / "workspace"
        self.store = folder / "store"
        self.store.mkdir(0o700)
        self.workspace.mkdir(parents=True, exist_ok=True)
        self._open, self._opened, self._names = open, list[Sandbox](), 0
        self.host(PROJECT)
        self.sandbox = self.open()

    def open(self) -> Sandbox:
        """Another sandbox on the same workspace and store; closed at the end."""
        sandbox = self._open(self.workspace, self.store)
        self._opened.append(sandbox)
        return sandbox

    def host(self, script: str) -> None:
        """What the user does in the real workspace, without the sandbox."""
        subprocess.run(["bash", "-euc", script], cwd=self.workspace, check=True, capture_output=True)
        self.real = tree_state(self.workspace)

    def name(self) -> str:
        self._names += 1
        return f"s1.{self._names}"

    async def run(
        self,
        *argv: str,
        on: Sandbox | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        seconds: float = 60.0,
    ) -> tuple[ExecResult, bytes]:
        """One command, its result and all it printed."""
        printed = bytearray()
        result = await (on or self.sandbox).exec(
            argv, cwd=cwd, env=env, stdin=stdin, limits=Limits(seconds=seconds), on_output=printed.extend
        )
        return result, bytes(printed)

    async def bash(self, script: str, *, on: Sandbox | None = None) -> bytes:
        """A bash script that must succeed; what it printed."""
        result, printed = await self.run("bash", "-euc", script, on=on)
        assert result.exit_code == 0, f"exit code {result.exit_code}: {printed.decode(errors='replace')}\n{script}"
        return printed

    async def act(self, script: str, *, on: Sandbox | None = None) -> Snapshot:
        """One whole action: a layer with what the script does."""
        sandbox = on or self.sandbox
        await sandbox.begin(self.name())
        await self.bash(script, on=sandbox)
        return await sandbox.seal()

    async def look(self, *, on: Sandbox | None = None) -> Tree:
        """What processes inside see now, of the workspace, the home and the temporary folders.

        Two things are not asked of a sandbox: that the names of one file stay names of one file, and that the home and
        the temporary folders themselves have the times they had.
        """
        sandbox = on or self.sandbox
        result, printed = await self.run(*view_command(sandbox.workspace, *_PLACES), on=sandbox)
        assert result.exit_code == 0, printed.decode(errors="replace")
        tree = {path: node._replace(same_as="") for path, node in parse_view(printed).items()}
        return tree | {top: tree[top]._replace(mtime_ns=0) for top in tree if top.endswith(b"/.")}

    async def view(self, *, on: Sandbox | None = None) -> Tree:
        """The same, as an action of its own that leaves nothing."""
        sandbox = on or self.sandbox
        await sandbox.begin(self.name())
        tree = await self.look(on=sandbox)
        await sandbox.discard()
        return tree

    async def home(self) -> str:
        await self.sandbox.begin(self.name())
        home = os.fsdecode(await self.bash('printf %s "$HOME"'))
        await self.sandbox.discard()
        return home

    async def changed(self, a: Snapshot, b: Snapshot) -> list[tuple[str, str]]:
        return [(effect.path, effect.change) for effect in await self.sandbox.changes(a, b)]

    async def close(self) -> None:
        for sandbox in self._opened:
            await sandbox.close()


@asynccontextmanager
async def ground(open: Open, *, workspace: Path | None = None) -> AsyncIterator[Ground]:
    """Raises ``AssertionError`` at the end if the real workspace was touched."""
    folder = Path(tempfile.mkdtemp(prefix="agentrt-kit-"))
    try:
        made = Ground(folder, open, workspace=workspace)
        try:
            await made.sandbox.start(Snapshot())
            yield made
        finally:
            await made.close()
        same_tree(made.real, tree_state(made.workspace), "the real workspace was touched")
    finally:
        _remove(folder)


Check = Callable[[Ground], Awaitable[None]]
CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Register a check under its name."""

    def register(function: Check) -> Check:
        assert name not in CHECKS, f"two checks are called {name!r}"
        CHECKS[name] = function
        return function

    return register


def same_tree(expected: Tree, found: Tree, what: str, *, mtimes: bool = True) -> None:
    wrong = differences(expected, found, mtimes=mtimes)
    assert not wrong, what + ":\n  " + "\n  ".join(wrong[:20])


def refused(error: OSError, *numbers: int) -> None:
    assert error.errno in numbers, f"errno {error.errno} ({error}), not one of {numbers}"


def plain(effect: FileEffect) -> dict[str, Any]:
    """An effect without what means nothing across layers."""
    data = effect.to_dict()
    for side in ("before", "after"):
        if data[side] is not None:
            del data[side]["inode"]
    return data


def _remove(folder: Path) -> None:
    for around, folders, _ in os.walk(folder):
        for name in folders:
            path = os.path.join(around, name)
            if stat.S_ISDIR(os.lstat(path).st_mode):
                os.chmod(path, 0o700)
    shutil.rmtree(folder)
