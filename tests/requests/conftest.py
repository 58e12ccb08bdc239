"""A workspace with a state folder of its own, and a service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_ground import Rest


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "ws"
    folder.mkdir()
    (folder / "a.txt").write_text("one\n")
    return folder


@pytest.fixture(params=[True, False], ids=["etags", "no etags"])
def rest(request: pytest.FixtureRequest) -> Iterator[Rest]:
    one = Rest(etags=request.param)
    yield one
    one.close()
