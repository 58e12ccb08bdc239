"""Which sessions of the workspace are open: as long as somebody needs them, and a moment longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from agentrt.contracts import Ask, Sandbox
from agentrt.errors import UnknownOperation
from agentrt.history.journal import Journal
from agentrt.history.store import Lock, Store, create
from agentrt.opening import open_beside
from agentrt.reader import open_reader
from agentrt.runtime import Runtime

from .setup import How
from .wire import gone


@dataclass
class Seat:
    """An open session, and how many need it."""

    runtime: Runtime
    how: How
    users: int = 0
    own: bool = True
    """It is ours to close."""
    told: int = 0
    """How many of its notes have been told."""
    closing: asyncio.TimerHandle | None = None
    free: asyncio.Event = field(default_factory=asyncio.Event)
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    looker: Sandbox | None = None


class Runtimes:
    """The first one opened takes the workspace's lock, the last one closed lets go of it."""

    def __init__(
        self,
        store: Store,
        how: Callable[[], How],
        asks: Callable[[str], Ask | None],
        noted: Callable[[str, tuple[str, ...]], None],
        linger: float,
    ) -> None:
        """``how``: with what a session is opened where nobody says; ``asks``: who is asked, by session; ``noted``: is
        told what there is to note; ``linger``: seconds that one stays open when nobody needs it any more."""
        self._store, self._how, self._asks, self._noted, self._linger = store, how, asks, noted, linger
        self._seats: dict[str, Seat] = {}
        self._gate, self._making = asyncio.Lock(), asyncio.Lock()
        self._closings: set[asyncio.Task[None]] = set()
        self._over = False

    @property
    def open(self) -> tuple[str, ...]:
        return tuple(self._seats)

    async def resolve(self, session: str | None, *, make: bool = False) -> str:
        """The session named, or the workspace's current one; ``make``: the first one, where there is none.

        Raises ``UnknownOperation``, ``JournalError``.
        """
        try:
            with open_reader(self._store.workspace, session=session) as reader:
                return reader.session
        except UnknownOperation:
            if session is not None or not make:
                raise
        async with self._making:  # of several who want the first one, one makes it
            try:
                return await self.resolve(None)
            except UnknownOperation:
                return await self.new("")

    async def new(self, title: str) -> str:
        """A session on the untouched workspace, which becomes the current one. Raises as ``Runtime.open``."""
        async with self._gate:
            if self._seats:
                return next(iter(self._seats.values())).runtime.new_session(title).id
            return await asyncio.to_thread(self._made, title)

    def _made(self, title: str) -> str:
        create(self._store)
        with Lock(self._store).acquire(), Journal.open(self._store.journal) as journal:
            return journal.create_session(title=title).id

    @asynccontextmanager
    async def lend(self, session: str, how: How | None = None, *, to_act: bool = True) -> AsyncIterator[Runtime]:
        """The session's runtime; opened, or opened anew, ``how`` it is wanted. Without ``to_act`` it may be one in
        which nothing can be run. Raises as ``Runtime.open``."""
        seat = await self._take(session, how, to_act)
        try:
            yield seat.runtime
        finally:
            self._give_back(session, seat)

    @asynccontextmanager
    async def look(self, session: str) -> AsyncIterator[tuple[Runtime, Sandbox]]:
        """And a sandbox to look into that no action keeps busy, for one at a time."""
        seat = await self._take(session, None, False)
        try:
            async with seat.looking:
                if seat.looker is None:
                    seat.looker = await seat.runtime.sandbox.fork(seat.runtime.view.snapshot)
                yield seat.runtime, seat.looker
        finally:
            self._give_back(session, seat)

    def adopt(self, runtime: Runtime) -> None:
        """One that somebody else opened, and closes."""
        seat = Seat(runtime, self._how(), users=1, told=len(runtime.notes), own=False)
        self._seats[runtime.session] = seat

    async def fork(self, session: str, op: int) -> str:
        """Raises as ``Runtime.fork``."""
        async with self.lend(session, to_act=False) as runtime:
            branch = await runtime.fork(op)
            seat = self._seats[branch.session] = Seat(branch, self._seats[session].how, users=1)
            branch.ask = self._asks(branch.session)
            self._give_back(branch.session, seat)
            return branch.session

    def read_rules_again(self) -> None:
        """The user's policy has changed. Raises ``DocumentError``, ``UsageError``."""
        for seat in self._seats.values():
            seat.runtime.rules.read_again()

    async def close(self) -> None:
        """All of them, whoever needs them."""
        async with self._gate:
            self._over = True
            for session in list(self._seats):
                await self._close(session)
        if self._closings:
            await asyncio.wait(self._closings)

    async def _take(self, session: str, how: How | None, to_act: bool) -> Seat:
        while True:
            async with self._gate:
                seat = self._seats.get(session)
                if seat is not None and not _fits(seat.how, how, to_act):
                    if seat.users:
                        seat.free.clear()
                    else:
                        await self._close(session)
                        seat = None
                if seat is None:
                    seat = await self._opened(session, how or replace(self._how(), to_act=to_act))
                if _fits(seat.how, how, to_act):
                    seat.users += 1
                    if seat.closing is not None:
                        seat.closing.cancel()
                        seat.closing = None
                    return seat
            await seat.free.wait()

    async def _opened(self, session: str, how: How) -> Seat:
        if self._over:
            raise gone("the host ends")
        create(self._store)
        given: dict[str, Any] = {
            "policy": how.policy,
            "sandbox": how.sandbox,
            "folder": how.folder,
            "to_act": how.to_act,
        }
        if self._seats:
            other = next(iter(self._seats.values())).runtime
            runtime = await open_beside(other, session, **given)
        else:
            runtime = await Runtime.open(self._store.workspace, session=session, **given)
        runtime.ask = self._asks(session)
        seat = self._seats[session] = Seat(runtime, how)
        self._tell(seat)
        return seat

    def _give_back(self, session: str, seat: Seat) -> None:
        self._tell(seat)
        seat.users -= 1
        if not seat.users and self._seats.get(session) is seat:
            seat.free.set()
            seat.closing = asyncio.get_running_loop().call_later(self._linger, self._let_go, session, seat)

    def _tell(self, seat: Seat) -> None:
        if new := seat.runtime.notes[seat.told :]:
            seat.told += len(new)
            self._noted(seat.runtime.session, new)

    def _let_go(self, session: str, seat: Seat) -> None:
        async def work() -> None:
            async with self._gate:
                if self._seats.get(session) is seat and not seat.users:
                    await self._close(session)

        task = asyncio.get_running_loop().create_task(work())
        self._closings.add(task)
        task.add_done_callback(self._closings.discard)

    async def _close(self, session: str) -> None:
        """The caller holds the gate."""
        seat = self._seats.pop(session)
        if seat.closing is not None:
            seat.closing.cancel()
        try:
            if seat.looker is not None:
                await seat.looker.close()
        finally:
            if seat.own:
                await seat.runtime.close()


def _fits(there: How, wanted: How | None, to_act: bool) -> bool:
    if wanted is None:
        return there.to_act or not to_act
    return there == wanted
