"""What actions change outside the sandbox, and what can put it back: databases, APIs.

The changes of one action have a *mark*, unique in the store, which what is kept of them is named after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from agentrt.records import (
    Effect,
    PathConflict,
)

Scalar = str | bytes | int | float | None
Parameters = Sequence[Scalar] | Mapping[str, Scalar]


class Step(NamedTuple):
    """The changes of one action, to be taken back or put there again."""

    mark: str
    way: Literal["back", "forth"]


@dataclass(frozen=True, slots=True)
class Planned:
    """What some steps, one after the other, would do."""

    effects: tuple[Effect, ...] = ()
    conflicts: tuple[PathConflict, ...] = ()
    """What somebody else changed since. Where there are any, nothing is ready to be done."""


class Resource(Protocol):
    """Changed by one action at a time. Raises ``ResourceError`` where it cannot be reached, or fails."""

    @property
    def name(self) -> str: ...

    async def begin(self, mark: str) -> None:
        """What is done from here to ``commit`` or ``discard`` belongs to ``mark``."""
        ...

    async def seal(self) -> Sequence[Effect]:
        """What was done since ``begin``, measured; nothing more is done. All that takes it back is on disk by now, and
        wherever the resource can keep changes to itself, nobody else sees them yet."""
        ...

    async def commit(self) -> None:
        """What was sealed stands. Where it raises, nothing of it does."""
        ...

    async def discard(self) -> None:
        """Nothing stands of what was done since ``begin``, or was planned. Where there is nothing it does nothing."""
        ...

    async def plan_undo(self, steps: Sequence[Step]) -> Planned:
        """Get ready to take these steps, in this order: what they do, and what stands against it. Nobody sees any of it
        yet, and nobody else changes what they are about until ``undo`` or ``discard``, one of which follows.

        Raises ``ResourceError`` where what is kept of one is gone: that is never taken for a change of nothing.
        """
        ...

    async def undo(self) -> None:
        """Do what was planned, where nothing stands against it: all of it. Where it raises, nothing of it is done."""
        ...

    async def stands(self, mark: str) -> bool | None:
        """Whether what was sealed under ``mark`` is there now. None: neither that, nor what was there before."""
        ...

    async def close(self) -> None:
        """Discard, and let go of what it holds. It may be used again."""
        ...


class Answered(NamedTuple):
    """What one statement gave."""

    columns: tuple[str, ...]
    """None of them: it gives no rows."""
    rows: tuple[tuple[Scalar, ...], ...]
    more: bool
    """There were more rows than were asked for."""
    changed: int
    """Rows inserted, updated or deleted by it, not by its triggers."""


class Database(Resource, Protocol):
    """A resource that understands SQL. Between ``begin`` and ``commit`` it is one transaction."""

    dialect: str
    """``sqlite``, ``postgresql``, ``mysql``, ``mariadb``."""

    async def execute(self, statements: str, parameters: Parameters = (), *, rows: int) -> Sequence[Answered]:
        """Run one statement, or several without parameters; what they gave, one by one, at most ``rows`` rows each.

        May be cancelled: what runs is ended. Raises ``UsageError`` where the database refuses a statement, or the
        statement would do what cannot be put back or is not of this database; the transaction is then over, and
        nothing of it stands.
        """
        ...

    async def shelve(self) -> None:
        """Instead of ``commit``: nothing stands of what was sealed, and all that is kept of it stays, so that a step
        forth puts it there."""
        ...


class OpenDatabase(Protocol):
    """Entry point ``agentrt.databases``, named after the URL's scheme. Nothing is opened or made yet.

    ``folder`` is what a relative file of the URL is relative to; ``aside`` the store's folder where what undo needs is
    kept, in a folder named after the mark. Raises ``UsageError`` for a URL it does not understand.
    """

    def __call__(self, url: str, *, name: str, folder: Path, aside: Path) -> Database: ...
