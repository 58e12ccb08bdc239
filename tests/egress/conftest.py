"""A world behind a gate, for scenarios: ``@scenario`` makes a test of an async function of one ``World``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from egress_ground import World

Play = Callable[..., None]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    """Runs an async function of a fresh ``World``."""

    def run(scenario: Callable[..., Any]) -> None:
        async def bounded() -> None:
            world = World(tmp_path, monkeypatch)
            async with asyncio.timeout(60):
                await scenario(world)
            await world.close()
            await asyncio.sleep(0)  # what was aborted goes

        asyncio.run(bounded())

    yield run
