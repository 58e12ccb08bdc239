"""Requests of one client whose content is seen: each judged, sent with its secrets, and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.client import responses
from typing import NamedTuple

import h11

from agentrt.contracts import Takes
from agentrt.records import Released, Request
from agentrt.secrets.redactor import Redactor

from . import limits
from .account import Entry
from .desk import Desk
from .heads import Head, end_to_end, header
from .outside import Way, connect, find
from .placeholders import Headers, Outgoing
from .refused import Refused, malformed, unreachable
from .streams import Connection
from .talk import Talk
from .targets import Target

_ASKING = frozenset({"GET", "HEAD", "OPTIONS"})
"""They can be asked again, so they may go over a connection that has been used, and may be over."""


class _Line(NamedTuple):
    """An open connection to the outside."""

    place: tuple[str, str, int]
    connection: Connection
    talk: Talk


class Exchanges:
    """Of one client, one after the other."""

    def __init__(
        self,
        desk: Desk,
        client: Talk,
        *,
        about: Takes | None = None,
        released: Released | None = None,
        hold: str = "",
        proved: bool = False,
        kept: str = "",
    ) -> None:
        """Of the one request of agentrt's own, what takes it back, whether it was held back, and why it is to be."""
        self._desk, self._client = desk, client
        self._about, self._released, self._hold, self._proved = about, released, hold, proved
        self._kept = kept
        self.entry: Entry | None = None
        """Of the last one."""
        self._line: _Line | None = None
        self._ways: dict[tuple[str, int, bool], Way] = {}

    async def serve(self, read: Callable[[str], Target], *, tunnels: bool) -> h11.Request | None:
        """Until the client leaves, or has to; with ``tunnels``, until it asks for one, which is returned.

        ``read`` raises ``Refused``. Raises ``OSError`` of the client's.
        """
        while True:
            try:
                request = await self._client.event()
                if not isinstance(request, h11.Request):
                    return None
                if tunnels and request.method == b"CONNECT":
                    return request
                if not await self._one(request, read):
                    return None
            except h11.RemoteProtocolError as error:
                refused = Refused(f"it is no HTTP/1.1: {error}", status=error.error_status_hint)
                entry = self._desk.begin("?", "?")
                await self._client.answer(refused.status, self._desk.refuse(entry, refused))
                return None

    async def _one(self, request: h11.Request, read: Callable[[str], Target]) -> bool:
        """Whether the client may ask for more."""
        method, text = request.method.decode(), request.target.decode()
        self.entry = entry = self._desk.begin(method, text)
        entry.takes, entry.released = self._about, self._released
        entry.hold, entry.proved, entry.kept = self._hold, self._proved, self._kept
        try:
            target = read(text)
            entry.url = self._desk.guard.masked(target.url)
            await self._pass_on(request, method, target, entry)
        except Refused as refused:
            await self._refuse(entry, refused)
        except h11.RemoteProtocolError as error:  # in the body
            await self._refuse(entry, malformed(f"it is no HTTP/1.1: {error}"))
        if self._client.h11.our_state is h11.DONE and self._client.h11.their_state is h11.DONE:
            self._client.h11.start_next_cycle()
            return True
        return False

    async def _refuse(self, entry: Entry, refused: Refused) -> None:
        line = self._desk.refuse(entry, refused)
        self.close()
        await self._client.answer(refused.status, line, bodiless=entry.method == "HEAD")

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.connection.abort()

    async def _pass_on(self, request: h11.Request, method: str, target: Target, entry: Entry) -> None:
        head = Head.of(request, target)
        guard = self._desk.guard
        guard.check_host(target.host)
        outgoing = Outgoing(target.raw, head.headers, None)
        guard.check_names(request.method, outgoing)
        guard.check_outgoing(outgoing)
        asked = [
            Request(
                method=method,
                scheme=target.scheme,
                host=target.host,
                port=target.port,
                path=path,
                reversibility=entry.takes.reversibility if entry.takes is not None else None,
                released=entry.released,
                hold=entry.hold,
                proved=entry.proved,
            )
            for path in target.paths
        ]
        admission = self._desk.decide(entry, *asked)
        way = await self._find(target, admission.private)
        if self._client.h11.they_are_waiting_for_100_continue:
            await self._client.send(h11.InformationalResponse(status_code=100, headers=[]))
        streamed = head.is_chunked or (head.length or 0) > limits.BODY_BYTES
        if not streamed:
            body = b"".join([piece async for piece in self._client.body()])
            outgoing = outgoing._replace(body=body)
            guard.check_outgoing(outgoing)
        entry.used = await guard.freshen(outgoing, way)
        outgoing, entry.secrets = guard.put_in(outgoing, way, scheme=target.scheme)
        bound = guard.bound_to(target.host)
        try:
            sent = head.to_send(outgoing, identity=bool(bound))
        except h11.LocalProtocolError:  # whose text may have a value in it
            raise malformed("with its secrets put in it is no request") from None
        again = method in _ASKING and not streamed and not outgoing.body
        line, used = await self._connect(way, target, again)
        while True:
            try:
                await self._converse(line, sent, outgoing.body, entry, asked, bound)
                break
            except Refused as refused:
                if not (used and refused.status == 502 and entry.status is None):
                    raise
                line, used = await self._connect(way, target, False)

    async def _find(self, target: Target, private: bool) -> Way:
        place = (target.host, target.port, private)
        if place not in self._ways:
            self._ways[place] = await find(target.host, target.port, self._desk.resolver, private_is_meant=private)
        return self._ways[place]

    async def _connect(self, way: Way, target: Target, may_be_used: bool) -> tuple[_Line, bool]:
        """And whether it was open already."""
        place = (target.scheme, target.host, target.port)
        if may_be_used and self._line and self._line.place == place and not self._line.connection.is_over:
            return self._line, True
        self.close()
        connection = await connect(way, tls=target.scheme == "https")
        self._line = _Line(place, connection, Talk(connection, server=False))
        return self._line, False

    async def _converse(
        self,
        line: _Line,
        sent: h11.Request,
        body: bytes | None,
        entry: Entry,
        asked: Sequence[Request],
        values: Sequence[bytes],
    ) -> None:
        """Raises ``Refused``; with 502 where the other side did not do its part."""
        self._desk.account.goes(entry)
        with suppress(OSError):  # where it broke off, there may be an answer all the same
            await line.talk.send(sent)
            if body is not None:
                await line.talk.send_body(body)
                entry.sent = len(body)
                await line.talk.send(h11.EndOfMessage())
        answer = asyncio.create_task(self._answer(line, entry, values))
        pump = None if body is not None else asyncio.create_task(self._pump(line, entry, asked))
        try:
            if pump is not None:
                await asyncio.wait({answer, pump}, return_when=asyncio.FIRST_COMPLETED)
                if pump.done():
                    pump.result()
            await answer
        finally:
            for task in filter(None, (answer, pump)):
                task.cancel()
            await asyncio.gather(*filter(None, (answer, pump)), return_exceptions=True)
        if line.talk.h11.our_state is h11.DONE and line.talk.h11.their_state is h11.DONE:
            line.talk.h11.start_next_cycle()
        else:
            self.close()

    async def _pump(self, line: _Line, entry: Entry, asked: Sequence[Request]) -> None:
        """A body of whatever length. What the other side has to say about its end is in the answer."""
        watch = self._desk.guard.watch()

        async def send(data: bytes) -> None:
            if data and not line.connection.is_over:
                self._desk.ask_again(entry, *asked)
                with suppress(OSError):
                    await line.talk.send_body(data)
                    entry.sent += len(data)

        async for piece in self._client.body():
            await send(watch.feed(piece))
        await send(watch.end())
        with suppress(OSError):
            await line.talk.send(h11.EndOfMessage())

    async def _answer(self, line: _Line, entry: Entry, values: Sequence[bytes]) -> None:
        event = await _next(line)
        while isinstance(event, h11.InformationalResponse):
            if event.status_code == 101:
                raise unreachable("the other side changes the protocol, which nobody asked for")
            event = await _next(line)
        assert isinstance(event, h11.Response)
        entry.status = event.status_code
        if entry.status == 401:
            for held, value in entry.used:
                held.doubt(value)
        headers: Headers = end_to_end(list(event.headers.raw_items()))
        if values:
            coding = header(headers, b"content-encoding") or b"identity"
            if coding.strip().lower() != b"identity":
                raise unreachable(f"{line.place[1]} answers in {coding.decode('latin-1')}, in which no secret is found")
            headers = _masked(headers, values)
        # What a status is called is the other side's to choose: of one that knows a secret in words of our own.
        reason = responses.get(entry.status, "").encode() if values else event.reason
        await self._client.send(h11.Response(status_code=entry.status, headers=headers, reason=reason))
        redactor = Redactor(values) if values else None
        while isinstance(event := await _next(line), h11.Data):
            entry.received += len(event.data)
            await self._client.send_body(bytes(event.data) if redactor is None else redactor.feed(bytes(event.data)))
        if redactor is not None:
            await self._client.send_body(redactor.end())
        await self._client.send(h11.EndOfMessage())


def _masked(headers: Headers, values: Sequence[bytes]) -> Headers:
    """All at once, names and values: as many bytes come out as go in."""
    redactor = Redactor(values)
    pieces = [piece for pair in headers for piece in pair]
    masked, at, found = redactor.feed(b"\n".join(pieces)) + redactor.end(), 0, []
    for piece in pieces:
        found.append(masked[at : at + len(piece)])
        at += len(piece) + 1
    return list(zip(found[::2], found[1::2], strict=True))


async def _next(line: _Line) -> object:
    try:
        return await line.talk.event()
    except (OSError, h11.RemoteProtocolError) as error:
        raise _broke_off(line, error) from None


def _broke_off(line: _Line, error: Exception) -> Refused:
    return unreachable(f"{line.place[1]} broke off: {error or type(error).__name__}")
