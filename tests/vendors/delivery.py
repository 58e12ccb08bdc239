"""How a turn goes out on the connection: whole, in events, with waits and cuts."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, BinaryIO

from vendors.refusal import of_trouble
from vendors.request import Request
from vendors.script import Cut, Failure, Hang, Overflow, Reply, Reset, Trouble, Turn
from vendors.sse import Answer, Event
from vendors.state import State


class Gone(Exception):
    """The connection ends here."""


@dataclass(frozen=True)
class Send:
    status: int
    body: dict[str, Any] | str
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Stream:
    """Events; ``None`` among them is where it waits."""

    events: list[Event | None]
    wait: float = 0
    half: Event | None = None
    """Only its first half is sent, last."""
    ends: bool = True
    """As HTTP says a body ends. False: the connection is closed."""


@dataclass(frozen=True)
class Half:
    """The first half of a body that was announced whole."""

    body: dict[str, Any]


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Close:
    reset: bool = False


Step = Send | Stream | Half | Wait | Close


def deliver(turn: Turn, request: Request, speaks: Any, state: State, identity: str) -> list[Step]:
    """``speaks``: a protocol's module. Raises ``Refusal``."""
    if isinstance(turn, Reset):
        return [Close(reset=True)]
    if isinstance(turn, Overflow):
        raise speaks.overflow(turn)
    if isinstance(turn, Trouble):
        body = speaks.error(of_trouble(turn), identity) if turn.body is None else turn.body
        return [Send(turn.status, dict(body) if isinstance(body, Mapping) else body, turn.headers)]
    if isinstance(turn, Hang) and turn.reply is None:
        return [Wait(turn.seconds), Close()]
    reply = turn if isinstance(turn, Reply) else turn.reply
    assert reply is not None
    answer = speaks.answer(request, reply, state)
    return _streamed(turn, answer, speaks) if request.streamed else _whole(turn, answer, speaks, identity)


def _streamed(turn: Turn, answer: Answer, speaks: Any) -> list[Step]:
    match turn:
        case Cut():
            sent, rest = answer.events[: turn.after_events], answer.events[turn.after_events :]
            return [Stream([*sent], half=rest[0] if turn.mid_event and rest else None, ends=turn.clean)]
        case Failure():
            return [Stream(speaks.failure(turn, answer))]
        case Hang():
            at = turn.after_events
            return [Stream([*answer.events[:at], None, *answer.events[at:]], turn.seconds)]
    return [Stream([*answer.events])]


def _whole(turn: Turn, answer: Answer, speaks: Any, identity: str) -> list[Step]:
    match turn:
        case Cut():
            return [Half(answer.whole), Close()]
        case Failure():
            refusal = speaks.failure_status(turn)
            return [Send(refusal.status, speaks.error(refusal, identity))]
        case Hang():
            return [Wait(turn.seconds), Send(200, answer.whole)]
    return [Send(200, answer.whole)]


class Wire:
    """One connection, while one request is answered."""

    def __init__(self, out: BinaryIO, connection: socket.socket, closing: threading.Event) -> None:
        self._out, self._connection, self._closing = out, connection, closing

    def play(self, steps: list[Step], identity: str) -> None:
        for step in steps:
            match step:
                case Send():
                    self.send(step.status, step.body, identity, step.headers or {})
                case Half():
                    body = json.dumps(step.body).encode()
                    self._head(200, {"content-type": "application/json", "content-length": str(len(body))}, identity)
                    self._write(body[: len(body) // 2])
                case Wait():
                    self._wait(step.seconds)
                case Close():
                    if step.reset:
                        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        self._connection.close()
                    raise Gone
                case Stream():
                    self._stream(step, identity)

    def send(self, status: int, body: Any, identity: str, headers: Mapping[str, str] | None = None) -> None:
        text = isinstance(body, str)
        raw = body.encode() if text else json.dumps(body).encode()
        kind = "text/html; charset=utf-8" if text else "application/json"
        self._head(status, {"content-type": kind, "content-length": str(len(raw)), **(headers or {})}, identity)
        self._write(raw)

    def _stream(self, stream: Stream, identity: str) -> None:
        head = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}
        self._head(200, {**head, "cache-control": "no-cache"}, identity)
        for event in self._each(stream):
            self._chunk(event.wire)
        if stream.half is not None:
            self._chunk(stream.half.wire[: len(stream.half.wire) // 2])
        if not stream.ends:
            raise Gone
        self._write(b"0\r\n\r\n")

    def _each(self, stream: Stream) -> Iterator[Event]:
        for event in stream.events:
            if event is None:
                self._wait(stream.wait)
            else:
                yield event

    def _wait(self, seconds: float) -> None:
        """Raises ``Gone`` where the server closes meanwhile."""
        if self._closing.wait(seconds):
            raise Gone

    def _head(self, status: int, headers: Mapping[str, str], identity: str) -> None:
        phrases = {one.value: one.phrase for one in HTTPStatus}
        lines = [f"HTTP/1.1 {status} {phrases.get(status, 'Unknown')}", f"request-id: {identity}"]
        lines += [f"x-request-id: {identity}", *(f"{name}: {value}" for name, value in headers.items())]
        self._write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def _chunk(self, data: bytes) -> None:
        self._write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._out.flush()
