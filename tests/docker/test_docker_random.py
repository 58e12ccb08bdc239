"""Random work in random order, in a container."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stories import moves, play, steps

from agentrt.contracts import Confinement, Sandbox
from agentrt.sandboxes.docker import open_sandbox


def open_docker(workspace: Path, store: Path) -> Sandbox:
    options = {"image": "agentrt-test:1"}
    return open_sandbox(options, workspace=workspace, store=store, confinement=Confinement(), folder=workspace)


@settings(max_examples=8, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(lower=st.lists(steps, max_size=12), story=st.lists(moves, min_size=2, max_size=7))
def test_any_story(engine: Any, lower: list[tuple[Any, ...]], story: list[tuple[Any, ...]]) -> None:
    asyncio.run(play(open_docker, lower, story))
