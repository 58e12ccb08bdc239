"""The runtime's end of a server: start it and ask it.

Blocking; ``sandbox.py`` calls it from worker threads, one call at a time.
"""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentrt.errors import DiskFull, SandboxError

from . import boot, wire

FULL = (errno.ENOSPC, errno.EDQUOT)


class ServerError(OSError):
    """What the server answered instead of a result: an ``OSError`` of its own."""


class Client:
    """Requests and their fields:

    changes {a, b} · look {layers, paths} · open {layers, paths} · keep {layers, paths, name} · graft {onto, sources,
    picks: [path, source, content], name} · remove {names} · purge {path, dry_run}, and those of the sandbox's own.
    """

    def __init__(self, module: str | Path) -> None:
        """``module``: whose ``main`` is the server, as ``boot.py`` names it."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                boot.command(module, theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env={"LC_ALL": "C.UTF-8"},
            )
        self._channel = ours
        self._closed = False
        self._turn = threading.Lock()
        self.gone = False
        """The server died, or what it works with did: nothing more can be asked of it."""

    def start(self, *files: int, **fields: Any) -> None:
        """Wait until it is ready. Raises ``ServerError`` whose filename is the step refused."""
        with self._turn:
            self._answer()
            self._send({"do": "start", **fields}, files)
            self._answer()

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """One request. Raises ``SandboxError``, ``DiskFull``."""
        with self._turn:
            try:
                self._send({"do": do, **fields})
                return self._answer()[0]
            except OSError as error:
                raise told(do, error) from error

    def open(self, layers: Sequence[str], paths: Sequence[str]) -> list[int]:
        """Descriptors of files as of ``layers``. Raises ``SandboxError``, or the ``ServerError`` of one of them."""
        files: list[int] = []
        with self._turn:
            try:
                for first in range(0, len(paths), wire.MOST_FILES):
                    some = list(paths[first : first + wire.MOST_FILES])
                    self._send({"do": "open", "layers": list(layers), "paths": some})
                    files += self._answer()[1]
            except BaseException as error:
                for file in files:
                    os.close(file)
                if isinstance(error, ServerError) and self.gone:
                    raise told("open", error) from error
                raise
            return files

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._channel.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, message: dict[str, Any], files: Sequence[int] = ()) -> None:
        try:
            wire.send(self._channel, message, files)
        except ConnectionError as error:
            raise self._lost() from error

    def _answer(self) -> tuple[dict[str, Any], list[int]]:
        try:
            answer, files = wire.receive(self._channel)
        except EOFError as error:
            raise self._lost() from error
        if "error" in answer:
            self.gone = self.gone or "over" in answer
            raise ServerError(*answer["error"])
        return answer, files

    def _lost(self) -> ServerError:
        self.gone = True
        return ServerError(errno.EPIPE, "the sandbox's server is gone", "server")


def told(do: str, error: OSError) -> SandboxError:
    """The error of a request, for a person."""
    place = f": {error.filename}" if error.filename else ""
    message = f"the sandbox could not {do}{place}: {error.strerror or error}"
    if error.errno in FULL:
        return DiskFull(message, hint="free some space on the disk of the state folder, or run `agentrt gc`")
    return SandboxError(message)
