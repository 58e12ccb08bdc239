"""A workspace and its store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentrt.history.store import Store, create, locate


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("AGENTRT_SANDBOX", raising=False)
    folder = tmp_path / "ws"
    folder.mkdir()
    (folder / "a.txt").write_text("one\n")
    return folder


@pytest.fixture
def store(workspace: Path) -> Store:
    found = locate(workspace)
    create(found)
    return found


@pytest.fixture
def processes() -> Iterator[list[int]]:
    """Ids of hosts that tests start: they are ended after it."""
    found: list[int] = []
    yield found
    for pid in found:
        try:
            os.kill(pid, 15)
        except ProcessLookupError:
            continue
