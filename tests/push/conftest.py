"""A user's repository, the remote it came from, and a runtime over it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from push_ground import Ground, git

from agentrt import sync
from agentrt.sync import Runtime
from agentrt.testing import memory_sandbox


class Opened(Ground):
    def __init__(self, path: Path, far: Path) -> None:
        super().__init__(path, far)
        self.policy: Any = "default"

    @contextmanager
    def open(self, box: Any = memory_sandbox.open_sandbox) -> Iterator[Runtime]:
        with sync.Runtime.open(self.path, sandbox=box, policy=self.policy) as runtime:
            yield runtime


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    path, far = tmp_path / "ws", tmp_path / "far.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(far))
    git(tmp_path, "init", "-q", "-b", "main", str(path))
    (path / "a.txt").write_text("one\n")
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "first")
    git(path, "remote", "add", "origin", str(far))
    git(path, "push", "-q", "origin", "main")
    return Opened(path, far)
