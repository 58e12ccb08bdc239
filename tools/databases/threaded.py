"""What databases have in common whose drivers block: their work is done in threads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from agentrt.contracts import Planned, Step
from agentrt.errors import ResourceError

from .kept import file_of
from .rows import Move

T = TypeVar("T")
R = TypeVar("R")


class Closes(Protocol):
    """The connection of one action."""

    def close(self) -> None: ...


S = TypeVar("S", bound=Closes)
P = TypeVar("P")


class Threaded(ABC, Generic[S, P]):
    """Half of a ``Database``: an action runs in a session ``S``; ``P`` is steps that are taken, and not committed yet.
    What undo needs is kept in ``aside/<mark>/<name>.json``."""

    def __init__(self, name: str, aside: Path) -> None:
        self.name, self._aside = name, aside
        self._mark: str | None = None
        self._session: S | None = None
        self._planned: P | None = None
        """In a transaction that is open."""

    @abstractmethod
    async def discard(self) -> None: ...

    @abstractmethod
    def _plan(self, steps: Sequence[Step]) -> Planned:
        """Take the steps, and leave them in ``_planned`` where nothing stands against them."""

    @abstractmethod
    def _finish(self, planned: P) -> None:
        """Commit. Where it raises, nothing is done."""

    @abstractmethod
    async def _apart(self, work: Callable[[], T], session: S | None = None) -> T:
        """``work`` in a thread, which is over when this returns or raises. Cancelled, what ``session`` runs is ended;
        what is not a session's is done to its end."""

    async def shelve(self) -> None:
        await self._drop()
        self._mark = None

    async def plan_undo(self, steps: Sequence[Step]) -> Planned:
        """Raises ``ResourceError``."""
        await self.discard()
        return await self._apart(lambda: self._plan(steps))

    async def undo(self) -> None:
        """Raises ``ResourceError``."""
        planned, self._planned = self._planned, None
        if planned is not None:
            await self._apart(lambda: self._finish(planned))

    async def close(self) -> None:
        await self.discard()

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await self._apart(session.close)

    def _moves(self, steps: Sequence[Step], load: Callable[[Path], R | None]) -> list[Move[R]]:
        """With what is kept of each. Raises ``ResourceError``."""
        moves = []
        for mark, way in steps:
            record = load(self._file(mark))
            if record is None:
                raise ResourceError(f"what undo needs of {mark} in {self.name} is gone", hint="nothing was touched")
            moves.append(Move(record, "before" if way == "back" else "after"))
        return moves

    def _file(self, mark: str) -> Path:
        return file_of(self._aside, mark, self.name)
