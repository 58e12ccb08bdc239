"""A workspace, a state folder of its own, and both sandboxes: the confined one and plain copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentrt.testing import memory_sandbox


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "ws"
    (folder / "src").mkdir(parents=True)
    (folder / "a.txt").write_text("one\n")
    (folder / "src/b.py").write_text("b = 1\n")
    return folder


@pytest.fixture(params=["memory", "local"])
def box(request: pytest.FixtureRequest) -> Any:
    return memory_sandbox.open_sandbox if request.param == "memory" else "local"
