"""The local sandbox keeps to the contract: every check of the kit, the state matrix among them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agentrt.contracts import Confinement
from agentrt.errors import SandboxUnavailable
from agentrt.sandboxes.local import LocalSandbox
from agentrt.testing.sandbox_kit import Open, check_planted, check_sandbox, sandbox_checks


def open_local(workspace: Path, store: Path) -> LocalSandbox:
    return LocalSandbox(workspace=workspace, store=store, confinement=Confinement())


@pytest.mark.parametrize(("name", "run"), [pytest.param(*each, id=each[0]) for each in sandbox_checks()])
def test_local(name: str, run: Callable[[Open], Awaitable[None]]) -> None:
    asyncio.run(run(open_local))


def test_local_planted() -> None:
    def open_confined(workspace: Path, store: Path, confinement: Confinement) -> LocalSandbox:
        return LocalSandbox(workspace=workspace, store=store, confinement=confinement)

    asyncio.run(check_planted(open_confined))


def test_a_sandbox_that_does_not_keep_to_it_is_told_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    def open_nothing(workspace: Path, store: Path) -> LocalSandbox:
        raise SandboxUnavailable("none here")

    with pytest.raises(AssertionError, match=r"exec: exit codes: SandboxUnavailable: none here"):
        asyncio.run(check_sandbox(open_nothing))
    assert capsys.readouterr().out.count("FAILED") == len(sandbox_checks()) > 100
