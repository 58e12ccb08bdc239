"""The other side: a connection to the host of a workspace."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agentrt.errors import AgentrtError, HostGone
from agentrt.history.store import Store, locate

from .address import connect
from .spawn import Starting
from .wire import Channel, close_all, decode, encode, error_of, gone

HELD = 10_000
"""Events that nobody has asked for yet; of more the oldest are let go."""
_RETRY = 0.05


class Client:
    """``ask`` may be called by many at once, ``events`` by one. When the host goes away both say so; who wants to go on
    connects again."""

    def __init__(self, channel: Channel) -> None:
        """For ``connect``."""
        self._channel = channel
        self._number = 0
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._events: deque[dict[str, Any]] = deque(maxlen=HELD)
        self._came = asyncio.Event()
        self._over: HostGone | None = None
        self._reading = asyncio.get_running_loop().create_task(self._read())
        self.hello: dict[str, Any] = {}
        """Who the host is: ``protocol``, ``version``, ``pid``, ``workspace``, ``headless`` …"""

    @classmethod
    async def connect(cls, workspace: Path | str = ".", *, start: bool = True, watch: bool = False) -> Self:
        """To whoever works on the workspace; ``start``: where nobody does, a process that does so is started, and goes
        when it is not needed any more. ``watch``: only to look on; nobody is taken to be there because of it.

        Raises ``HostGone`` (nobody is there; it cannot be started), ``WorkspaceError``.
        """
        store = locate(workspace)
        starting = Starting(store) if start else None
        try:
            while True:
                if (sock := await asyncio.to_thread(_connected, store)) is not None:
                    client = cls(Channel(sock))
                    try:
                        client.hello = await client.ask("watch" if watch else "hello")
                        return client
                    except HostGone:  # it was just about to go
                        await client.close()
                        if not start:
                            raise
                    except BaseException:
                        await client.close()
                        raise
                if starting is None:
                    raise HostGone(
                        f"nobody works on {store.workspace}", hint="a run does, or the app; agentrt opens it"
                    )
                await starting.see_to_it()
                await asyncio.sleep(_RETRY)
        finally:
            if starting is not None:
                starting.leave()

    async def ask(self, method: str, **params: Any) -> Any:
        """The answer, in plain JSON values. Raises the ``AgentrtError`` that it was refused with; ``HostGone``."""
        return await self.ask_with((), method, **params)

    async def ask_with(self, files: Sequence[int], method: str, /, **params: Any) -> Any:
        """And files that go with the question, which stay the caller's."""
        if self._over is not None:
            raise self._over
        self._number += 1
        number = self._number
        answered = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._channel.send(encode({"id": number, "method": method, "params": params}), files)
            answer = await answered
        finally:
            self._asked.pop(number, None)
        if "error" in answer:
            raise error_of(answer["error"])
        return answer["result"]

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """What happens, from when the connection was made; it ends when the connection does."""
        while True:
            while self._events:
                yield self._events.popleft()
            if self._over is not None:
                return
            self._came.clear()
            await self._came.wait()

    async def close(self) -> None:
        """What it asked for goes on. Closing twice is fine."""
        self._end("the connection is closed")
        if not self._reading.done():
            self._channel.drop()
            with suppress(asyncio.CancelledError):
                await self._reading
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _read(self) -> None:
        try:
            while (line := await self._channel.line()) is not None:
                close_all(line.files)
                self._take(decode(line.text))
        except AgentrtError as error:
            self._end(f"what the host says is not to be understood: {error}")
        self._end("the host went away")

    def _take(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self._events.append(message)
            self._came.set()
        elif (answered := self._asked.get(message.get("id") or 0)) is not None and not answered.done():
            answered.set_result(message)

    def _end(self, why: str) -> None:
        if self._over is None:
            self._over = gone(why)
        for answered in self._asked.values():
            if not answered.done():
                answered.set_exception(self._over)
        self._came.set()


def _connected(store: Store) -> socket.socket | None:
    return connect(store)
