"""One action in the container: its runner, what it prints, its clock and its end.

The runner is a child that starts the command, sees to its limits, and is who orphans come to. When it ends, for
whatever reason, everything in the container but this process is killed: nothing survives to write into a sealed layer.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import struct
import termios
import time
from contextlib import suppress
from functools import partial
from typing import Any

from ...acting import privilege
from ...acting.command import OomOrder, carry_out, guarded, outcome_of, tell_to
from ...acting.filling import EVERY_MS, Filling
from ...layers.times import ticked
from .frames import DATA, ERR, HANGUP, KEYS, KNOCK, OUT, PAIR, SIZE, STOP, TAKEN, Link
from .index import Index
from .tunnels import Tunnels

_PIPE = 1 << 16
_MOST_TUNNELS = 512
"""At once: each is a file of ours, and at the other end of two more processes."""
_REPORT = 3
"""Of the runner's files the only one kept besides the three streams. JSON lines go up it."""
_PR_SET_CHILD_SUBREAPER = 36


class Door:
    """Where processes inside knock; what they say is passed on."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._number = 0

    @property
    def port(self) -> int:
        port: int = self.listening.getsockname()[1]
        return port

    def knock(self, link: Link, tunnels: Tunnels) -> None:
        connection, _ = self.listening.accept()
        if len(tunnels) >= _MOST_TUNNELS:
            connection.close()
            return
        self._number += 1
        link.send(KNOCK, struct.pack("!I", self._number))
        tunnels.open(self._number, connection)


class Running:
    def __init__(
        self,
        link: Link,
        request: dict[str, Any],
        stdin: int,
        door: Door | None,
        index: Index,
    ) -> None:
        self._link, self._request, self._door = link, request, door
        self._watch = index.watch
        self._poll = select.poll()
        self._tunnels = Tunnels(link, self._poll)
        self._streams: dict[int, int] = {}
        """What is read here, and as what it is sent."""
        self._seat = -1
        self._told = b""
        self._timed_out = False
        self._exceeded: object = None
        began = ticked()
        self._filling = Filling(index.roots, request, began) if "argv" in request else None
        self._start(stdin)

    def see_through(self, input_at: int) -> dict[str, Any]:
        """To its end; its outcome. ``input_at``: where frames of the other end come in. Whatever fails, nothing of it
        lives on. Raises ``OSError``, ``EOFError``."""
        try:
            self._see_through(input_at)
        finally:
            self._end()
        return self._outcome()

    def _see_through(self, input_at: int) -> None:
        deadline = time.monotonic() + self._request["seconds"]
        self._poll.register(input_at, select.POLLIN)
        if self._watch is not None:
            self._poll.register(self._watch.fileno(), select.POLLIN)
        if self._door is not None:
            self._poll.register(self._door.listening, select.POLLIN)
        self._take_all()
        while self._report >= 0:
            left = max(0.0, deadline - time.monotonic()) * 1000
            ending = self._timed_out or self._exceeded is not None
            for file, events in self._poll.poll(
                None if ending else left if self._filling is None else min(left, EVERY_MS)
            ):
                self._serve(file, events, input_at)
            if not ending:
                self._check(deadline)

    def _start(self, stdin: int) -> None:
        self._report, report = os.pipe()
        self._poll.register(self._report, select.POLLIN)
        given = [stdin]
        if self._request.get("terminal"):
            self._seat, theirs = os.openpty()
            os.set_blocking(self._seat, False)  # who does not read what is typed does not keep us waiting
            self._resize(PAIR.pack(*self._request["size"]))
            self._streams[self._seat] = KEYS
            given = [theirs] * 3
        else:
            out, end = os.pipe()
            self._streams[out] = OUT
            given += [end, end]
            if self._request.get("apart"):
                err, given[2] = os.pipe()
                self._streams[err] = ERR
        for file in self._streams:
            self._poll.register(file, select.POLLIN)
        try:
            self._runner = os.fork()
            if self._runner == 0:
                _be_runner(self._request, given, report)
        finally:
            for file in {*given, report}:
                os.close(file)

    def _serve(self, file: int, events: int, input_at: int) -> None:
        if file in self._streams:
            self._pass_on(file)
        elif file == input_at:
            self._take(*self._link.get())
            self._take_all()
        elif self._door is not None and file == self._door.listening.fileno():
            self._door.knock(self._link, self._tunnels)
        elif file == self._report:
            data = os.read(self._report, _PIPE)
            self._told += data
            if not data:
                self._poll.unregister(self._report)
                os.close(self._report)
                self._report = -1
        elif self._tunnels.has(file):
            self._tunnels.ready(file, events)
        elif self._watch is not None and file == self._watch.fileno():
            self._watch.read()

    def _pass_on(self, file: int) -> bool:
        """What there is to read; False at its end."""
        try:
            data = os.read(file, _PIPE)
        except OSError:  # a terminal that nobody has open any more
            data = b""
        if data:
            self._link.send(self._streams[file], data)
            return True
        self._poll.unregister(file)
        del self._streams[file]
        os.close(file)
        return False

    def _take_all(self) -> None:
        """What has come in already, and of which no poll tells."""
        while self._link.has():
            self._take(*self._link.get())

    def _take(self, kind: int, data: bytes) -> None:
        if kind == STOP:
            _kill_all()
        elif kind == KEYS and self._seat in self._streams:
            with suppress(OSError):
                os.write(self._seat, data)
        elif kind == SIZE and self._seat in self._streams:
            self._resize(data)
        elif kind in (DATA, TAKEN, HANGUP):
            self._tunnels.take(kind, data)

    def _resize(self, data: bytes) -> None:
        with suppress(OSError):
            fcntl.ioctl(self._seat, termios.TIOCSWINSZ, struct.pack("4H", *PAIR.unpack(data), 0, 0))

    def _check(self, deadline: float) -> None:
        if time.monotonic() >= deadline:
            self._timed_out = True
        elif self._filling is not None:
            self._exceeded = self._filling.exceeded()
        if self._timed_out or self._exceeded is not None or self._is_held():
            _kill_all()

    def _is_held(self) -> bool:
        """Somebody stopped the runner, who then looks at no limits."""
        with suppress(OSError), open(f"/proc/{self._runner}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"T", b"t")
        return False

    def _end(self) -> None:
        """Whatever is left dies; then nothing more can be printed."""
        _kill_all()
        with suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)
        self._tunnels.close()
        for file in list(self._streams):
            os.set_blocking(file, False)
            with suppress(BlockingIOError):
                while self._pass_on(file):
                    pass
        for file in self._streams:
            os.close(file)
        if self._report >= 0:
            os.close(self._report)

    def _outcome(self) -> dict[str, Any]:
        outcome = outcome_of(self._told, timed_out=self._timed_out)
        if self._exceeded is not None:
            outcome["exceeded"] = self._exceeded
        return outcome


def _be_runner(request: dict[str, Any], given: list[int], report: int) -> None:
    """In the forked child, which must never return."""

    def run() -> None:
        files = [fcntl.fcntl(file, fcntl.F_DUPFD, 16) for file in (*given, report)]
        for target, file in enumerate(files):
            os.dup2(file, target, inheritable=target != _REPORT)
        os.closerange(_REPORT + 1, 1 << 16)
        os.setsid()
        privilege.prctl(_PR_SET_CHILD_SUBREAPER, 1)
        carry_out(request, tell, OomOrder(), privilege.hide)

    tell = partial(tell_to, _REPORT)
    guarded(tell, run)


def _kill_all() -> None:
    """Everything in the container but this process, at once: what is being forked dies with its parent."""
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
