"""What the processes of an action use together. Its init looks now and then: without root no cgroup is to be had.

Between two looks an action may use more than it should: some 20 ms of whatever it can take. A limit it is over by then
ends it.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

_EVERY = 0.02
_SHARE = 10
"""Looking at each process takes at most one part in so many of a processor's time."""
_PAGE, _TICK = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
_KEPT_FREE = 32
"""One part in so many of the machine's memory."""
_OURS = (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:")
"""Of a process's memory (/proc/PID/smaps_rollup): all but pages of files, which the kernel takes back as it likes."""
Exceeded = tuple[str, float, float]
"""Which limit, what was used, what may be: ``exceeded.py`` makes a sentence of it."""


class Usage:
    """Looks every 20 ms, from 20 ms on; ``end`` is told which limit was exceeded and does not return."""

    def __init__(self, request: dict[str, Any], end: Callable[[Exceeded], object]) -> None:
        self._processes: int = request["processes"]
        self._memory: int | None = request["memory_bytes"]
        self._cpu: float | None = request["cpu_seconds"]
        self._end = end
        self._due = 0.0
        self._machine_keeps = 0

    def watch(self) -> None:
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, _EVERY)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _look(self, *_: object) -> None:
        began = time.monotonic()
        pids = others()
        exceeded = self._of_machine()
        if exceeded is None and len(pids) > self._processes:
            exceeded = "processes", len(pids), self._processes
        if exceeded is None and began >= self._due:
            exceeded = self._of_processes(pids)
            now = time.monotonic()
            self._due = now + (now - began) * (_SHARE - 1)
        if exceeded is not None:
            self._end(exceeded)
        signal.setitimer(signal.ITIMER_REAL, _EVERY)  # only now: one look must not begin within another

    def _of_machine(self) -> Exceeded | None:
        """What lies in /dev/shm or in a memfd is no process's."""
        total, free = _machine()
        if not self._machine_keeps:
            self._machine_keeps = kept(free, total // _KEPT_FREE)
        return ("machine", free, self._machine_keeps) if free < self._machine_keeps else None

    def _of_processes(self, pids: Sequence[str]) -> Exceeded | None:
        reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
        tasks, pages, cpu = 0, 0, reaped.ru_utime + reaped.ru_stime
        for pid in pids:
            with suppress(OSError):  # it ended just now
                fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
                cpu += sum(map(int, fields[11:15])) / _TICK
                tasks += int(fields[17])
                pages += int(fields[21])
        if tasks > self._processes:
            return "processes", tasks, self._processes
        if self._cpu is not None and cpu > self._cpu:
            return "cpu", cpu, self._cpu
        if self._memory is not None and pages * _PAGE > self._memory:
            used = sum(_own(pid) for pid in pids)  # pages of a parent and its children were counted for each
            if used > self._memory:
                return "memory", used, self._memory
        return None


def others() -> list[str]:
    """The processes of this namespace besides its first, and who looks."""
    ours = {"1", str(os.getpid())}
    return [name for name in os.listdir("/proc") if name.isdigit() and name not in ours]


def kept(free: int, most: int) -> int:
    """How little may be left of something of which so much is free now: nobody is blamed for what was gone before."""
    return min(most, free // 2)


def _own(pid: str) -> int:
    """Bytes of memory, of shared pages its part. Of a process that hides them from us, all it has."""
    try:
        lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(_OURS)) * 1024
    except OSError:
        with suppress(OSError):
            return int(_read(f"/proc/{pid}/statm").split()[1]) * _PAGE
        return 0


def _machine() -> tuple[int, int]:
    """Bytes of memory: of the machine, and what could be had without swapping."""
    found = {line.split()[0]: int(line.split()[1]) * 1024 for line in _read("/proc/meminfo").splitlines()[:3]}
    return found[b"MemTotal:"], found[b"MemAvailable:"]


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, 4096)
    finally:
        os.close(file)
