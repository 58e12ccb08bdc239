"""Whose turn it is: one operation of a session at a time, and nobody on the workspace while it changes.

Runtimes that were forked from each other work at the same time, each with a sandbox of its own, over one workspace.
What is mounted over a folder must not see that folder change, so whoever changes it waits until nobody stands on it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType


class Ground:
    """The real workspace under all runtimes of this process: many may stand on it, or one may have it alone.

    Who comes first is let in first, so that neither side waits for ever.
    """

    def __init__(self) -> None:
        self._standing = 0
        self._alone = False
        self._waiting: deque[tuple[bool, asyncio.Future[None]]] = deque()

    async def enter(self, *, alone: bool = False) -> None:
        """Wait until there is room; then ``leave``. Cancelled, nothing is held."""
        if not self._waiting and self._has_room(alone):
            self._let_in(alone)
            return
        entry = (alone, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            await entry[1]
        except asyncio.CancelledError:
            if entry in self._waiting:
                self._waiting.remove(entry)
                self._next()
            else:  # let in just before it was cancelled
                self.leave()
            raise

    def leave(self) -> None:
        if self._alone:
            self._alone = False
        else:
            self._standing -= 1
        self._next()

    def _next(self) -> None:
        while self._waiting and self._has_room(self._waiting[0][0]):
            alone, admitted = self._waiting.popleft()
            self._let_in(alone)
            if not admitted.done():
                admitted.set_result(None)

    def _has_room(self, alone: bool) -> bool:
        return not self._alone and not (alone and self._standing)

    def _let_in(self, alone: bool) -> None:
        if alone:
            self._alone = True
        else:
            self._standing += 1


class Turn:
    """One runtime's: ``async with`` it while an operation is in progress.

    The own turn is taken before the ground, always, and nobody on the ground waits for a turn: so nobody waits in a
    circle. An operation must not wait for one of another runtime.
    """

    def __init__(self, ground: Ground) -> None:
        self._lock = asyncio.Lock()
        self._ground = ground
        self._stands = False

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        try:
            await self._ground.enter()
        except BaseException:
            self._lock.release()
            raise
        self._stands = True

    async def alone(self) -> None:
        """From here to the end of this turn no other runtime is at work: the real workspace may be changed.

        Others may change it before that; of this session nothing changes.
        """
        self._stands = False
        self._ground.leave()
        await self._ground.enter(alone=True)
        self._stands = True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stands:
            self._stands = False
            self._ground.leave()
        self._lock.release()
