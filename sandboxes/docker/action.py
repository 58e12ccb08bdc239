"""One action, as the keeper sees it: what goes into the container and what comes out, until it has ended."""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import struct
import termios
import time
import tty
from contextlib import suppress
from typing import Any

from ..acting.files import write_all
from ..layers import wire
from .box import Box, checked
from .door import Door
from .inside.entries import send_content
from .inside.frames import DATA, ERR, HANGUP, JSON, KEYS, KNOCK, OUT, PAIR, SIZE, STOP, TAKEN
from .inside.tunnels import Tunnels

_LOOK_MS = 50.0
"""How often a terminal is asked for its size: who changes it tells only who sits at it."""
_MOST_MS = 3_600_000.0
"""Of one wait: an action without an end has more than a poll can take."""
_PIPE = 1 << 16
_STOPS = 15.0
"""Seconds a container gets to end an action that is called off: somebody waits for it."""


class Action:
    def __init__(
        self, box: Box, runtime: socket.socket, door: Door | None, patience: float, processes: int | None
    ) -> None:
        """``patience``: seconds the container gets to say that an action's time is over. ``processes``: how many there
        may be, where the container itself has no limit."""
        self._patience, self._processes = patience, processes
        self._box, self._runtime, self._door = box, runtime, door
        self._poll = select.poll()
        self._tunnels = Tunnels(box.link, self._poll)
        self._terminal: _Terminal | None = None
        self.ended = False
        """It has, and the container waits for the next request."""

    def run(self, request: dict[str, Any], given: list[int]) -> dict[str, Any]:
        """``given``: standard input, output and error of what is run. Raises ``OSError``."""
        began = time.monotonic()
        size = 0 if request.get("terminal") else os.fstat(given[0]).st_size
        request |= {"stdin": size, "apart": os.fstat(given[1]).st_ino != os.fstat(given[2]).st_ino}
        # The kernel's other limit counts by user, and so what others run as the same one, too: only where it is needed.
        request["own_user"] = self._processes is not None
        if self._processes is not None:
            request["processes"] = min(request["processes"], self._processes)
        if request.get("terminal"):
            self._terminal = _Terminal(given[0])
            request["size"] = self._terminal.size
            self._poll.register(given[0], select.POLLIN)
        try:
            self._box.link.tell(request)
            send_content(self._box.link, given[0], size)
            outcome = self._see_through(given, began + request["seconds"] + self._patience)
        finally:
            self._tunnels.close()
            if self._terminal is not None:
                self._terminal.close()
        return outcome | {"seconds": time.monotonic() - began}

    def _see_through(self, given: list[int], deadline: float) -> dict[str, Any]:
        self._poll.register(self._box, select.POLLIN)
        self._poll.register(self._runtime, select.POLLIN)
        if self._box.link.has() and (outcome := self._hear(given)) is not None:
            return outcome
        while True:
            patience = max(0.0, deadline - time.monotonic()) * 1000
            ready = self._poll.poll(min(patience, _MOST_MS if self._terminal is None else _LOOK_MS))
            for file, events in ready:
                if file == self._runtime.fileno():
                    self._poll.unregister(file)
                    with suppress(EOFError):
                        wire.receive(self._runtime)
                    self._box.link.send(STOP)
                    deadline = min(deadline, time.monotonic() + min(self._patience, _STOPS))
                elif file == self._box.fileno():
                    outcome = self._hear(given)
                    if outcome is not None:
                        return outcome
                elif self._tunnels.has(file):
                    self._tunnels.ready(file, events)
                elif self._terminal is not None and file == given[0]:
                    self._type(given[0])
            if self._terminal is not None and self._terminal.has_changed():
                self._box.link.send(SIZE, PAIR.pack(*self._terminal.size))
            if time.monotonic() >= deadline:
                raise self._box.silent()

    def _hear(self, given: list[int]) -> dict[str, Any] | None:
        """What came; the outcome where that is the last."""
        while True:
            kind, data = self._box.link.get()
            if kind in (OUT, KEYS):
                _write(given[1], data)
            elif kind == ERR:
                _write(given[2], data)
            elif kind == KNOCK and self._door is not None:
                [number] = struct.unpack("!I", data)
                try:
                    self._tunnels.open(number, self._door.knock())
                except OSError:  # too many wait there, or nobody listens any more
                    self._box.link.send(HANGUP, data)
            elif kind in (DATA, TAKEN, HANGUP):
                self._tunnels.take(kind, data)
            elif kind == JSON:
                self.ended = True
                return checked(json.loads(data))
            if not self._box.link.has():
                return None

    def _type(self, terminal: int) -> None:
        try:
            keys = os.read(terminal, _PIPE)
        except OSError:
            keys = b""
        if keys:
            self._box.link.send(KEYS, keys)
        else:
            self._poll.unregister(terminal)


class _Terminal:
    """The caller's, which passes every key on as it is: what it means is for the terminal inside to say."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._before = termios.tcgetattr(file)
        self.size = self._measure()
        tty.setraw(file, termios.TCSANOW)

    def has_changed(self) -> bool:
        before, self.size = self.size, self._measure()
        return before != self.size

    def close(self) -> None:
        with suppress(termios.error):
            termios.tcsetattr(self._file, termios.TCSANOW, self._before)

    def _measure(self) -> tuple[int, int]:
        rows, columns, _, _ = struct.unpack("4H", fcntl.ioctl(self._file, termios.TIOCGWINSZ, bytes(8)))
        return rows, columns


def _write(file: int, data: bytes) -> None:
    """Who reads it may have gone; the action goes on."""
    with suppress(BrokenPipeError):
        write_all(file, data)
