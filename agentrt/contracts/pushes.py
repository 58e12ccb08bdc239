"""Commits that go to a remote of the user's own repository: queued, sent from outside of the sandbox, taken back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agentrt.records import RequestEffect

from .requests import Outbox

PUSH = "push"
"""The resource of pushes, which no database can be called."""
PUSHING = "git push"
"""The method of its effects."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A branch of a remote, as the user's repository has it."""

    remote: str
    url: str
    """Without what lets somebody in."""
    branch: str
    to: str
    """The branch there."""
    before: str | None
    """The commit it is at, as the user's repository saw it last; None: there is none."""
    known: tuple[str, ...]
    """Commits that whoever packs may leave out."""


class Ledger(Protocol):
    """What is written down of an operation before it leaves, and what came of it."""

    def goes(self, effect: RequestEffect, *, kept: str = "") -> int:
        """It may have been sent from here on; its number. ``kept``: as for ``Line.ask``."""
        ...

    def became(self, number: int, effect: RequestEffect) -> None: ...

    def queued(self, effect: RequestEffect) -> None:
        """It waits, and nothing of it left."""
        ...


class Pushes(Outbox, Protocol):
    """At most one an action."""

    def through(self, ledger: Ledger, *, held: str | None = None) -> None:
        """What leaves is written there. ``held``: the rule by which a push waits; None: it goes at once."""
        ...

    async def destination(self, remote: str, branch: str, to: str) -> Destination:
        """Where it would go; nothing is asked over a network.

        Raises ``UsageError`` where the user's repository has no such remote, or a name cannot be a branch's."""
        ...

    async def push(self, there: Destination, commit: str, pack: bytes) -> str:
        """Queue it, or send it; all of it in words. ``pack``: its objects, in git's format, whoever wrote it.

        Raises ``UsageError`` where it cannot be pushed without force or is no sound commit, ``ResourceError`` where
        nothing of it arrived, ``Unanswered`` where nobody knows.
        """
        ...


class OpenPushes(Protocol):
    """Entry point ``agentrt.resources``, ``push``. ``aside`` as for databases; ``workspace``: the user's own."""

    def __call__(self, *, aside: Path, workspace: Path) -> Pushes: ...
