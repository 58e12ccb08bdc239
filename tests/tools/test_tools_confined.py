"""The same tools in the local sandbox: what they need is to be found there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from agentrt.contracts import Confinement, Tool
from agentrt.plugins import find
from agentrt.records import Limits, Observation, Snapshot
from agentrt.sandboxes.local import open_sandbox
from agentrt.world import ActionWorld


class _Confined:
    def __init__(self, sandbox: Any, store: Path) -> None:
        self._sandbox, self._store, self._count = sandbox, store, 0

    async def act(self, kind: str, **fields: Any) -> Observation:
        self._count += 1
        name = f"s1.{self._count}"
        tool: Tool = find("agentrt.tools", kind)()
        await self._sandbox.begin(name)
        output = self._store / "outputs" / name
        world = ActionWorld(self._sandbox, Limits(), operation=self._count, output=output, on_output=None)
        seen = await tool.run(tool.action.from_dict({"kind": kind, **fields}), world)
        await self._sandbox.seal()
        return seen


@asynccontextmanager
async def _confined(tmp_path: Path) -> AsyncIterator[_Confined]:
    for name in ("work", "store"):
        (tmp_path / name).mkdir()
    sandbox = open_sandbox(
        {}, workspace=tmp_path / "work", store=tmp_path / "store", confinement=Confinement(), folder=tmp_path
    )
    await sandbox.start(Snapshot())
    try:
        yield _Confined(sandbox, tmp_path)
    finally:
        await sandbox.close()


def test_each_tool_works_confined(tmp_path: Path) -> None:
    async def main() -> None:
        async with _confined(tmp_path) as world:
            assert (await world.act("write", path="src/a.py", content="value = 1\n")).output.startswith("wrote")
            assert (await world.act("search", pattern="value")).output == "src/a.py:1: value = 1\n[1 line matches]"
            assert (await world.act("read", path="src/b.py")).error == (
                "src/b.py does not exist; did you mean src/a.py?"
            )
            move = ["*** Update File: src/a.py", "*** Move to: lib/b.py", "-value = 1", "+value = 2"]
            patch = ["*** Begin Patch", *move, "*** End Patch"]
            assert (await world.act("edit", patch="\n".join(patch))).error is None
            assert (await world.act("bash", command="cat lib/b.py; ls src")).output == "value = 2\n"
            for args in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
                assert (await world.act("git", args=args)).exit_code == 0
            assert (await world.act("git", args=["log", "--format=%an %s"])).output == "agentrt x\n"
        assert not any((tmp_path / "work").iterdir()), "the real workspace is as it was"

    anyio.run(main)
