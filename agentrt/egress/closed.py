"""A tunnel that stays closed: TLS goes through it to the server it is for, and nothing else does.

What is said in the clear at its beginning is looked at on both sides: a server that asks for another hello (RFC 8446,
section 4.1.4) gets one for the same name, and who does not answer in TLS gets nothing at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from . import limits
from .account import Entry
from .hello import Hello, read_answer, read_hello, skip_others
from .refused import Refused
from .streams import Connection


async def read_client(stream: Connection, data: bytes) -> tuple[Hello, bytes]:
    """The client's hello, and all that came so far. Raises ``Refused``, ``OSError``."""
    try:
        async with asyncio.timeout(limits.HELLO_SECONDS):
            while (hello := read_hello(data)) is None:
                data += await _more(stream, "the tunnel was left before TLS began")
    except TimeoutError:
        raise Refused("what goes through this tunnel is not TLS: the client waits to be spoken to") from None
    return hello, data


async def relay(
    stream: Connection,
    outside: Connection,
    hello: Hello,
    first: bytes,
    entry: Entry,
    check: Callable[[Hello], None],
    ask: Callable[[], None],
) -> None:
    """Both ways, until both are at their end or one breaks off.

    ``check`` looks at a second hello, ``ask`` is asked before each piece goes out. Raises ``Refused`` as these do.
    """
    ask()
    await _send(outside, first[: hello.length], entry)
    first = first[hello.length :]
    answer = b""
    while (again := read_answer(answer)) is None:
        answer += await _more(outside, "the other side left before TLS began")
    entry.received += len(answer)
    await stream.write(answer)
    if again:
        first = await _second(stream, first, check)
    await _pass_on(stream, outside, first, entry, ask)


async def _second(stream: Connection, data: bytes, check: Callable[[Hello], None]) -> bytes:
    """What comes up to and with the other hello."""
    while True:
        others = skip_others(data)
        hello = None if others is None else read_hello(data[others:])
        if hello is not None:
            check(hello)
            return data
        data += await _more(stream, "the tunnel was left before TLS began")


async def _more(source: Connection, otherwise: str) -> bytes:
    if not (data := await source.read()):
        raise Refused(otherwise)
    return data


async def _send(outside: Connection, data: bytes, entry: Entry) -> None:
    await outside.write(data)
    entry.sent += len(data)


async def _pass_on(
    stream: Connection, outside: Connection, first: bytes, entry: Entry, ask: Callable[[], None]
) -> None:
    async def send() -> None:
        data = first or await _read(stream, entry)
        while data:
            try:
                ask()
            except Refused as refused:
                raise ConnectionAbortedError(refused.because) from None
            await _send(outside, data, entry)
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
        pass  # one of the two ends hung up


async def _read(source: Connection, entry: Entry) -> bytes:
    """Idle is a tunnel when nothing goes either way."""
    while True:
        before = entry.sent + entry.received
        try:
            return await source.read()
        except TimeoutError:
            if entry.sent + entry.received == before:
                raise
