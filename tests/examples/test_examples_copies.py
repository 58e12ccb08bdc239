"""The example of a sandbox of one's own keeps to the contract, in the few lines it promises."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agentrt.contracts import Confinement, Sandbox
from agentrt.testing.sandbox_kit import Open, sandbox_checks
from examples.copies_sandbox import open_sandbox


def open_copies(workspace: Path, store: Path) -> Sandbox:
    return open_sandbox({}, workspace=workspace, store=store, confinement=Confinement())


@pytest.mark.parametrize(("name", "run"), [pytest.param(*each, id=each[0]) for each in sandbox_checks()])
def test_copies(name: str, run: Callable[[Open], Awaitable[None]]) -> None:
    asyncio.run(run(open_copies))
