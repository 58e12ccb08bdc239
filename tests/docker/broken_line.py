"""A way to an engine that breaks off, at a chosen request, as where the engine dies or its machine is cut off."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PIECE = 1 << 16


class Line:
    """Requests are counted from 1; what a container says and is told, once its stream is attached, is not counted.

    From the break on nobody is there, until ``mend``. The engine itself goes on: it may have done what it was told."""

    def __init__(self, at: Path, engine: str) -> None:
        self.host = f"unix://{at}"
        self.requests: list[str] = []
        """The first line of each."""
        self._engine = engine.removeprefix("unix://")
        self._turn = threading.Lock()
        self._open: list[socket.socket] = []
        self._at, self._after, self._broken = 0, False, False
        self.did_break = False
        """Since ``break_at``."""
        self._stop, self._stopping = os.pipe()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(os.fspath(at))
        self._listening.listen(64)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def break_at(self, number: int, *, after: bool) -> None:
        """Before the engine has request ``number``; or ``after`` it has it, in place of its answer. 0: never."""
        with self._turn:
            self.requests.clear()
            self._at, self._after, self.did_break = number, after, False

    def break_now(self) -> None:
        with self._turn:
            self._break()

    def mend(self) -> None:
        with self._turn:
            self._at, self._broken = 0, False

    def close(self) -> None:
        os.close(self._stopping)
        self._threads[0].join()
        self.break_now()
        for thread in self._threads:
            thread.join()
        self._listening.close()
        os.close(self._stop)

    def _break(self) -> None:
        self._broken = self.did_break = True
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            ready, _, _ = select.select([self._listening, self._stop], [], [])
            if self._stop in ready:
                return
            near, _ = self._listening.accept()
            far = socket.socket(socket.AF_UNIX)
            with self._turn:
                if self._broken:
                    near.close()
                    far.close()
                    continue
                far.connect(self._engine)
                self._open += [near, far]
            passing = threading.Thread(target=self._pass, args=(near, far))
            self._threads.append(passing)
            passing.start()

    def _pass(self, near: socket.socket, far: socket.socket) -> None:
        attached = breaking = False
        ends = {near: far, far: near}
        try:
            while ends:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(_PIECE)
                    with self._turn:
                        if end is near and not attached and data[:5] in (b"GET /", b"POST ", b"PUT /", b"DELET"):
                            line = data.partition(b"\r\n")[0].decode()
                            self.requests.append(line)
                            attached = "/attach?" in line
                            breaking = len(self.requests) == self._at
                            if breaking and not self._after:
                                self._break()
                                return
                        if breaking and end is far:
                            self._break()
                            return
                    if not data:
                        ends[end].shutdown(socket.SHUT_WR)
                        del ends[end]
                        continue
                    ends[end].sendall(data)
        except OSError:  # one of the two hung up
            pass
        finally:
            with self._turn:
                self._open.remove(near)
                self._open.remove(far)
            near.close()
            far.close()


@contextmanager
def broken_line(at: Path, engine: str) -> Iterator[Line]:
    line = Line(at, engine)
    try:
        yield line
    finally:
        line.close()
