"""A real repository of a user who has told git nothing, and a runtime over a workspace in it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentrt import sync
from agentrt.sync import Runtime
from agentrt.testing import memory_sandbox


@dataclass
class Repo:
    """The user's, looked at with git itself."""

    path: Path
    box: Any

    def git(self, *words: str | bytes, **how: Any) -> str:
        identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
        done = subprocess.run(["git", *identity, *words], cwd=self.path, capture_output=True, check=False, **how)
        assert done.returncode == 0, done.stderr
        return os.fsdecode(done.stdout)

    def commit(self, message: str = "first") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    @property
    def status(self) -> list[str]:
        return self.git("status", "--porcelain=v2", "-z").split("\0")[:-1]

    def tree(self, commit: str) -> dict[str, tuple[str, str]]:
        """Mode and content by path."""
        lines = self.git("ls-tree", "-r", "-z", "--full-tree", commit).split("\0")[:-1]
        about = {line.partition("\t")[2]: line.split()[:3] for line in lines}
        return {path: (mode, self.git("cat-file", kind, name)) for path, (mode, kind, name) in about.items()}

    @contextmanager
    def open(self, folder: str = ".") -> Iterator[Runtime]:
        with sync.Runtime.open(self.path / folder, sandbox=self.box) as runtime:
            yield runtime

    def untouched(self) -> Callable[[], None]:
        """Call what this gives, and it says whether the user's side of the repository still is what it was now."""

        def seen() -> tuple[Any, ...]:
            git_dir = self.path / ".git"
            index = (git_dir / "index").read_bytes() if (git_dir / "index").exists() else None
            litter = sorted(name for name in os.listdir(git_dir) if "agentrt" in name or "lock" in name)
            files = {p: p.read_bytes() for p in self.path.rglob("*") if ".git" not in p.parts and p.is_file()}
            refs = self.git("for-each-ref") if self.path.exists() else ""
            return index, (git_dir / "HEAD").read_bytes(), refs, litter, files

        before = seen()

        def check() -> None:
            assert seen() == before
            self.git("fsck", "--strict")

        return check


@pytest.fixture
def box() -> Any:
    return memory_sandbox.open_sandbox


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, box: Any) -> Repo:
    """One commit: a.txt, src/b.py, run.sh (executable), a link, .gitignore (*.log and /build/)."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home/.config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "repo"
    (folder / "src").mkdir(parents=True)
    (folder / "a.txt").write_text("one\n")
    (folder / "src/b.py").write_text("b = 1\n")
    (folder / "run.sh").write_text("echo run\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("a.txt")
    (folder / ".gitignore").write_text("*.log\n/build/\n")
    made = Repo(folder, box)
    made.git("init", "-q", "-b", "main")
    made.commit()
    return made
