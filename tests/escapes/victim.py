"""A process of the same user outside, with something to lose; and what was done to it.

Run as a program it is that process: it keeps a secret in memory, in its environment and in open files, notes every
signal it gets, and answers each line on its input with how it is.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path


class Victim:
    def __init__(self, secret: str, file: Path, cwd: Path) -> None:
        command = [sys.executable, "-I", "-S", __file__, str(file)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, cwd=cwd, env={"API_TOKEN": secret}, stdin=pipe, stdout=pipe, text=True, start_new_session=True
        )
        self.pid = self._process.pid
        self._say(secret)
        self.descriptors: list[int] = self._hear()["descriptors"]
        self._before = self._state()

    def harmed(self) -> list[str]:
        """What is not as it was with it."""
        if (code := self._process.poll()) is not None:
            return [f"the victim ended with {code}"]
        now = self._state()
        return [f"the victim's {key}: {now[key]}, not {was}" for key, was in self._before.items() if now[key] != was]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def kill(self) -> None:
        """So that it can be seen that this is seen."""
        self._process.kill()
        self._process.wait()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def _state(self) -> dict[str, object]:
        self._say("how are you")
        return self._hear()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> dict[str, object]:
        assert self._process.stdout is not None
        answer: dict[str, object] = json.loads(self._process.stdout.readline())
        return answer


def _live(path: str) -> None:
    signals: list[int] = []
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, lambda number, _: signals.append(number))
    secret = bytearray(sys.stdin.readline().strip().encode())
    was = bytes(secret)
    held = os.open(path, os.O_RDWR)
    nameless, name = tempfile.mkstemp()
    os.write(nameless, secret)
    os.unlink(name)
    print(json.dumps({"descriptors": [held, nameless]}), flush=True)
    for _ in iter(sys.stdin.readline, ""):
        state = {
            "signals": signals,
            "memory": "as it was" if secret == was else "written to",
            "folder": os.getcwd(),
            "niceness": os.getpriority(os.PRIO_PROCESS, 0),
            "processors": sorted(os.sched_getaffinity(0)),
            "limits": [resource.getrlimit(which) for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)],
            "traced": [line for line in _own("status").splitlines() if line.startswith("TracerPid")],
            "score": _own("oom_score_adj"),
        }
        print(json.dumps(state), flush=True)


def _own(name: str) -> str:
    return Path("/proc/self", name).read_text()


if __name__ == "__main__":
    _live(sys.argv[1])
