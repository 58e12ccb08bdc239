"""What the tests of ``agentrt run`` stand on: a task whose planner talks, and a terminal to watch it on."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PLANNER = "[agentrt.planners]\ntalking = talking_planner:open_planner\n"
SUBMIT = {"actions": [["submit", {"text": "all done"}]]}


def bash(command: str, **more: Any) -> dict[str, Any]:
    """A turn with one command."""
    return {"actions": [["bash", {"command": command}]], **more}


class Ground:
    """A folder with ``task.yaml``, whose workspace it is not."""

    def __init__(self, folder: Path, workspace: Path, environment: Mapping[str, str]) -> None:
        self.folder, self.workspace = folder, workspace
        package = folder / "plugins/talking-1.dist-info"
        package.mkdir()
        (package / "METADATA").write_text("Metadata-Version: 2.1\nName: talking\nVersion: 1\n")
        (package / "entry_points.txt").write_text(PLANNER)
        path = f"{environment['PYTHONPATH']}{os.pathsep}{Path(__file__).parent}"
        self.env = {**environment, "PYTHONPATH": path, "TERM": "xterm", "XDG_CONFIG_HOME": str(folder / "config")}

    def task(
        self, *turns: Mapping[str, Any], more: str = "", objective: str = "do it", sandbox: str = "memory"
    ) -> Path:
        (self.folder / "turns.json").write_text(json.dumps(turns))
        task = self.folder / "task.yaml"
        planner = "planner: {provider: talking, file: turns.json}"
        task.write_text(f"objective: {objective}\nworkspace: {self.workspace}\nsandbox: {sandbox}\n{planner}\n{more}")
        return task

    def policy(self, text: str) -> None:
        (self.folder / "config/agentrt").mkdir(parents=True)
        (self.folder / "config/agentrt/policy.yaml").write_text(text)

    def start(self, *words: str | Path) -> Running:
        return Running(words, self.workspace, self.env)

    def terminal(self, *words: str | Path, columns: int = 80, **env: str) -> Terminal:
        return Terminal(words, self.workspace, {**self.env, **env}, columns)


class Running:
    """With ``--json``, its events as they come."""

    def __init__(self, words: Sequence[str | Path], cwd: Path, env: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "agentrt", *map(str, words), "--json"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=cwd, env=env, stdout=pipe, stderr=pipe, stdin=subprocess.DEVNULL)
        self.events: list[dict[str, Any]] = []

    def until(self, event: str, **like: Any) -> dict[str, Any]:
        """The next such event."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(found := json.loads(line))
            if found["event"] == event and all(found[key] == value for key, value in like.items()):
                return found
        raise AssertionError(f"no {event} among {self.events}")

    def end(self, number: int | None = None) -> tuple[int, str]:
        """Its code and what was said, after a signal."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        self.events += [json.loads(line) for line in out.splitlines()]
        return self.process.returncode, err.decode()


class Terminal:
    """A process with a terminal of its own."""

    def __init__(self, words: Sequence[str | Path], cwd: Path, env: Mapping[str, str], columns: int) -> None:
        self.ours, theirs = pty.openpty()
        self.resize(columns)
        command = [sys.executable, "-m", "agentrt", *map(str, words)]
        self.process = subprocess.Popen(command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.raw = b""

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def until(self, text: str) -> None:
        """Read on until that is there, after what was read."""
        start, deadline = len(self.raw), time.monotonic() + 60
        while text.encode() not in self.raw[start:]:
            assert time.monotonic() < deadline and self._read(), self.raw

    def listen(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._read()

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def insist(self, key: str, text: str) -> None:
        """Type it until that is there: the program it is for may not be in front yet."""
        start, deadline = len(self.raw), time.monotonic() + 60
        while text.encode() not in self.raw[start:]:
            assert time.monotonic() < deadline, self.raw
            self.type(key)
            self.listen(0.3)

    def paste(self, data: bytes) -> None:
        """More than there is room for, and what is printed meanwhile is read."""
        while data:
            readable, writable, _ = select.select([self.ours], [self.ours], [], 60)
            if readable:
                self._read()
            if writable:
                data = data[os.write(self.ours, data[:1000]) :]

    def end(self) -> int:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._read():
            pass
        os.close(self.ours)
        return self.process.wait(10)

    def signal_thread(self, number: int) -> None:
        """To one that is not the first: else only the kernel chooses, and rarely so."""
        pid = self.process.pid
        thread = max(int(name) for name in os.listdir(f"/proc/{pid}/task") if int(name) != pid)
        assert ctypes.CDLL(None).tgkill(pid, thread, number) == 0

    def _read(self) -> bool:
        if select.select([self.ours], [], [], 0.1)[0]:
            try:
                self.raw += os.read(self.ours, 65536)
            except OSError:  # the other end is closed
                return False
        return True

    @property
    def rows(self) -> list[str]:
        """What is on the screen, and was scrolled out of it."""
        return drawn(self.raw.decode())


CONTROLS = re.compile(r"\x1b\[(\d*)([AJm])|[\r\n]|[^\x1b\r\n]+|\x1b")


def drawn(raw: str) -> list[str]:
    """Of the little of a terminal's language that is to be spoken; any other escape sequence is an error."""
    rows, row, column = [""], 0, 0
    for found in CONTROLS.finditer(raw):
        text = found[0]
        if text == "\r":
            column = 0
        elif text == "\n":
            row, column = row + 1, 0
            rows += [""] * (row == len(rows))
        elif found[2] == "A":
            row -= int(found[1])
            assert row >= 0
        elif found[2] == "J":
            rows[row:] = [rows[row][:column]]
        elif found[2] is None:
            assert "\x1b" not in text, raw
            rows[row] = rows[row][:column] + text + rows[row][column + len(text) :]
            column += len(text)
    return rows
