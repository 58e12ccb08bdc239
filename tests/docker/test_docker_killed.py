"""agentrt itself is killed: what was acknowledged is there, the session goes on, and gc removes what stayed at the engine.

``AGENTRT_EXHAUSTIVE=1`` tries every step; otherwise an even sample of them.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import killed_program
import pytest
from faults_ground import DOCKER, SEEN, STORY, Told, workspace

from agentrt import Runtime
from agentrt.sandboxes.docker.labels import STORE, collect, store_name

SAMPLE = 8
PARTS = 2
"""The steps are divided among so many tests, so that several workers can share them."""


pytestmark = pytest.mark.usefixtures("own_state")


def killed(folder: Path, step: int) -> list[str]:
    """What it said until then."""
    workspace(folder)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, killed_program.__file__, folder, str(step)],
        env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == (-9 if step else 0), done
    return (folder / "said").read_text().split()


def left_for(client: Any, store: Path) -> list[str]:
    wanted = {"label": [f"{STORE}={store_name(store)}"]}
    containers = [one["Id"] for one in client.api.containers(all=True, filters=wanted)]
    return containers + [one["Name"] for one in client.api.volumes(filters=wanted)["Volumes"] or []]


async def gone_on(folder: Path, acknowledged: int) -> Path:
    """Its store."""
    async with Runtime.open(folder / "ws", sandbox=DOCKER) as rt:
        told = Told(rt, lambda: None)
        assert await told.look() in SEEN[acknowledged : acknowledged + 2], acknowledged
        assert (await rt.verify_undo()).ok
        assert await told.act("echo more > more; cat more") == "more\n" and told.errors == []
        return rt.store.layers


@pytest.mark.parametrize("part", range(PARTS))
def test_at_any_step(engine: Any, tmp_path: Path, part: int) -> None:
    killed(tmp_path / "first", 0)  # from here on the image is known
    *done, steps = killed(tmp_path / "whole", 0)
    assert len(done) == len(STORY) and int(steps) > 30
    every = 1 if os.environ.get("AGENTRT_EXHAUSTIVE") == "1" else max(1, int(steps) // SAMPLE)
    tried = range(1, int(steps) + 1, every)
    left = 0
    for step in tried[part::PARTS]:
        said = killed(tmp_path / str(step), step)
        store = asyncio.run(gone_on(tmp_path / str(step), len(said)))
        left += len(left_for(engine, store))
        collect(store=store, dry_run=False)
        assert left_for(engine, store) == [], step
    assert left > 0, "something to collect"
