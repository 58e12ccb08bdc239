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

MESSAGE = "110000000000000001"
TOPIC = {"value": "before", "creator": "U1", "last_set": 1}
BEFORE: dict[str, Any] = {
    "discord": {
        MESSAGE: {"id": MESSAGE, "content": "ho", "edited_timestamp": None, "reactions": [{"emoji": {"id": None, "name": "👀"}, "count": 1, "me": True}]},
        "8": {"id": "8", "name": "general", "topic": None},
    },
    "dropbox": {
        "/a": {".tag": "folder", "name": "a", "path_display": "/a"},
        "/a.txt": {".tag": "file", "name": "a.txt", "path_display": "/a.txt", "rev": "r0", "server_modified": 0, "size": 3},
    },
    "github": {
        "issues/1": {"number": 1, "title": "one", "body": None, "state": "open", "labels": [{"name": "bug"}], "updated_at": 0},
        "issues/comments/50": {"id": 50, "body": "first", "updated_at": 0},
        "milestones/40": {"number": 40, "title": "1.0", "description": None, "state": "open", "updated_at": 0},
        "pulls/30": {"number": 30, "title": "three", "state": "open", "updated_at": 0},
        "actions/variables/LEVEL": {"name": "LEVEL", "value": "1", "updated_at": 0},
        "files": {},
    },
    "gmail": {"r1": {"id": "r1", "message": {"id": "dr1", "raw": "eA"}}},
    "slack": {
        "1600000000.000001": {"type": "message", "text": "ho", "ts": "1600000000.000001", "reactions": [{"name": "eyes", "users": ["U1"], "count": 1}]},
        "C2": {"id": "C2", "name": "general", "is_archived": False, "topic": TOPIC, "purpose": TOPIC},
        "pins": [],
    },
    "spotify": {"library": ["spotify:track:kept"], "p0": {"id": "p0", "name": "before"}},
    "stripe": {
        "cus_1": {"id": "cus_1", "object": "customer", "email": "a@example.com", "name": None, "description": None},
        "prod_1": {"id": "prod_1", "object": "product", "name": "thing", "description": "x", "active": True, "updated": 0},
        "sub_1": {"id": "sub_1", "object": "subscription", "status": "active"},
    },
}  # fmt: skip
"""What is there already."""


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
    """A session that may ask some services, with no budget for what cannot be taken back; and these.

    ``empty``: nothing is there but what a service always has."""
    services: list[Service] = []

    def opened(*names: str, empty: bool = False) -> tuple[Any, ...]:
        (folder := tmp_path / "config/agentrt/apis").mkdir(parents=True, exist_ok=True)
        held = []
        for name in names:
            service = ALL[name]()
            if not empty:
                service.state |= copy.deepcopy(BEFORE[name])
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
