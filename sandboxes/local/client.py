"""The runtime's end of the server: start it, ask it, pump what its actions print.

Blocking; ``sandbox.py`` calls it from worker threads, one call at a time.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agentrt.errors import DiskFull, SandboxError

from .inside import wire

_BOOT = "import sys; sys.path.insert(0, {folder!r}); from inside.server import main; main({descriptor})"
_PIPE = 1 << 16
FULL = (errno.ENOSPC, errno.EDQUOT)


class ServerError(OSError):
    """What the server answered instead of a result: an ``OSError`` of its own."""


class Client:
    """Requests and their fields:

    start {store, workspace, shows, planted: {path: content}, hidden} · stand {layers} · run {argv, terminal | call,
    path, limit; env, cwd, and of ``Limits`` what is kept in there} with stdin, stdout, stderr · seal {name} ·
    changes {a, b} · look {layers, paths} · open {layers, paths} · door {} · keep {layers, paths, name} · graft {onto,
    sources, picks: [path, source, content], name} · remove {names, opened} · purge {path, dry_run}
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        boot = _BOOT.format(folder=str(Path(__file__).parent), descriptor=theirs.fileno())
        with theirs:
            # -I -S: a small interpreter, deaf to the user's environment and to the workspace's modules.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", boot],
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
        """The server died: nothing more can be asked of it."""

    def start(self, **fields: Any) -> None:
        """Wait until the namespaces and the root stand. Raises ``ServerError`` whose filename is the step refused."""
        with self._turn:
            self._answer()
            self._send({"do": "start", **fields})
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

    def door(self) -> int:
        """A listening socket of the network inside. Raises ``SandboxError``."""
        with self._turn:
            try:
                self._send({"do": "door"})
                [file] = self._answer()[1]
                return file
            except OSError as error:
                raise told("door", error) from error

    def run(
        self,
        request: dict[str, Any],
        stdin: bytes,
        on_output: Callable[[bytes], None] | None,
        on_error: Callable[[bytes], None] | None,
        stop: int,
    ) -> dict[str, Any]:
        """Run an action to its end, passing on what it prints. Raises ``SandboxError``, and what the takers raise.

        ``stop`` is an eventfd: written to, from any thread and at any time, it ends this action and no other.
        """
        with self._turn:
            streams: dict[int, Callable[[bytes], None] | None] = {}
            given = [_stdin(stdin)]
            out, end = os.pipe()
            given.append(end)
            streams[out] = on_output
            if on_error is None:
                given.append(end)
            else:
                err, end = os.pipe()
                given.append(end)
                streams[err] = on_error
            try:
                self._send({"do": "run", **request}, given)
            except OSError as error:
                raise told("run", error) from error
            finally:
                for file in set(given):
                    os.close(file)
            try:
                answer, failure = self._pump(streams, stop)
            except OSError as error:
                raise told("run", error) from error
            finally:
                for file in streams:
                    os.close(file)
            if failure is not None:
                raise failure
            return answer

    def run_at(self, terminal: int, request: dict[str, Any], stop: int) -> dict[str, Any]:
        """Run an action that reads and prints by itself, at a terminal. Raises ``SandboxError``."""
        with self._turn:
            try:
                self._send({"do": "run", **request}, [terminal] * 3)
                return self._pump({}, stop)[0]
            except OSError as error:
                raise told("run", error) from error

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

    def _pump(
        self, streams: dict[int, Callable[[bytes], None] | None], stop: int
    ) -> tuple[dict[str, Any], BaseException | None]:
        """The server's answer, and what a taker of the output raised: that ends the action, not the conversation."""
        poll = select.poll()
        for file in (*streams, self._channel.fileno(), stop):
            poll.register(file, select.POLLIN)
        answer: dict[str, Any] | None = None
        failure: BaseException | None = None
        while True:
            # With the answer all that was printed is in the pipes; who holds their other ends has no say any more.
            ready = poll.poll(None if answer is None else 0)
            if answer is not None and not ready:
                return answer, failure
            for file, _ in ready:
                if file in streams:
                    data, sink = os.read(file, _PIPE), streams[file]
                    if not data:
                        poll.unregister(file)
                    elif sink is not None and failure is None:
                        try:
                            sink(data)
                        except BaseException as error:
                            failure = error
                            os.eventfd_write(stop, 1)
                elif file == stop:
                    poll.unregister(stop)
                    if answer is None:
                        self._send({"do": "end"})
                else:
                    poll.unregister(file)
                    answer, _ = self._answer()

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


def _stdin(data: bytes) -> int:
    if not data:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    file = os.memfd_create("stdin")
    with os.fdopen(os.dup(file), "wb") as writer:
        writer.write(data)
    os.lseek(file, 0, os.SEEK_SET)
    return file
