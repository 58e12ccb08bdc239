"""A sandbox to be a stranger in."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentrt.contracts import Confinement, ExecResult
from agentrt.records import Limits, Snapshot
from agentrt.sandboxes.local import LocalSandbox

Inside = Callable[..., tuple[ExecResult, str]]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return workspace


@pytest.fixture
def inside(workspace: Path, tmp_path: Path) -> Inside:
    """Runs argv in a fresh sandbox and gives its result and all it printed."""

    async def scenario(argv: tuple[str, ...], where: Path, store: Path) -> tuple[ExecResult, str]:
        sandbox = LocalSandbox(workspace=where, store=store, confinement=Confinement())
        await sandbox.start(Snapshot())
        try:
            await sandbox.begin("s1.1")
            printed = bytearray()
            result = await sandbox.exec(argv, limits=Limits(seconds=20), on_output=printed.extend)
            return result, printed.decode(errors="surrogateescape")
        finally:
            await sandbox.close()

    def run(*argv: str, where: Path = workspace, store: Path = tmp_path / "store") -> tuple[ExecResult, str]:
        return asyncio.run(scenario(argv, where, store))

    return run


@pytest.fixture(autouse=True)
def plain_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's programs first: what a developer has installed is not what these tests are about."""
    monkeypatch.setenv("PATH", f"/usr/bin:/bin:{os.path.dirname(sys.executable)}")
