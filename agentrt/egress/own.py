"""Requests of agentrt's own: as those from inside, but that all of them is seen, https too."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

import h11

from agentrt.contracts import HTTP, Answer, Call, Takes
from agentrt.errors import HeldBack, ResourceError, Unanswered, UsageError
from agentrt.records import Released

from . import limits
from .account import Entry
from .desk import Desk
from .exchange import Exchanges
from .refused import Held, Refused
from .streams import Connection
from .talk import Talk
from .targets import whole


@dataclass(frozen=True)
class Asked:
    """``contracts.Exchange``"""

    answer: Answer
    entry: Entry

    def kept(self, takes: Takes) -> None:
        self.entry.takes = takes


async def ask(desk: Desk, call: Call, *, about: Takes | None, released: Released | None, kept: str) -> Asked:
    """See ``contracts.Line.ask``; the call has placeholders where secrets are to be."""
    head = _head(call)
    here, there = [await Connection.accepted(end) for end in socket.socketpair()]
    exchanges = Exchanges(
        desk, Talk(here, server=True), about=about, released=released, hold=call.hold, proved=call.proved, kept=kept
    )
    tasks = [asyncio.create_task(exchanges.serve(whole, tunnels=False))]
    talk = Talk(there, server=False)
    try:
        # Who is refused is told so while it is still speaking.
        tasks.append(asyncio.create_task(_say(talk, head, call.body)))
        return await _heard(talk, exchanges, call)
    finally:
        for task in tasks:
            task.cancel()
        for done in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(done, Exception) and not isinstance(done, OSError | h11.RemoteProtocolError):
                raise done
        exchanges.close()
        here.abort()
        there.abort()


def _head(call: Call) -> h11.Request:
    """Raises ``UsageError``."""
    if len(call.body) > limits.BODY_BYTES:
        raise UsageError(f"a body of {len(call.body):,} bytes is too long: {limits.BODY_BYTES:,} at most")
    try:
        headers = [("Host", whole(call.url).authority), ("Content-Length", str(len(call.body))), *call.headers.items()]
        return h11.Request(method=call.method, target=call.url, headers=headers)
    except Refused as refused:
        raise UsageError(f"{call.url}: {refused.because}") from None
    except (h11.LocalProtocolError, UnicodeError) as error:
        raise UsageError(f"it is no request: {error}") from None


async def _say(talk: Talk, head: h11.Request, body: bytes) -> None:
    with suppress(h11.LocalProtocolError):  # the answer was the end of it
        await talk.send(head)
        await talk.send_body(body)
        await talk.send(h11.EndOfMessage())


async def _heard(talk: Talk, exchanges: Exchanges, call: Call) -> Asked:
    status, headers, body = 0, dict[str, str](), bytearray()
    try:
        while not isinstance(event := await talk.event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
                for name, value in event.headers:
                    headers.setdefault(name.decode("ascii").lower(), value.decode("latin-1"))
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > limits.ANSWER_BYTES:
                    raise Unanswered(f"{call.method} {call.url}: its answer is over {limits.ANSWER_BYTES:,} bytes long")
            elif isinstance(event, h11.ConnectionClosed):
                raise h11.RemoteProtocolError("it broke off")
    except (OSError, h11.RemoteProtocolError) as error:
        if isinstance(error, Unanswered):
            raise
        raise Unanswered(f"{call.method} {call.url}: {error}") from error
    entry = exchanges.entry
    assert entry is not None
    if isinstance(entry.refused, Held):
        entry.is_queued, entry.takes = True, Takes(HTTP, "", "reversible")
        entry.due = None if entry.refused.release is None else time.time() + entry.refused.release
        because, rule = entry.refused.because, entry.refused.rule
        raise HeldBack(f"{entry.method} {entry.url}: {because}", rule=rule, due=entry.due)
    if entry.refused is not None:
        raise ResourceError(f"{entry.method} {entry.url} was not sent: {_why(entry.refused)}")
    if entry.status is None:
        because = bytes(body).decode(errors="replace").strip()
        raise Unanswered(because)
    return Asked(Answer(status, headers, bytes(body)), entry)


def _why(refused: Refused) -> str:
    return f"{refused.because} ({refused.rule})" if refused.rule else refused.because
