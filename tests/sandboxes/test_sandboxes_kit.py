"""The local sandbox keeps to the contract: every check of the kit, the state matrix among them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agentrt.contracts import Confinement
from agentrt.sandboxes.local import LocalSandbox
from agentrt.testing.sandbox_kit import Open, sandbox_checks


def open_local(workspace: Path, store: Path) -> LocalSandbox:
    return LocalSandbox(workspace=workspace, store=store, confinement=Confinement())


@pytest.mark.parametrize(("name", "run"), [pytest.param(*each, id=each[0]) for each in sandbox_checks()])
def test_local(name: str, run: Callable[[Open], Awaitable[None]]) -> None:
    asyncio.run(run(open_local))
