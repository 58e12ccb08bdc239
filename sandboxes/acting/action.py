"""One action, as the server sees it: an init made ahead of time, its request, its end.

The *init* (``init.py``) is the first process of new mount, PID and IPC namespaces. It waits, on a stage that is set but
for what the request decides, until it is told what to run; it serves one request and ends. When it ends, for whatever
reason, the kernel kills everything else in its namespaces.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ..layers import wire
from . import init, kernel
from .command import outcome_of
from .filling import EVERY_MS, Filling
from .usage import Exceeded

_NAMESPACES = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC


class Action:
    """An init and the socket to it. What it says are lines of JSON; its death closes the socket."""

    def __init__(self, stage: init.Stage) -> None:
        self._channel, theirs = socket.socketpair()
        self._pid = kernel.fork_into(_NAMESPACES)
        if self._pid == 0:
            init.live(stage, theirs)
        theirs.close()
        self._told = b""

    def wait_until_ready(self) -> None:
        """Raises ``OSError`` whose ``filename`` is the step of setting the stage that was refused."""
        while b"\n" not in self._told:
            data = self._channel.recv(65536)
            if not data:
                break
            self._told += data
        outcome_of(self._told, timed_out=False)

    def end(self) -> None:
        """Kill it, with all it started, if that is not done yet."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            self._reap()

    def run(
        self,
        request: dict[str, Any],
        streams: Sequence[int],
        runtime: socket.socket,
        deadline: float,
        filling: Filling | None,
    ) -> dict[str, Any] | None:
        """See it through to its end; its outcome. The runtime's word, its death, the clock, or the room it takes may
        end it early.

        None where init had died before it took the request: nothing was run.
        """
        with suppress(ConnectionError):  # it died just now: what there is to say of that is said below
            wire.send(self._channel, request, streams)
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        poll.register(runtime, select.POLLIN)
        timed_out = stopped = False
        exceeded: Exceeded | None = None
        # When init says that it is alone there is nothing left to wait for: it only has to go, too.
        while not self._told.endswith(init.ALONE):
            ending = timed_out or stopped or exceeded is not None
            left = max(0.0, deadline - time.monotonic()) * 1000
            patience = left if filling is None else min(left, EVERY_MS)
            ready = [file for file, _ in poll.poll(None if ending else patience)]
            if not ready:
                timed_out = time.monotonic() >= deadline
                exceeded = None if timed_out or filling is None else filling.exceeded()
                if timed_out or exceeded is not None:
                    os.kill(self._pid, signal.SIGKILL)
            if runtime.fileno() in ready:
                poll.unregister(runtime)
                stopped = True
                os.kill(self._pid, signal.SIGKILL)
                try:
                    wire.receive(runtime)
                except EOFError:
                    os._exit(0)
            if self._channel.fileno() in ready and not self._hear():
                self._reap()  # only then is all the rest dead, too
                break
        outcome = outcome_of(self._told, timed_out=timed_out)
        if exceeded is not None:
            outcome["exceeded"] = exceeded
        return outcome if init.BEGUN in self._told or timed_out or stopped or exceeded is not None else None

    def _reap(self) -> None:
        os.waitpid(self._pid, 0)
        self._pid = 0
        self._channel.close()

    def _hear(self) -> bool:
        try:
            data = self._channel.recv(65536)
        except ConnectionError:  # it ended with words of ours unread
            return False
        self._told += data
        return bool(data)
