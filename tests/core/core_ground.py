"""What tests of a runtime work with: a session that is over when the work is, and what an agent sees there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agentrt import Runtime


def run(workspace: Path, box: Any, work: Callable[[Runtime], Awaitable[None]], **how: Any) -> None:
    async def opened() -> None:
        async with Runtime.open(workspace, sandbox=box, **how) as rt:
            await work(rt)

    asyncio.run(opened())


async def seen(rt: Runtime, *paths: str) -> list[str | None]:
    """Contents as an agent sees them; None for what is not there."""
    found: list[str | None] = []
    for path in paths:
        operation = await rt.act("bash", command=f"cat '{path}'")
        assert operation.observation is not None and operation.effects == ()
        found.append(operation.observation.output if operation.observation.exit_code == 0 else None)
    return found
