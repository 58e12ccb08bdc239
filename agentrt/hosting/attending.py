"""The host of a headless run: it listens while the run goes, and its clients are whom the run asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from agentrt.agent.conclusion import INTERRUPTED, Ending
from agentrt.agent.events import Event
from agentrt.contracts import Ask, Inquire, Question
from agentrt.errors import AgentrtError, HostGone, SessionBusy
from agentrt.history.store import Store
from agentrt.records import Answer
from agentrt.runtime import Runtime
from agentrt.session import Result

from . import state
from .address import Address
from .client import Client
from .host import Host
from .progress import told_of
from .questions import first
from .runs import Elsewhere
from .serving import accept
from .setup import Setup

_TRIES, _PAUSE = 100, 0.02


class Attending:
    """One run's. Where it cannot listen the run goes on as it would without."""

    def __init__(self, stop: Callable[[], None], ask: Ask | None = None, inquire: Inquire | None = None) -> None:
        """``stop`` makes the run end, as a signal would; ``ask`` and ``inquire`` put questions to who is at the
        terminal, if anybody is: then the first answer counts, of whomever. Else a person is there while a client is
        attached."""
        self._stop, self._ask, self._inquire = stop, ask, inquire
        self._host: Host | None = None
        self._session = ""

    def tell(self, event: Event) -> None:
        """``OnEvent`` of the run."""
        if self._host is not None:
            self._host.tell(self._session, event)

    def heard(self) -> list[str]:
        return [] if self._host is None else self._host.runs.heard(self._session)

    async def inquire(self, question: str) -> str | None:
        """``contracts.Inquire``"""
        host, ways = self._host, list[Awaitable[str | None]]()
        if self._inquire is not None:
            ways.append(self._inquire(question))
        if host is not None and (host.present or ways):
            ways.append(host.questions.inquire(self._session, lambda: host.state(self._session).actor)(question))
        return await first(*ways) if ways else None

    async def around(self, runtime: Runtime, work: Awaitable[Result]) -> Result:
        """The run itself, with somebody listening. Raises what it raises."""
        address = await _address(runtime.store)
        if address is None:
            return await work
        try:
            host = self._host = Host(runtime.store, Setup(runtime.store.workspace))
            host.headless, self._session = True, runtime.session
            here = host.runs.line(runtime.session).elsewhere = Elsewhere(self._stop)
            host.runtimes.adopt(runtime)
            host.attached = lambda: self._who_is_there(runtime, host)
            host.attached()
            accepting = asyncio.get_running_loop().create_task(accept(address, host))
            ending = INTERRUPTED
            try:
                with told_of(host):
                    result = await work
                ending = Ending(code=result.code, reason=result.reason, hint=result.hint)
                return result
            except AgentrtError as error:
                ending = Ending(code=error.code, reason=str(error), hint=error.hint)
                raise
            finally:
                host.attached = lambda: None
                accepting.cancel()
                with suppress(asyncio.CancelledError, OSError):
                    await accepting
                await self._end(host, here, runtime, ending)
        finally:
            self._host = None
            address.close()

    def _who_is_there(self, runtime: Runtime, host: Host) -> None:
        by_clients = host.ask(runtime.session)
        if self._ask is not None:
            runtime.ask = _both(self._ask, by_clients)
        elif host.present:
            runtime.ask = by_clients
        else:
            runtime.ask = None
            host.questions.nobody()

    async def _end(self, host: Host, here: Elsewhere, runtime: Runtime, ending: Ending) -> None:
        """Who waited for the run to end does what it had to (an undo), before the workspace is let go of."""
        session = runtime.session
        host.change(session, lambda s: state.ended(s, ending))
        host.runs.line(session).elsewhere = None
        host.ending = True
        here.over.set()
        await host.close()
        host.runs.write_down(runtime)


async def _address(store: Store) -> Address | None:
    """A host that listens here has nothing to do, as it has not the workspace: its clients are ours now."""
    for _ in range(_TRIES):
        try:
            return Address.take(store)
        except SessionBusy:
            try:
                async with await Client.connect(store.workspace, start=False) as client:
                    await client.ask("leave")
            except HostGone:
                pass  # it left by itself
            except AgentrtError:
                return None
        except (AgentrtError, OSError):
            return None
        await asyncio.sleep(_PAUSE)
    return None


def _both(one: Ask, other: Ask) -> Ask:
    async def ask(question: Question) -> Answer:
        return await first(one(question), other(question))

    return ask
