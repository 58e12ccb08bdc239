"""A host's life as a process: it listens, and ends when nobody needs it any more."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

from agentrt.errors import SessionBusy
from agentrt.history.store import Store, create

from .address import Address, is_ours
from .clock import keep_times
from .host import Host
from .progress import told_of
from .setup import Setup

GRACE = 5.0
"""Seconds that it waits for somebody to need it."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def serve(store: Store, setup: Setup) -> None:
    """Until nobody is attached and nothing goes on, or a signal comes. Returns at once where somebody listens already.

    Raises ``WorkspaceError``, ``DiskFull``, ``OSError``.
    """
    create(store)
    try:
        address = Address.take(store)
    except SessionBusy:
        return
    try:
        host = Host(store, setup)
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, host.leaving.set)
        accepting, clock = loop.create_task(accept(address, host)), loop.create_task(keep_times(host))
        ends = [loop.create_task(host.leaving.wait()), loop.create_task(_unneeded(host)), accepting]
        with told_of(host):
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in (*ends, clock):
                    end.cancel()
                await asyncio.wait([*ends, clock])
                await host.close()
    finally:
        address.close()
    if not accepting.cancelled():
        accepting.result()


async def accept(address: Address, host: Host) -> None:
    """Let clients in. Raises ``OSError``."""
    while True:
        sock, _ = await asyncio.get_running_loop().sock_accept(address.sock)
        if is_ours(sock):
            host.serve(sock)
        else:
            sock.close()


async def _unneeded(host: Host) -> None:
    while True:
        host.changed.clear()
        if not host.needed:
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await host.changed.wait()
                continue
            if not host.needed:
                return
        else:
            await host.changed.wait()
