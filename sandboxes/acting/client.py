"""The runtime's end of a server that runs actions: have it run one, and pump what that prints."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from typing import Any

from ..layers.client import Client, told

_PIPE = 1 << 16


class ActingClient(Client):
    """Requests of its own, and their fields:

    stand {layers} · run {argv, terminal | call, path, limit; env, cwd, and of ``Limits`` what is kept in there} with
    stdin, stdout, stderr · seal {name} · door {} · remove {names, opened}; and of each sandbox's own start {…} and
    attach {…}.
    """

    def attach(self, *files: int, **fields: Any) -> None:
        """Give it what its actions run in, where that is not its own. Raises ``SandboxError``."""
        with self._turn:
            try:
                self._send({"do": "attach", **fields}, files)
                self._answer()
            except OSError as error:
                raise told("begin", error) from error

    def door(self) -> tuple[int, int]:
        """A listening socket, and the port it is behind for processes inside. Raises ``SandboxError``."""
        with self._turn:
            try:
                self._send({"do": "door"})
                answer, [file] = self._answer()
                return file, answer["port"]
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


def _stdin(data: bytes) -> int:
    if not data:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    file = os.memfd_create("stdin")
    with os.fdopen(os.dup(file), "wb") as writer:
        writer.write(data)
    os.lseek(file, 0, os.SEEK_SET)
    return file
