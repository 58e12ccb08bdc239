"""How many examples Hypothesis tries: few in every run, and the same ones, so that what makes a test fail is what was
changed; many with ``make fuzz``, and others each time.

After a test every session that it built is put through verify-undo, before its folder goes away.
``@pytest.mark.damages_the_store`` is for tests that damage on purpose what is kept for undo, and for no others.

No test reaches beyond loopback: ``guard`` has the how.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import guard
import pytest
from hypothesis import settings

from agentrt import Runtime
from agentrt.history.journal import Journal
from agentrt.testing import memory_sandbox

# Under nohup, and in the background of a script, they are ignored, also by the commands that tests start and interrupt.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("few", max_examples=40, derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=2000, deadline=None)
settings.load_profile("few")

guard.watch()

# No container engine is there but for tests/docker, which asks for this machine's: the outcome of no other test hangs on
# whether there is one. (This runs in each process of the tests, and the first to do so knows.)
os.environ.setdefault("AGENTRT_TEST_DOCKER_HOST", os.environ.get("DOCKER_HOST", ""))
os.environ["DOCKER_HOST"] = "unix:///nonexistent/engine.sock"

_WHERE = frozenset({"core", "cli", "whole"})
"""Folders whose tests build sessions by the public surface."""
_DEPTHS = ("", "*/", "*/*/")


@pytest.fixture
def anyio_backend() -> str:
    """What tests that are coroutines run on."""
    return "asyncio"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, Any, Any]:
    guard.reached.clear()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    """Fails a test that reached beyond loopback, also where it took the error for a network that is down."""
    outcome = yield
    if guard.reached:
        pytest.fail("; ".join(guard.reached), pytrace=False)
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Raises ``AssertionError`` where a view of a session is not what was recorded. Fixtures are gone by now."""
    yield
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if folder is None or item.path.parent.name not in _WHERE or item.get_closest_marker("damages_the_store"):
        return
    for depth in _DEPTHS:
        for journal in sorted(folder.glob(f"{depth}agentrt/workspaces/*/journal.db")):
            _verify_store(journal.parent)


def _verify_store(store: Path) -> None:
    workspace, layers = Path(os.fsdecode((store / "workspace").read_bytes())), store / "layers"
    if not workspace.is_dir() or not any(not path.name.startswith(".") for path in layers.iterdir()):
        return  # nothing to come back to
    box: Any = memory_sandbox.open_sandbox if any(layers.glob("*/effects.json")) else "local"
    with Journal.open(store / "journal.db", read_only=True) as journal:
        sessions = [session.id for session in journal.sessions()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(store.parents[2]))
        for session in sessions:
            asyncio.run(_verify(workspace, box, session))


async def _verify(workspace: Path, box: Any, session: str) -> None:
    async with Runtime.open(workspace, sandbox=box, session=session) as runtime:
        found = await runtime.verify_undo()
    assert found.ok, [view.to_dict() for view in found.views if not view.ok]
