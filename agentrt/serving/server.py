"""The server: a few paths, each behind the guard, and an app of its own for every browser that is let in."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from agentrt.errors import UsageError

from .guard import Guard, is_loopback, is_ours
from .pages import HEADERS, REFUSED, contents, page
from .program import Program

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler

HOST = "127.0.0.1"
_LARGEST = 1 << 20
"""Bytes of a message: what one pastes."""
_SIDE = range(1, 1001)
"""Columns and rows that a terminal may have."""


class Server:
    """Serves ``argv``, a Textual app. Usage: ``start``, then ``close`` in any case."""

    def __init__(self, argv: Sequence[str], *, title: str = "agentrt", guard: Guard | None = None) -> None:
        self._argv, self._title = argv, title
        self.guard = guard or Guard()
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._open: set[Program] = set()

    @property
    def url(self) -> str:
        """What lets one in: whoever has it has the app, and what it can do."""
        return f"http://{HOST}:{self.port}/?token={self.guard.token}"

    async def start(self, port: int | None = None) -> None:
        """Listen; without ``port`` on a free one. Raises ``UsageError`` where that port is not to be had."""
        from aiohttp import web

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guarded(request, handler)

        application = web.Application(middlewares=[guarded])
        application.on_response_prepare.append(self._add_headers)
        place = f"/{self.guard.place}"
        self._contents = contents()
        application.add_routes(
            [
                web.get(f"{place}/", self._page),
                web.get(f"{place}/ws", self._socket),
                web.get(f"{place}/{{name}}", self._file),
            ]
        )
        # Addresses are secrets here: none is logged.
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port or 0, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            raise _not_to_be_had(port, error) from None
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """No app is left when this returns."""
        await asyncio.gather(*map(self._end, list(self._open)))
        if self._runner is not None:
            await self._runner.cleanup()

    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        from aiohttp import web

        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not is_loopback(hosts[0]):
            raise web.HTTPForbidden(text="this server has no such name")
        if request.path == "/" and self.guard.knows(request.query.get("token", "")):
            inside = f"/{self.guard.place}/"
            # The token leaves the address bar, and what is kept of it.
            answer = web.Response(status=303, headers={"Location": inside})
            answer.set_cookie(self.guard.name, self.guard.cookie, path=inside, httponly=True, samesite="Strict")
            return answer
        if not self.guard.lets_in(request.cookies.get(self.guard.name, "")):
            raise web.HTTPForbidden(text=REFUSED, content_type="text/html")
        return await handler(request)

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)
        response.headers.pop("Server", None)

    async def _page(self, request: web.Request) -> web.Response:
        from aiohttp import web

        socket = f"ws://{request.headers['Host']}/{self.guard.place}/ws"
        return web.Response(text=page(self._title, socket), content_type="text/html")

    async def _file(self, request: web.Request) -> web.Response:
        from aiohttp import web

        found = self._contents.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found.body, content_type=found.kind)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        from aiohttp import web

        if not is_ours(request.headers.get("Origin", ""), request.headers["Host"]):
            raise web.HTTPForbidden(text="only a page of this server may do that")
        socket = web.WebSocketResponse(heartbeat=15, max_msg_size=_LARGEST)
        await socket.prepare(request)
        program = Program(self._argv, socket.send_bytes)
        self._open.add(program)
        shows: asyncio.Task[None] | None = None
        try:
            await program.start(_side(request.query.get("width"), 80), _side(request.query.get("height"), 24))
            shows = asyncio.create_task(_show(program, socket))
            async for message in socket:
                if message.type is web.WSMsgType.TEXT:
                    await _pass_on(message.data, program, socket)
        finally:
            # Whoever has gone may have taken this task along; the app is ended all the same.
            await asyncio.shield(asyncio.create_task(self._end(program, shows)))
        return socket

    async def _end(self, program: Program, shows: asyncio.Task[None] | None = None) -> None:
        await program.stop()
        self._open.discard(program)
        if shows is not None:
            await asyncio.wait([shows])


async def _show(program: Program, socket: web.WebSocketResponse) -> None:
    with suppress(ConnectionError):
        await program.run()
        await socket.close()


async def _pass_on(text: str, program: Program, socket: web.WebSocketResponse) -> None:
    """What is no message of the page is passed over."""
    try:
        kind, data = (*json.loads(text), None)[:2]
    except (ValueError, TypeError):
        return
    if kind == "stdin" and isinstance(data, str):
        await program.type(data.encode("utf-8", "replace"))
    elif kind == "resize" and isinstance(data, dict):
        await program.tell("resize", width=_side(data.get("width"), 80), height=_side(data.get("height"), 24))
    elif kind in ("focus", "blur"):
        await program.tell(kind)
    elif kind == "ping" and isinstance(data, str):
        await socket.send_json(["pong", data])


def _side(value: Any, default: int) -> int:
    """Columns or rows."""
    try:
        number = int(value)
    except (ValueError, TypeError):
        return default
    return number if number in _SIDE else default


def _not_to_be_had(port: int | None, error: OSError) -> UsageError:
    hint = "name another with --port, or leave that out and a free one is taken"
    if error.errno == errno.EADDRINUSE:
        return UsageError(f"port {port} is taken", hint=hint)
    return UsageError(f"port {port} is not to be had: {error.strerror}", hint=hint)
