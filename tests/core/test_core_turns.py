"""Who may be on the ground, and that nobody stays on it by mistake."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agentrt.turns import Ground


def run(work: Callable[[Ground], Awaitable[None]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(5):
            await work(Ground())

    asyncio.run(in_time())


async def waiting(ground: Ground, *, alone: bool = False) -> asyncio.Task[None]:
    task = asyncio.ensure_future(ground.enter(alone=alone))
    await asyncio.sleep(0)
    return task


def test_many_stand_or_one_is_alone_and_who_comes_first_is_let_in_first() -> None:
    async def work(ground: Ground) -> None:
        await ground.enter()
        await ground.enter()
        changing = await waiting(ground, alone=True)
        late = [await waiting(ground), await waiting(ground)]
        ground.leave()
        await asyncio.sleep(0)
        assert not changing.done()
        ground.leave()
        await changing
        assert not any(task.done() for task in late)
        ground.leave()
        await asyncio.gather(*late)

    run(work)


def test_who_stops_waiting_lets_those_behind_in() -> None:
    async def work(ground: Ground) -> None:
        await ground.enter()
        changing = await waiting(ground, alone=True)
        behind = await waiting(ground)
        changing.cancel()
        await behind

    run(work)


def test_who_is_cancelled_when_just_let_in_leaves_again() -> None:
    async def work(ground: Ground) -> None:
        for alone in (False, True):
            await ground.enter(alone=True)
            task = await waiting(ground, alone=alone)
            ground.leave()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await ground.enter(alone=True)
            ground.leave()

    run(work)
