"""Random work in random order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stories import moves, play, steps

from agentrt.contracts import Confinement
from agentrt.sandboxes.local import LocalSandbox


def open_local(workspace: Path, store: Path) -> LocalSandbox:
    return LocalSandbox(workspace=workspace, store=store, confinement=Confinement())


@settings(max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(lower=st.lists(steps, max_size=12), story=st.lists(moves, min_size=2, max_size=7))
def test_any_story(lower: list[tuple[Any, ...]], story: list[tuple[Any, ...]]) -> None:
    asyncio.run(play(open_local, lower, story))
