"""CONNECT: a tunnel that stays closed, and is for the server it was asked for; or one that is opened, and judged."""

from __future__ import annotations

import asyncio

import h11

from agentrt.records import Request

from . import limits
from .account import Entry
from .desk import Desk
from .exchange import Exchanges
from .heads import header
from .hello import ALERT, Hello, read_hello
from .hosts import is_address, joined, split_authority
from .outside import connect, find
from .refused import Refused, malformed
from .streams import Connection, Opened
from .talk import Talk
from .targets import origin


async def serve_connect(desk: Desk, client: Talk, stream: Connection, request: h11.Request) -> None:
    """Raises ``OSError`` and ``h11.RemoteProtocolError`` of the client's."""
    entry = desk.begin("CONNECT", request.target.decode())
    try:
        host, port = split_authority(request.target.decode(), None)
        entry.url = desk.guard.masked(joined(host, port))
        named = header(list(request.headers.raw_items()), b"host")
        if named is not None and split_authority(named.decode("latin-1"), port) != (host, port):
            raise malformed(f"the Host header says {named.decode('latin-1')!r}, the tunnel is for {host}")
        desk.guard.check_host(host)
        asked = Request(method="CONNECT", scheme="https", host=host, port=port)
        admission = desk.decide(entry, asked)
        opened = admission.verdict == "inspect" or bool(desk.guard.bound_to(host))
        outside = None
        if not opened:
            way = await find(host, port, desk.resolver, private_is_meant=admission.private)
            outside = await connect(way, tls=False)
    except Refused as refused:
        await client.answer(refused.status, desk.refuse(entry, refused))
        return
    try:
        await _begun(client)
        hello, first = await _hello(stream, client.h11.trailing_data[0])
        _check(hello, host, closed=not opened)
        if outside is None:
            await _open(desk, entry, stream, first, host, port)
        else:
            entry.went = entry.is_closed = True
            await _relay(desk, asked, stream, outside, first, entry)
    except Refused as refused:
        desk.refuse(entry, refused)
        await stream.write(ALERT)
    finally:
        if outside is not None:
            outside.abort()


async def _begun(client: Talk) -> None:
    while not isinstance(await client.event(), h11.EndOfMessage):
        pass
    await client.send(h11.Response(status_code=200, headers=[], reason=b"Connection established"))


async def _hello(stream: Connection, first: bytes) -> tuple[Hello, bytes]:
    """And all that came so far."""
    try:
        async with asyncio.timeout(limits.HELLO_SECONDS):
            while (hello := read_hello(first)) is None:
                more = await stream.read()
                if not more:
                    raise Refused("the tunnel was left before TLS began")
                first += more
    except TimeoutError:
        raise Refused("what goes through this tunnel is not TLS: the client waits to be spoken to") from None
    return hello, first


def _check(hello: Hello, host: str, *, closed: bool) -> None:
    if closed and hello.encrypted:
        raise Refused("TLS hides whom it is for (Encrypted Client Hello)")
    if hello.name is None and not is_address(host):
        raise Refused(f"TLS does not say whom it is for, the tunnel is for {host}")
    if hello.name is not None and hello.name != host:
        raise Refused(f"TLS is for {hello.name}, the tunnel is for {host}")


async def _open(desk: Desk, entry: Entry, stream: Connection, first: bytes, host: str, port: int) -> None:
    """Be ``host`` for the client, and ask the real one what is allowed."""
    inside = Opened(stream, desk.authority.context(host), first)
    try:
        await inside.shake_hands()
    except OSError as error:
        raise Refused(f"TLS did not come about; does the client trust the session's authority? ({error})") from None
    desk.account.drop(entry)  # each request in it has its own
    exchanges = Exchanges(desk, Talk(inside, server=True))
    try:
        await exchanges.serve(lambda text: origin(text, host, port), tunnels=False)
        await inside.end()
    finally:
        exchanges.close()


async def _relay(
    desk: Desk, asked: Request, stream: Connection, outside: Connection, first: bytes, entry: Entry
) -> None:
    """Both ways, until both are at their end or one breaks off."""

    async def send() -> None:
        data = first
        while data:
            try:
                desk.ask_again(entry, asked)
            except Refused as refused:
                raise ConnectionAbortedError(refused.because) from None
            await outside.write(data)
            entry.sent += len(data)
            data = await _read(stream, entry)
        await outside.end()

    async def receive() -> None:
        while data := await _read(outside, entry):
            entry.received += len(data)
            await stream.write(data)
        await stream.end()

    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(send())
            both.create_task(receive())
    except* OSError:
        pass


async def _read(source: Connection, entry: Entry) -> bytes:
    """Idle is a tunnel when nothing goes either way."""
    while True:
        before = entry.sent + entry.received
        try:
            return await source.read()
        except TimeoutError:
            if entry.sent + entry.received == before:
                raise
