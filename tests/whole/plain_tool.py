"""A tool that changes files without starting a process, and a look at views without one.

For the sandbox of plain copies only: its workspace is a folder of this machine.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from plain_trees import FOLDER, Tree, above, link, text

from agentrt.contracts import Sandbox, World
from agentrt.inside import Seen
from agentrt.records import Action, Observation, Snapshot
from agentrt.testing.memory_trees import scan

ENTRY = "[agentrt.tools]\nchange = plain_tool:ChangeTool\n"

Step = tuple[str, str, str]
"""What to do, with which path, and with what: a content, a mode, a target, or the new name."""


class Change(Action):
    kind: Literal["change"] = "change"
    steps: tuple[Step, ...]


class ChangeTool:
    name = "change"
    description = "Several changes of files at once."
    action: type[Action] = Change

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Change)
        for step in action.steps:
            carry_out(world.workspace, step)
        return Observation()

    def show(self, action: Action) -> str:
        return str(action)

    def reads(self, action: Action) -> Sequence[str]:
        return ()


def carry_out(root: Path | str, step: Step) -> None:
    what, path, value = step[0], os.path.join(root, step[1]), step[2]
    if what == "write":
        _write(path, value)
    elif what == "mkdir":  # in the place of what is no folder
        if os.path.lexists(path):
            os.unlink(path)
        os.mkdir(path)
        os.chmod(path, 0o755)
    elif what == "chmod":
        os.chmod(path, int(value, 8))
    elif what == "link":
        os.symlink(value, path)
    elif what == "move":
        os.rename(path, os.path.join(root, value))
    elif os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _write(path: str, content: str) -> None:
    new = not os.path.exists(path)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(content)
    if new:
        os.chmod(path, 0o644)


def done(tree: Tree, step: Step) -> Tree:
    """The same in a plain tree."""
    what, path, value = step
    there = {inner: node for inner, node in tree.items() if path in (inner, *above(inner))}
    if what == "write":
        return {**tree, path: text(value, tree[path].mode if path in tree else 0o644)}
    if what == "mkdir":
        return {**tree, path: FOLDER}
    if what == "chmod":
        return {**tree, path: tree[path]._replace(mode=int(value, 8))}
    if what == "link":
        return {**tree, path: link(value)}
    moved = {value + inner[len(path) :]: node for inner, node in there.items()} if what == "move" else {}
    return {**{inner: node for inner, node in tree.items() if inner not in there}, **moved}


def install(folder: Path) -> None:
    """Make a distribution there that has the tool; it is found where ``folder`` is on ``sys.path``."""
    package = folder / "plain_tool-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: plain-tool\nVersion: 1\n")
    (package / "entry_points.txt").write_text(ENTRY)


class PlainInside:
    """For ``agentrt.inside.Inside``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def look(self, snapshot: Snapshot, paths: Iterable[str]) -> Seen:
        await self._sandbox.restore(snapshot)
        await self._sandbox.begin("look")
        try:
            tree = scan(Path(self._sandbox.workspace))
        finally:
            await self._sandbox.discard()
        return Seen({path: tree[path][0] if path in tree else None for path in paths}, set())
