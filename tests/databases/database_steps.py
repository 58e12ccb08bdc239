"""Steps of undo as the runtime takes them, and as a preview does: planned, and let go of."""

from __future__ import annotations

from collections.abc import Sequence

from agentrt.contracts import Database, Planned, Step
from agentrt.resources import take

__all__ = ["plan", "take"]


async def plan(database: Database, steps: Sequence[Step]) -> Planned:
    planned = await database.plan_undo(steps)
    await database.discard()
    return planned
