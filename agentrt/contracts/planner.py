"""What proposes actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from agentrt.records import (
    Message,
    ToolSpec,
    Turn,
)


@dataclass(frozen=True, slots=True)
class Said:
    """The next piece of an answer's text, as it comes; all of it is in the turn."""

    text: str


@dataclass(frozen=True, slots=True)
class Delayed:
    """What was said so far of this answer is void: it is asked for again after a while."""

    seconds: float
    because: str


OnProgress = Callable[[Said | Delayed], None]


def unheard(progress: Said | Delayed) -> None:
    """Nobody listens."""


class Planner(Protocol):
    """What proposes actions."""

    name: str

    async def plan(
        self, conversation: Sequence[Message], tools: Sequence[ToolSpec], on_progress: OnProgress = unheard
    ) -> Turn:
        """The next turn. A turn without actions means that there is nothing more to do. Raises ``PlannerError``."""
        ...

    async def close(self) -> None:
        """Let go of what it holds. It may be used again."""
        ...


@runtime_checkable
class Summarizer(Protocol):
    """A planner that can also say in its own words what is to be kept of a conversation that gets too long."""

    async def summarize(self, conversation: Sequence[Message]) -> Turn:
        """A turn without actions whose text is the summary. Raises ``PlannerError``."""
        ...


class OpenPlanner(Protocol):
    """Entry point ``agentrt.planners``: the task's ``planner`` mapping; relative files lie in ``folder``.

    Raises ``UsageError`` (no key), ``DocumentError`` for mistakes in ``options``.
    """

    def __call__(self, options: Mapping[str, object], *, folder: Path) -> Planner: ...
