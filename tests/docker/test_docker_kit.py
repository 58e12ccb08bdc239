"""The docker sandbox keeps to the contract: every check of the kit, the state matrix among them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agentrt.contracts import Confinement, Sandbox
from agentrt.sandboxes.docker import open_sandbox
from agentrt.testing.sandbox_kit import Open, check_planted, sandbox_checks


def open_docker(workspace: Path, store: Path, confinement: Confinement | None = None) -> Sandbox:
    options = {"image": "agentrt-test:1"}
    return open_sandbox(
        options, workspace=workspace, store=store, confinement=confinement or Confinement(), folder=workspace
    )


@pytest.mark.parametrize(("name", "run"), [pytest.param(*each, id=each[0]) for each in sandbox_checks()])
def test_docker(engine: Any, name: str, run: Callable[[Open], Awaitable[None]]) -> None:
    asyncio.run(run(open_docker))


def test_docker_planted(engine: Any) -> None:
    asyncio.run(check_planted(open_docker))
