"""What waits in the outbox with a time goes out when that is over, also where nobody does anything in its session."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from agentrt.errors import AgentrtError
from agentrt.history.journal import Journal
from agentrt.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from .host import Host

CALM = 0.5
"""Seconds after something happened until it is looked at again."""
_LONGEST = 60.0
"""Seconds until it is looked at in any case: the machine may have slept, or the clock was set."""


async def keep_times(host: Host) -> None:
    """For good. Each is tried once: what could not go out then waits for a person, or for the session to go on."""
    tried = set[tuple[str, int]]()
    while True:
        host.moved.clear()
        try:
            waits = [each for each in await asyncio.to_thread(_due, host) if each[:2] not in tried]
            now = time.time()
            late = {(session, op) for session, op, due in waits if due <= now}
            tried |= late
            for session in sorted({session for session, _ in late}):
                await _send(host, session)
            first = min((due - now for *_, due in waits if due > now), default=_LONGEST)
        except Exception as error:
            host.bug(error)
            first = _LONGEST
        with suppress(TimeoutError):
            async with asyncio.timeout(min(first, _LONGEST)):
                await host.moved.wait()
                await asyncio.sleep(CALM)


def _due(host: Host) -> list[tuple[str, int, float]]:
    try:
        with Journal.open(host.store.journal, read_only=True) as journal:
            return journal.due()
    except AgentrtError:
        return []  # there is none yet, or whoever opens it next says what is wrong


async def _send(host: Host, session: str) -> None:
    from agentrt.reviewing import keep_times

    try:
        async with host.runtimes.lend(session, to_act=False) as runtime, runtime.turn:
            lines = await uninterrupted(keep_times(runtime, to_send=True))
    except AgentrtError as error:
        lines = (f"the time of what waits in the outbox is over, but it was not sent: {error}",)
    if lines:
        host.noted(session, lines)
    host.journal_changed()
