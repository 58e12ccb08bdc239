"""A workspace, and packs whose services are on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from github_ground import GitHub

from agentrt.tools.apis import OURS


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (folder := tmp_path / "ws").mkdir()
    return folder


@pytest.fixture
def github(workspace: Path, tmp_path: Path) -> Iterator[GitHub]:
    """The pack that is shipped, at another address."""
    one = GitHub()
    (tmp_path / "config/agentrt/apis").mkdir(parents=True)
    pack = (OURS / "github.yaml").read_text().replace("https://api.github.com", one.url)
    (tmp_path / "config/agentrt/apis/github.yaml").write_text(pack)
    yield one
    one.close()
