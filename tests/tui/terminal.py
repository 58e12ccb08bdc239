"""A real terminal: the program in tmux, keys pressed, the screen read, and every byte on the wire kept."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_NOT_OURS = ("TMUX", "COLUMNS", "LINES")
"""Variables about the terminal that the tests run in."""


class Terminal:
    """A context manager; the program is ended with it."""

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        *,
        cwd: Path,
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str] | None = None,
    ) -> None:
        """``folder`` is for tmux's socket and the wire; its path must be short."""
        self._socket, self.wire_file = folder / "tmux", folder / "wire"
        self._words, self._cwd, self._size, self._env = list(words), cwd, size, dict(env or {})

    def __enter__(self) -> Self:
        columns, rows = self._size
        variables = {name: value for name, value in os.environ.items() if name not in _NOT_OURS} | self._env
        # tmux has a TERM of its own for what it starts.
        words = ["env", *(f"{name}={value}" for name, value in self._env.items()), *self._words]
        # What was started is seen whole: nothing is drawn before the wire is kept.
        waits = f'read _; {shlex.join(words)}; echo "exit code $?"; read _; read _'
        begin = ["new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(self._cwd)]
        subprocess.run([*self._tmux, "-f", "/dev/null", *begin, "sh", "-c", waits], check=True, env=variables)
        self._do("set-option", "-g", "status", "off")
        self._do("set-option", "-s", "escape-time", "0")
        self._do("resize-window", "-x", str(columns), "-y", str(rows))
        self._do("pipe-pane", "-o", f"cat >> {shlex.quote(str(self.wire_file))}")
        self.press("Enter")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)

    def press(self, *keys: str) -> None:
        """As tmux names them: ``Enter``, ``Escape``, ``C-p``, ``a`` …"""
        self._do("send-keys", *keys)

    def type(self, text: str) -> None:
        self._do("send-keys", "-l", text)

    def send(self, data: bytes) -> None:
        """As the terminal itself would: pastes, the mouse."""
        for at in range(0, len(data), 500):
            self._do("send-keys", "-H", *(f"{byte:02x}" for byte in data[at : at + 500]))

    def screen(self) -> str:
        return self._do("capture-pane", "-p")

    def wire(self) -> bytes:
        """Everything the program has written to its terminal."""
        return self.wire_file.read_bytes() if self.wire_file.exists() else b""

    def wait(self, *texts: str, gone: Sequence[str] = (), seconds: float = 60.0) -> str:
        """Until the screen has all of ``texts`` and nothing of ``gone``; that screen."""
        until = time.monotonic() + seconds
        while True:
            seen = self.screen()
            if all(text in seen for text in texts) and not any(text in seen for text in gone):
                return seen
            if time.monotonic() > until:
                missing = [text for text in texts if text not in seen]
                raise AssertionError(f"not seen: {missing}; still there: {[t for t in gone if t in seen]}\n{seen}")
            time.sleep(0.05)

    def wait_any(self, *texts: str, seconds: float = 60.0) -> str:
        """Until the screen has one of ``texts``; that screen."""
        until = time.monotonic() + seconds
        while not any(text in (seen := self.screen()) for text in texts):
            assert time.monotonic() < until, f"nothing seen of {texts}\n{seen}"
            time.sleep(0.05)
        return seen

    def resize(self, columns: int, rows: int) -> None:
        self._do("resize-window", "-x", str(columns), "-y", str(rows))

    @property
    def _tmux(self) -> list[str]:
        return ["tmux", "-S", str(self._socket)]

    def _do(self, *words: str) -> str:
        done = subprocess.run([*self._tmux, *words], check=True, capture_output=True, text=True, errors="replace")
        return done.stdout
