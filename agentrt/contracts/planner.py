"""What proposes actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from agentrt.records import (
    Message,
    ToolSpec,
    Turn,
)


class Planner(Protocol):
    """What proposes actions."""

    name: str

    async def plan(self, conversation: Sequence[Message], tools: Sequence[ToolSpec]) -> Turn:
        """The next turn. A turn without actions ends the run. Raises ``PlannerError``."""
        ...


class OpenPlanner(Protocol):
    """Entry point ``agentrt.planners``: the task's ``planner`` mapping; relative files lie in ``folder``."""

    def __call__(self, options: Mapping[str, object], *, folder: Path) -> Planner: ...
