"""What goes over the socket: JSON Lines, a channel of them, and errors as JSON and back."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from agentrt.errors import AgentrtError, Conflict, DocumentError, HostBug, HostGone, SandboxUnavailable, UsageError
from agentrt.records import PathConflict, dump_json

PROTOCOL = 1
"""Raised when what a client relies on changes; what is only added does not count."""
LONGEST = 8 * 1024 * 1024
"""Bytes of a line that a host reads."""
MOST_FILES = 2
"""With one line."""
_PIECE = 256 * 1024


class Line(NamedTuple):
    """Without its end, and the files that came with it: who takes the line closes them."""

    text: bytes
    files: Sequence[int] = ()


class Channel:
    """Lines over a connected stream socket, which it owns. For one event loop."""

    def __init__(self, sock: socket.socket, longest: int | None = None) -> None:
        """``longest``: bytes of a line that is read."""
        sock.setblocking(False)
        self._sock, self._longest = sock, longest
        self._read = bytearray()
        self._lines: deque[Line] = deque()
        self._unsent: deque[Line] = deque()
        self._sending: asyncio.Task[None] | None = None
        self.waiting = 0
        """Bytes that the other side has not taken yet."""
        self.closed = False

    async def line(self) -> Line | None:
        """The next one; None: there is none any more. Raises ``UsageError``: it is too long."""
        while not self._lines:
            try:
                data, files = await self._receive()
            except OSError:
                data, files = b"", []
            if not data:
                return None
            *whole, rest = data.split(b"\n")
            for part in whole:
                self._lines.append(Line(bytes(self._read + part)))
                self._read.clear()
            self._read += rest
            if files and whole and not rest:  # they come with the end of their line, and end what is read at once
                self._lines[-1] = Line(self._lines[-1].text, files)
            else:
                close_all(files)
            if self._longest is not None and len(self._read) > self._longest:
                raise UsageError(f"a line of more than {self._longest} bytes", hint="one request is one line")
        return self._lines.popleft()

    async def _receive(self) -> tuple[bytes, list[int]]:
        loop = asyncio.get_running_loop()
        while True:
            try:
                return socket.recv_fds(self._sock, _PIECE, MOST_FILES, socket.MSG_CMSG_CLOEXEC)[:2]
            except BlockingIOError:
                await _until(loop.add_reader, loop.remove_reader, self._sock)

    def send(self, line: bytes, files: Sequence[int] = ()) -> None:
        """Without waiting; what is closed loses it. ``files`` stay the caller's."""
        if self.closed:
            return
        self._unsent.append(Line(line, [os.dup(file) for file in files]))
        self.waiting += len(line)
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._unsent:
                line, files = self._unsent.popleft()
                try:
                    await self._send_one(line, files)
                finally:
                    close_all(files)
                self.waiting -= len(line)
        except OSError:
            self._shut()
        finally:
            self._sending = None

    async def _send_one(self, line: bytes, files: Sequence[int]) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._sock, line[:-1] if files else line)
        while files:
            try:
                socket.send_fds(self._sock, [line[-1:]], files)
                return
            except BlockingIOError:
                await _until(loop.add_writer, loop.remove_writer, self._sock)

    def _shut(self) -> None:
        """Who reads from it gets to the end."""
        self._forget(self._unsent)
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """``line`` comes to its end; what was to be sent is still sent."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)

    def drop(self) -> None:
        """Whatever was not sent is lost; ``line`` comes to its end."""
        self.closed = True
        self._shut()

    async def close(self) -> None:
        """What was to be sent is sent, if the other side takes it within a moment. Nobody may be at ``line``."""
        self.closed = True
        try:
            if (sending := self._sending) is not None:
                await asyncio.wait([sending], timeout=1.0)
                sending.cancel()
                await asyncio.wait([sending])
        finally:
            self._forget(self._unsent)
            self._forget(self._lines)
            self._sock.close()

    @staticmethod
    def _forget(lines: deque[Line]) -> None:
        for line in lines:
            close_all(line.files)
        lines.clear()


async def _until(add: Callable[..., object], remove: Callable[..., object], sock: socket.socket) -> None:
    """It can be read, or written to."""
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def is_ready() -> None:
        if not ready.done():
            ready.set_result(None)

    add(sock, is_ready)
    try:
        await ready
    finally:
        remove(sock)


def close_all(files: Sequence[int]) -> None:
    for file in files:
        os.close(file)


def encode(message: Mapping[str, Any]) -> bytes:
    return dump_json(message).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Raises ``UsageError`` for what is no JSON object."""
    try:
        found = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not JSON: {error}", hint="one JSON object a line, in UTF-8") from None
    if not isinstance(found, dict):
        raise UsageError("not a JSON object", hint='as in {"id": 1, "method": "hello", "params": {}}')
    return found


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def error_json(error: BaseException) -> dict[str, Any]:
    """What ``error_of`` makes the same error of; any other error than ours is a bug."""
    if not isinstance(error, AgentrtError):
        said = f"{type(error).__name__}: {error}"
        return {"code": HostBug.code, "message": f"a mistake in agentrt itself: {said}", "hint": "host.log says where"}
    document: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.hint}
    if isinstance(error, Conflict):
        document["conflicts"] = [conflict.to_dict() for conflict in error.conflicts]
    elif isinstance(error, DocumentError):
        document |= {"file": error.file, "line": error.line, "column": error.column}
    elif isinstance(error, SandboxUnavailable):
        document["cause"] = error.cause
    return document


def error_of(document: Mapping[str, Any]) -> AgentrtError:
    """The error that ``error_json`` was made of; of a code that is not known here, a plain ``AgentrtError``."""
    kind = _by_code().get(str(document.get("code")), AgentrtError)
    more: dict[str, Any] = {"hint": document.get("hint", "")}
    if issubclass(kind, Conflict):
        more["conflicts"] = [PathConflict.from_dict(conflict) for conflict in document.get("conflicts", ())]
    elif issubclass(kind, DocumentError):
        more |= {key: document[key] for key in ("file", "line", "column") if key in document}
    elif issubclass(kind, SandboxUnavailable):
        more["cause"] = document.get("cause", "unknown")
    return kind(str(document.get("message", "")), **more)


def _by_code() -> dict[str, type[AgentrtError]]:
    found: dict[str, type[AgentrtError]] = {}
    kinds: list[type[AgentrtError]] = [AgentrtError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        found.setdefault(kind.code, kind)
    return found


def gone(why: str) -> HostGone:
    return HostGone(why, hint="nothing is lost: the journal has what was done; connect again")
