"""What a session costs as a whole: its log, its verification, an old operation taken out, its files applied."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agentrt import Runtime

APPLIED = {1: 31, 1000: 21, 10_000: 5}
"""Files of an apply, and in how many rounds it is measured."""
REVERTED = (1, 100, 200)
"""Operations of 200."""


def log(folder: Path) -> float:
    """CPU seconds of ``agentrt log`` on a session of 1,000 operations, start to exit."""
    workspace = folder / "log"
    asyncio.run(_session(workspace, 1000))
    command = [sys.executable, "-m", "agentrt", "log", "--workspace", str(workspace)]
    costs = []
    for _ in range(5):
        before = os.times()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        costs.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(costs)


async def verify(folder: Path) -> float:
    """Seconds to verify a session of 200 operations that each changed one of 50 files."""

    async def work(runtime: Runtime) -> float:
        start = time.perf_counter()
        found = await runtime.verify_undo()
        assert found.ok and len(found.views) == 201
        return time.perf_counter() - start

    return await _session(folder / "verify", 200, then=work)


async def revert(folder: Path) -> dict[int, float]:
    """Milliseconds to revert one of 200 operations that each changed a file of its own, by the operation."""

    found = {}
    for op in REVERTED:

        async def work(runtime: Runtime, op: int = op) -> list[float]:
            took = []
            for _ in range(21):
                start = time.perf_counter()
                await runtime.revert(op)
                took.append(time.perf_counter() - start)
                await runtime.undo()
            return took

        took = await _session(folder / f"revert{op}", 200, files=200, then=work)
        found[op] = statistics.median(took[1:]) * 1000
    return found


async def apply(folder: Path) -> dict[int, tuple[float, float]]:
    """Milliseconds to apply new small files, a hundred a folder, and of ``cp -a`` of the same; by their number."""
    workspace = folder / "apply"
    workspace.mkdir()
    found = {}
    async with Runtime.open(workspace) as runtime:
        for count, rounds in APPLIED.items():
            ours, theirs = [], []
            for number in range(rounds):
                name = f"n{count}.{number}"
                make = f"for i in $(seq 0 {count - 1}); do d={name}/$((i / 100)); mkdir -p $d; echo $i > $d/$i; done"
                await runtime.act("bash", command=make)
                os.sync()
                start = time.perf_counter()
                await runtime.apply()
                ours.append(time.perf_counter() - start)
                os.sync()
                start = time.perf_counter()
                subprocess.run(["cp", "-a", workspace / name, folder / f"copy-{name}"], check=True)
                theirs.append(time.perf_counter() - start)
            found[count] = statistics.median(ours) * 1000, statistics.median(theirs) * 1000
    return found


async def _nothing(_: Runtime) -> None:
    pass


async def _session(
    workspace: Path, operations: int, *, files: int = 50, then: Callable[[Runtime], Awaitable[Any]] = _nothing
) -> Any:
    """Operations that write a file each, and what is done with them; its result."""
    workspace.mkdir()
    async with Runtime.open(workspace) as runtime:
        for number in range(operations):
            await runtime.act("write", path=f"f{number % files}", content=f"{number}\n")
        return await then(runtime)
