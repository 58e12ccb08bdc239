"""One side of a conversation in HTTP/1.1, by h11: strict in what it takes, and in what it lets us say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import h11

from . import limits
from .streams import Stream


class Talk:
    """``server``: we answer; else we ask."""

    def __init__(self, stream: Stream, *, server: bool) -> None:
        self.stream = stream
        role = h11.SERVER if server else h11.CLIENT
        self.h11 = h11.Connection(role, max_incomplete_event_size=limits.HEAD_BYTES)

    async def event(self) -> object:
        """The other side's next, as h11 has them. Raises ``h11.RemoteProtocolError``, ``OSError``."""
        while (event := self.h11.next_event()) is h11.NEED_DATA:
            self.h11.receive_data(await self.stream.read())
        return event

    async def body(self) -> AsyncIterator[bytes]:
        """What follows a head. Raises as ``event``."""
        while isinstance(event := await self.event(), h11.Data):
            yield bytes(event.data)

    async def send(self, event: h11.Event) -> None:
        """Raises ``h11.LocalProtocolError`` (not sent), ``OSError``."""
        if data := self.h11.send(event):
            await self.stream.write(data)

    async def send_body(self, data: bytes) -> None:
        if data:
            await self.send(h11.Data(data=data))

    async def answer(self, status: int, text: str, *, bodiless: bool = False) -> None:
        """An answer of our own: one line, in the status line as well, where some clients (pip) show it from.

        ``bodiless``: it is one to HEAD.
        """
        shown = "".join(character if character.isprintable() else " " for character in text)
        line = shown.encode("ascii", "backslashreplace")
        headers = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Length", str(len(line) + 1).encode())]
        if self.h11.their_state is not h11.DONE:
            headers.append((b"Connection", b"close"))
        with suppress(h11.LocalProtocolError):  # the answer has begun already
            await self.send(h11.Response(status_code=status, headers=headers, reason=line))
            if not bodiless:
                await self.send(h11.Data(data=line + b"\n"))
            await self.send(h11.EndOfMessage())
