"""The app as a person has it: in a terminal of tmux, on a workspace, with an agent that follows a script."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from terminal import Terminal

from agentrt.showing.plain import plain

PATIENCE = 60
"""Seconds until what must end has ended."""


class Ground:
    """A folder with the workspace in it, and the user's own state and settings."""

    def __init__(self, folder: Path, name: str = "work") -> None:
        self.folder, self.work = folder, folder / name
        self.work.mkdir()
        self.config = folder / "config/agentrt"
        self.config.mkdir(parents=True)
        (self.config / "settings.yaml").write_text("planner: {script: script.yaml}\n")
        self.env = {
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TERM": "xterm-256color",
        }
        self._terminals = 0

    def script(self, *turns: dict[str, Any]) -> None:
        """Who plans what is typed. JSON is YAML, too."""
        (self.config / "script.yaml").write_text(json.dumps({"turns": turns}))

    def open(self, *words: str, size: tuple[int, int] = (80, 24), **env: str) -> Terminal:
        """``agentrt WORDS``, once it is entered."""
        self._terminals += 1
        socket = self.folder / str(self._terminals)
        socket.mkdir()
        return Terminal(self.command(*words), socket, cwd=self.work, size=size, env={**self.env, **env})

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "agentrt", *words]

    def run(self, *words: str) -> str:
        """What ``agentrt WORDS`` prints."""
        env = {**os.environ, **self.env}
        done = subprocess.run(self.command(*words), cwd=self.work, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def log(self) -> list[dict[str, Any]]:
        """The operations of the current session."""
        found: Any = json.loads(self.run("log", "--json"))
        return list(found["operations"] if isinstance(found, dict) else found)

    def running(self) -> list[int]:
        """Processes that know this folder: apps, hosts, what agents run."""
        named = os.fsencode(self.folder)
        found = []
        for process in Path("/proc").iterdir():
            try:
                if process.name.isdecimal() and named in (process / "environ").read_bytes():
                    found.append(int(process.name))
            except OSError:
                continue  # it ended, or is another user's
        return [pid for pid in found if pid != os.getpid()]

    def app(self) -> int:
        """The process of the one app that is open."""
        found = []
        for pid in self.running():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if words[1:3] == [b"-m", b"agentrt"]:
                found.append(pid)
        assert len(found) == 1, found
        return found[0]


def bash(command: str, text: str = "") -> dict[str, Any]:
    """A turn of the script."""
    return {"text": text, "actions": [{"bash": {"command": command}}]}


SUBMIT: dict[str, Any] = {"actions": [{"submit": {"text": "all done"}}]}


def folder_of_a_test() -> Iterator[Path]:
    """With a short path; it waits until nothing runs any more that knows the folder, and then fails for what does."""
    # A socket's path is short, and the user who runs the tests need not be the one whose TMPDIR this is.
    folder = Path(tempfile.mkdtemp(prefix="rt", dir="/tmp"))
    yield folder
    ground = Ground.__new__(Ground)
    ground.folder = folder
    until = time.monotonic() + PATIENCE
    while (left := ground.running()) and time.monotonic() < until:
        time.sleep(0.1)
    told = [f"{pid} {plain(Path(f'/proc/{pid}/cmdline').read_text(errors='replace'))}" for pid in left]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
    assert not left, told


@pytest.fixture
def ground() -> Iterator[Ground]:
    for folder in folder_of_a_test():
        yield Ground(folder)
