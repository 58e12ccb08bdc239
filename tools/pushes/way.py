"""The way to a remote: by the user's own git, from the repository in which an action's objects lie.

Git blocks, so all of it runs on a thread, and to its end also where the action is cancelled: whoever takes it back has
to see what became of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agentrt.errors import Conflict, ResourceError, UsageError
from agentrt.repository.host import Repository, find
from agentrt.uninterrupted import uninterrupted

from . import alive, remotes
from . import kept as on_disk
from .kept import Kept
from .quarantine import Quarantine

T = TypeVar("T")


@dataclass(frozen=True)
class Move:
    """Of a branch there."""

    mark: str
    kept: Kept
    to: str | None
    """None: it is deleted."""
    before: str | None
    """None: there is none."""


@dataclass(frozen=True)
class Way:
    aside: Path
    workspace: Path

    async def look(self, mark: str, kept: Kept) -> str | None:
        """Where the branch is now. Raises ``ResourceError`` where it cannot be asked."""

        def look() -> str | None:
            with self._opened(mark, kept) as (_, url, quarantine):
                return quarantine.there(url, kept.ref)

        return await in_thread(look)

    async def holds(self, mark: str, kept: Kept) -> bool:
        """Whether what the branch is at now is built on the push: it is fetched. Raises ``ResourceError``."""

        def ask() -> bool:
            with self._opened(mark, kept) as (_, url, quarantine):
                return quarantine.holds(url, kept.ref, kept.commit)

        return await in_thread(ask)

    async def move(self, move: Move) -> None:
        """Raises as ``Quarantine.move``."""
        kept = move.kept

        def go() -> None:
            with self._opened(move.mark, kept) as (user, url, quarantine):
                quarantine.move(url, kept.ref, to=move.to, before=move.before)
                remotes.saw(user, kept.remote, kept.to, quarantine.pack, move.to, move.before)

        await in_thread(go)

    async def saw(self, move: Move) -> bool:
        """The branch was found where it was to be moved to: whether the user's repository knows that now. Raises
        ``ResourceError``."""
        kept = move.kept

        def tell() -> bool:
            with self._opened(move.mark, kept) as (user, _, quarantine):
                return remotes.saw(user, kept.remote, kept.to, quarantine.pack, move.to, move.before)

        return await in_thread(tell)

    async def is_over(self, mark: str) -> bool:
        """See ``alive.is_over``."""
        return await in_thread(lambda: alive.is_over(on_disk.objects_of(self.aside, mark)))

    @contextmanager
    def _opened(self, mark: str, kept: Kept) -> Iterator[tuple[Repository, str, Quarantine]]:
        """Raises ``ResourceError`` where the remote is not the one that was shown."""
        try:
            user = find(self.workspace)
            url = remotes.url_of(user, kept.remote)
        except (UsageError, Conflict) as error:
            raise ResourceError(f"{kept.remote} cannot be reached: {error}") from error
        if remotes.digest_of(url) != kept.digest:
            raise ResourceError(f"{kept.remote} leads to {remotes.shown(url)} now, and was shown as {kept.url}")
        quarantine = Quarantine(on_disk.objects_of(self.aside, mark), user)
        try:
            yield user, url, quarantine
        finally:
            quarantine.close()


async def in_thread(work: Callable[[], T]) -> T:
    return await uninterrupted(asyncio.to_thread(work))
