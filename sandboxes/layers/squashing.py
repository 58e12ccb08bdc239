"""When layers are squashed: full runs of them in the background, and at once where a mount would be too deep."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from . import squash
from .store import PARTS, Store

_TOO_DEEP = 320
"""Layers of a mount: some way before the kernel's end, and one takes 4 ms to mount by then."""
_TRIES = 2


class Squashing:
    """Until a run is squashed, a mount is that much deeper. One process at a time does it."""

    def __init__(self, store: Store, channel: socket.socket) -> None:
        self._store, self._channel = store, channel
        self._working: set[int] = set()
        self._shallow: list[str] | None = None
        """Layers of which it is known that they can be mounted."""

    def begin(self, layers: Sequence[str]) -> None:
        """Merge full runs of ``layers`` in the background, unless that is going on."""
        for pid in list(self._working):
            if os.waitpid(pid, os.WNOHANG)[0]:
                self._working.discard(pid)
        todo = [
            (target, run)
            for part in PARTS
            for target, run in self._store.chunks(layers, part)
            if not os.path.lexists(target)
        ]
        if not todo or self._working:
            return
        pid = os.fork()
        if pid:
            self._working.add(pid)
            return
        try:
            self._channel.close()
            squash.make(self._store, todo)
        finally:
            os._exit(0)

    def wait(self) -> None:
        """Until nothing is under way; what was squashed may go after this."""
        while self._working:
            os.waitpid(self._working.pop(), 0)
        self._shallow = None

    def make_shallow(self, layers: Sequence[str]) -> None:
        """What the background has not done yet, or is gone again, is waited for."""
        if self._shallow == layers:
            return
        for _ in range(_TRIES):
            if max(len(self._store.lowers(layers, part)) for part in PARTS) <= _TOO_DEEP:
                break
            self.wait()  # it may be one of other layers
            self.begin(layers)
            self.wait()
        self._shallow = list(layers)
