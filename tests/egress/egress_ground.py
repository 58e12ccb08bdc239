"""A gate, servers behind it, and clients of several manners; all of it in this process, on the loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h11

from agentrt.egress import Authority, Gate, Held, hold
from agentrt.records import Admission, Request, Secret

TOKEN = "s3cr3t-Value/9+8=x"
"""With characters that other forms write differently."""
CANARY = b"canary-5f2e9c71-AKIA"


@dataclass
class Seen:
    """A request, as a server got it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    body: bytes | Sequence[bytes] = b"hello"
    """Several pieces come in as many chunks."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Seen], Answer]


class Server:
    """HTTP/1.1, and what it was asked."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.seen: list[Seen] = []
        self.connections = 0

    async def start(self, context: ssl.SSLContext | None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = h11.Connection(h11.SERVER)

        async def event() -> Any:
            while (found := talk.next_event()) is h11.NEED_DATA:
                talk.receive_data(await reader.read(65536))
            return found

        try:
            while isinstance(request := await event(), h11.Request):
                body = b""
                while isinstance(data := await event(), h11.Data):
                    body += bytes(data.data)
                headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
                seen = Seen(request.method.decode(), request.target.decode(), headers, body)
                self.seen.append(seen)
                answer = self.handler(seen)
                sent = [*answer.headers.items()]
                if isinstance(answer.body, bytes):
                    sent.append(("Content-Length", str(len(answer.body))))
                writer.write(talk.send(h11.Response(status_code=answer.status, headers=sent, reason=b"x")) or b"")
                for piece in [answer.body] if isinstance(answer.body, bytes) else answer.body:
                    if seen.method != "HEAD" and piece:
                        writer.write(talk.send(h11.Data(data=piece)) or b"")
                        await writer.drain()
                        await asyncio.sleep(0)
                writer.write(talk.send(h11.EndOfMessage()) or b"")
                await writer.drain()
                if talk.our_state is not h11.DONE:
                    break
                talk.start_next_cycle()
        except (OSError, h11.RemoteProtocolError):
            pass  # the client hung up
        finally:
            writer.transport.abort()


Admit = Callable[[Request], Admission]


def allow(request: Request) -> Admission:
    return Admission(verdict="allow", rule="t.yaml:1", reversibility="reversible", private=True)


def inspect(request: Request) -> Admission:
    verdict: Any = "inspect" if request.path is None else "allow"
    return Admission(verdict=verdict, rule="t.yaml:2", reversibility="reversible", private=True)


def public(request: Request) -> Admission:
    return Admission(verdict="allow", rule="t.yaml:3")


def deny(request: Request) -> Admission:
    return Admission(verdict="deny", rule="t.yaml:4", because="not for agents")


def secret(*hosts: str, name: str = "API", value: str = TOKEN) -> Held:
    return hold([Secret(name=name, value=value, hosts=hosts)])[0]


class World:
    """Names under .test are all here."""

    def __init__(self, folder: Path, monkeypatch: Any) -> None:
        self.authority, self.outer = Authority(), Authority()
        (folder / "outer.pem").write_bytes(self.outer.certificate)
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "outer.pem"))
        self.names: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self._servers: list[Server] = []

    async def resolver(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host in self.names:
            return self.names[host]
        if not host.endswith(".test"):
            raise OSError("no such name")
        return ["127.0.0.1"]

    async def http(self, handler: Handler = lambda seen: Answer()) -> Server:
        server = Server(handler)
        await server.start(None)
        self._servers.append(server)
        return server

    async def https(self, handler: Handler = lambda seen: Answer(), *, name: str = "api.test") -> Server:
        server = Server(handler)
        await server.start(self.outer.context(name))
        self._servers.append(server)
        return server

    @asynccontextmanager
    async def gate(self, admit: Admit = allow, **options: Any) -> AsyncIterator[Door]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with Gate(admit, authority=self.authority, resolver=self.resolver, **options) as gate:
                gate.start(listener)
                yield Door(gate, listener.getsockname()[1], self.authority)

    async def close(self) -> None:
        for server in self._servers:
            await server.stop()


class Door:
    """A gate as a client sees it."""

    def __init__(self, gate: Gate, port: int, authority: Authority) -> None:
        self.gate, self.port = gate, port
        self.trusting = ssl.create_default_context(cadata=authority.certificate.decode())

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def raw(self, data: bytes) -> bytes:
        """All that is answered."""
        reader, writer = await self.open()
        return await all_of(reader, writer, data)

    async def get(self, url: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
        host = url.split("/")[2]
        lines = [f"{method} {url} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return await self.raw("\r\n".join([*lines, "", ""]).encode() + body)

    async def tunnel(self, target: str) -> tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]:
        """The answer to CONNECT, without its body."""
        reader, writer = await self.open()
        writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        return await reader.readuntil(b"\r\n\r\n"), reader, writer

    async def tls(
        self, target: str, *, name: str | None = None, trusting: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Through a tunnel. Raises ``ssl.SSLError``, ``ConnectionError``."""
        answer, reader, writer = await self.tunnel(target)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        await writer.start_tls(trusting or self.trusting, server_hostname=name or target.rpartition(":")[0])
        return reader, writer

    async def secure(self, target: str, path: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
        reader, writer = await self.tls(target)
        host = target.removesuffix(":443")
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return await all_of(reader, writer, "\r\n".join([*lines, "", ""]).encode() + body)


async def until(condition: Callable[[], bool]) -> None:
    """Raises ``TimeoutError``."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def all_of(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> bytes:
    try:
        writer.write(data)
        async with asyncio.timeout(20):
            found = bytearray()
            try:
                while piece := await reader.read(65536):
                    found += piece
            except OSError:
                pass  # what came by then counts
            return bytes(found)
    finally:
        writer.transport.abort()
