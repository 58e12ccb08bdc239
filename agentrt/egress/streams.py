"""Bytes both ways with backpressure: a connection, and TLS opened inside one."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

from . import limits

T = TypeVar("T")


class Stream(Protocol):
    """All of them raise ``OSError`` where the connection is lost, ``TimeoutError`` (one of those) where it is idle."""

    async def read(self) -> bytes:
        """Some; nothing at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Returns when the other side keeps up."""
        ...

    async def end(self) -> None:
        """Nothing more is written."""
        ...


class Connection:
    """A TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._ended = False

    @classmethod
    async def accepted(cls, connection: socket.socket) -> Connection:
        if connection.family != socket.AF_UNIX:  # as a door's may be that leads on to a TCP socket inside
            # Else what is written in two pieces waits for the client to confirm the first.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(*await asyncio.open_connection(sock=connection, limit=limits.CHUNK_BYTES))

    @property
    def is_over(self) -> bool:
        """The other side has said all it will."""
        return self._reader.at_eof() or self._writer.is_closing()

    async def read(self) -> bytes:
        async with asyncio.timeout(limits.IDLE_SECONDS):
            return await self._reader.read(limits.CHUNK_BYTES)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        async with asyncio.timeout(limits.IDLE_SECONDS):
            await self._writer.drain()

    async def end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._writer.transport.set_write_buffer_limits(high=0)
        with suppress(OSError):
            await self.write(b"")  # all there is has gone
            if self._writer.can_write_eof():
                self._writer.write_eof()

    async def linger(self) -> None:
        """Say goodbye, and let the client finish: who is cut off while it speaks does not hear what it was told."""
        await self.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.LINGER_SECONDS):
                while await self.read():
                    pass

    def abort(self) -> None:
        self._writer.transport.abort()


class Opened:
    """TLS inside a connection, as its server. ``first``: what the client has sent of it already."""

    def __init__(self, below: Stream, context: ssl.SSLContext, first: bytes) -> None:
        self._below = below
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._in.write(first)
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)

    async def shake_hands(self) -> None:
        """Raises ``OSError`` where the client will not have us."""
        try:
            await self._through(self._tls.do_handshake)
        except ssl.SSLError:
            with suppress(OSError):
                await self._flush()
            raise

    async def read(self) -> bytes:
        try:
            return await self._through(lambda: self._tls.read(limits.CHUNK_BYTES))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    async def write(self, data: bytes) -> None:
        await self._through(lambda: self._tls.write(data))

    async def end(self) -> None:
        with suppress(OSError):  # it waits for the client's goodbye, which we do not
            self._tls.unwrap()
        await self._flush()
        await self._below.end()

    async def _through(self, call: Callable[[], T]) -> T:
        while True:
            try:
                result = call()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self._below.read()
                if data:
                    self._in.write(data)
                else:
                    self._in.write_eof()
                continue
            await self._flush()
            return result

    async def _flush(self) -> None:
        if self._out.pending:
            await self._below.write(self._out.read())
