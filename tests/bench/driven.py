"""A program in a terminal of its own, driven through it: keys go in, whole frames come out, CPU is what the kernel says."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_ASKED, _ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
"""Whether the terminal draws a frame only when it is whole: it does, so that a frame's end can be seen."""
_END = b"\x1b[?2026l"
_ESCAPE = re.compile(rb"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
_TICK = os.sysconf("SC_CLK_TCK")
_PATIENCE = 120.0


class Driven:
    """A context manager; the program is ended with it."""

    def __init__(self, words: Sequence[str], cwd: Path, size: tuple[int, int] = (140, 45)) -> None:
        self._words, self._cwd, self._size = words, cwd, size
        self._read = b""
        self._asked = False

    def __enter__(self) -> Self:
        self._file, theirs = pty.openpty()
        columns, rows = self._size
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        env = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._process = subprocess.Popen(
            self._words, cwd=self._cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        while self._process.poll() is None:
            self._more(0.05)
        os.close(self._file)

    @property
    def pid(self) -> int:
        return self._process.pid

    def press(self, keys: str, until: Callable[[str], bool], seconds: float = _PATIENCE) -> float:
        """Milliseconds from the keys to the end of the first frame that ``until`` likes the text of."""
        start = time.perf_counter()
        os.write(self._file, keys.encode())
        self.wait(until, seconds)
        return (time.perf_counter() - start) * 1000

    def write(self, keys: str) -> None:
        os.write(self._file, keys.encode())

    def wait(self, until: Callable[[str], bool], seconds: float = _PATIENCE) -> None:
        """For such a frame. Raises ``TimeoutError``."""
        last, seen = time.monotonic() + seconds, ""
        while True:
            while _END in self._read:
                frame, _, self._read = self._read.partition(_END)
                seen = _ESCAPE.sub(b"", frame).decode("utf-8", "replace")
                if until(seen):
                    return
            if not self._more(max(last - time.monotonic(), 0.0)):
                raise TimeoutError(f"it never came; last seen: {seen or self._read[-2000:]!r}")

    def rest(self, quiet: float = 0.3, seconds: float = _PATIENCE) -> None:
        """Until it has neither drawn nor worked for a while."""
        last = time.monotonic() + seconds
        while time.monotonic() < last:
            before = cpu(self.pid)
            self._read = b""
            if not self._more(quiet) and cpu(self.pid) - before <= 0.1 * quiet:
                return
        raise TimeoutError("it does not come to rest")

    def drain(self, seconds: float) -> None:
        """Let it draw for so long."""
        last = time.monotonic() + seconds
        while (left := last - time.monotonic()) > 0:
            self._more(left)
            self._read = b""

    def _more(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._file], [], [], seconds)
        if not ready:
            return False
        try:
            self._read += os.read(self._file, 1 << 20)
        except OSError:  # it ended
            return False
        if not self._asked and _ASKED in self._read:
            self._asked = True
            os.write(self._file, _ANSWER)
        return True


def cpu(pid: int) -> float:
    """Seconds that a process has had so far, all its threads, in hundredths."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def memory(pid: int) -> float:
    """Megabytes that it has in memory at most so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1000
