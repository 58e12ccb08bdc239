"""A workspace, and packs whose services are on this machine."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from github_ground import GitHub
from services import ALL, Service

from agentrt import Runtime
from agentrt.records import Secret
from agentrt.secrets import store as secret_store
from agentrt.testing import memory_sandbox
from agentrt.tools import apis
from agentrt.tools.apis import OURS

BEFORE: dict[str, Any] = {
    "discord": {"110000000000000001": {"id": "110000000000000001", "content": "ho", "edited_timestamp": None}},
    "dropbox": {"/a": {".tag": "folder", "name": "a", "path_display": "/a"}},
}


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


@pytest.fixture
def opened(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[Any, ...]]]:
    """A session that may ask some services, with no budget for what cannot be taken back; and these."""
    services: list[Service] = []

    def opened(*names: str) -> tuple[Any, ...]:
        (folder := tmp_path / "config/agentrt/apis").mkdir(parents=True, exist_ok=True)
        held = []
        for name in names:
            service = ALL[name]()
            service.state |= copy.deepcopy(BEFORE.get(name, {}))
            service.number()
            services.append(service)
            pack = apis.load(OURS / f"{name}.yaml")
            assert pack.auth is not None
            held.append(Secret(name=pack.auth.secret, value=f"s3cret-{name}", hosts=("127.0.0.1",)))
            (folder / f"{name}.yaml").write_text((OURS / f"{name}.yaml").read_text().replace(pack.base, service.url))
        monkeypatch.setattr(secret_store, "load", lambda names: held)
        ports = [service.port for service in services]
        rules = {
            "network": [{"hosts": ["127.0.0.1"], "ports": ports, "private": True}],
            "secrets": [one.name for one in held],
        }
        return Runtime.open(workspace, policy=rules, sandbox=memory_sandbox.open_sandbox), *services

    yield opened
    for service in services:
        service.close()
