"""CONNECT: a tunnel that stays closed, and is for the server it was asked for; or one that is opened, and judged."""

from __future__ import annotations

from functools import partial

import h11

from agentrt.records import Request

from .account import Entry
from .closed import read_client, relay
from .desk import Desk
from .exchange import Exchanges
from .heads import header
from .hello import ALERT, Hello
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
        hello, first = await read_client(stream, client.h11.trailing_data[0])
        _check(hello, host, closed=not opened)
        if outside is None:
            await _open(desk, entry, stream, first, host, port)
        else:
            entry.is_closed = True
            desk.account.goes(entry)
            again = partial(desk.ask_again, entry, asked)
            await relay(stream, outside, hello, first, entry, partial(_check, host=host, closed=True), again)
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
