"""One action's way out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import MappingProxyType

import h11

from agentrt.contracts import Call, Takes
from agentrt.records import Admission, Going, Released, Request, RequestEffect
from agentrt.secrets.held import Held

from . import limits
from .account import Account, Committed
from .authority import Authority
from .desk import Desk
from .exchange import Exchanges
from .guard import Guard
from .outside import Resolver, resolve
from .own import Asked, ask
from .streams import Connection
from .talk import Talk
from .targets import absolute
from .tunnel import serve_connect

_TIRED_SECONDS = 0.05
"""After the machine had no descriptor for one more connection."""


class Gate:
    """Serves the connections of a door (``Sandbox.door``), and keeps account.

    ``admit`` is asked before anything of a request goes out. ``secrets`` are put in for their hosts, ``canaries``
    (name, content) let nothing out any more as soon as one is seen. ``on_sending`` is told of a request before the
    first byte of it goes, and of a canary that was seen: who is killed after that has it written down.
    """

    def __init__(
        self,
        admit: Callable[[Request], Admission],
        *,
        authority: Authority,
        secrets: Sequence[Held] = (),
        canaries: Mapping[str, bytes] = MappingProxyType({}),
        resolver: Resolver = resolve,
        on_sending: Callable[[Going], None] = lambda going: None,
    ) -> None:
        self._account = Account(on_sending)
        self._desk = Desk(admit, authority, Guard(secrets, canaries), resolver, self._account, self._end_others)
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._is_waiting = False
        """For somebody to knock."""
        self._failure: BaseException | None = None

    @property
    def effects(self) -> tuple[RequestEffect, ...]:
        """Of every request, sent or refused, in the order of their beginning."""
        return self._account.effects

    @property
    def committed(self) -> Committed:
        """How many they are while it is open."""
        return self._account.committed

    @property
    def frozen(self) -> str | None:
        """The canary that was on its way out."""
        return self._desk.frozen

    def start(self, listener: socket.socket) -> None:
        """Accept from ``listener``, on the running loop, until ``close``; who knocked before is turned away."""
        self._listener = listener.dup()  # whatever becomes of the sandbox meanwhile, the loop knows this one
        self._listener.setblocking(False)
        _turn_away(self._listener)
        self._wait()

    async def close(self) -> None:
        """End every connection; ``listener`` stays open. After it ``effects`` does not change any more.

        Raises what went wrong in the gate itself.
        """
        listener, self._listener = self._listener, None
        if listener is not None and self._is_waiting:
            asyncio.get_running_loop().remove_reader(listener)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if listener is not None:
            _turn_away(listener)
            listener.close()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    async def __aenter__(self) -> Gate:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ask(
        self, call: Call, *, about: Takes | None = None, released: Released | None = None, kept: str = ""
    ) -> Asked:
        """A request of agentrt's own, also once it is closed. See ``contracts.Line.ask``."""
        return await ask(self._desk, call, about=about, released=released, kept=kept)

    def _wait(self) -> None:
        """For the next to knock, as long as there is room."""
        if self._listener is not None and not self._is_waiting and len(self._tasks) < limits.CONNECTIONS:
            self._is_waiting = True
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)
        self._is_waiting = False
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            self._wait()
        except OSError:
            loop.call_later(_TIRED_SECONDS, self._wait)
        else:
            task = asyncio.create_task(self._serve(connection))
            self._tasks.add(task)
            task.add_done_callback(partial(self._served, connection))
            self._wait()

    def _served(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        connection.close()  # where the task was ended before it began
        self._tasks.discard(task)
        if not task.cancelled():
            self._failure = self._failure or task.exception()
        self._wait()

    def _end_others(self) -> None:
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()

    async def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, h11.RemoteProtocolError):
            stream = await Connection.accepted(connection)
            client = Talk(stream, server=True)
            exchanges = Exchanges(self._desk, client)
            try:
                tunnel = await exchanges.serve(absolute, tunnels=True)
                exchanges.close()
                if tunnel is not None:
                    await serve_connect(self._desk, client, stream, tunnel)
                await stream.linger()
            finally:
                exchanges.close()
                stream.abort()


def _turn_away(listener: socket.socket) -> None:
    """Whoever still waits there belongs to an action that is over."""
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.close()
