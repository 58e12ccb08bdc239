"""Output that comes faster than it can be looked at: its tail is told now and then."""

from __future__ import annotations

import codecs
import threading
from collections import deque

from .state import MOST


class Tail:
    """Bytes come in on any thread; text goes out on one."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._lock = most, threading.Lock()
        self._pieces: deque[bytes] = deque()
        self._held = self._skipped = self._lines = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, data: bytes) -> bool:
        """Whether it is the first since ``take``: then somebody has to see to it that there is a next."""
        with self._lock:
            first = not self._held and not self._skipped
            self._pieces.append(data)
            self._held += len(data)
            while self._held > self._most:
                piece, over = self._pieces.popleft(), self._held - self._most
                if len(piece) > over:
                    self._pieces.appendleft(piece[over:])
                gone = min(len(piece), over)
                self._held -= gone
                self._skipped += gone
                self._lines += piece.count(b"\n", 0, gone)
            return first and bool(data)

    def take(self, *, last: bool = False) -> tuple[str, int, int]:
        """What came since it was taken last, how many bytes before it are left out, and how many lines ended in these.
        ``last``: nothing belongs to what is left of a character."""
        with self._lock:
            data, skipped, lines = b"".join(self._pieces), self._skipped, self._lines
            self._pieces.clear()
            self._held = self._skipped = self._lines = 0
        if skipped:
            self._decoder.reset()
        return self._decoder.decode(data, final=last), skipped, lines
