"""The way to the engine breaks off at every request: that is told, nothing is lost, and the session goes on.

``AGENTRT_EXHAUSTIVE=1`` tries each request both before and after the engine has it; otherwise every other one, and of
those about a new image every fifth.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from broken_line import Line, broken_line
from faults_ground import DOCKER, SEEN, Told, workspace

from agentrt import Runtime
from agentrt.sandboxes.docker import behind
from agentrt.sandboxes.docker.engine import connect
from agentrt.sandboxes.docker.labels import OWNER, owner

EVERY, EVERY_NEW = (1, 1) if os.environ.get("AGENTRT_EXHAUSTIVE") == "1" else (2, 5)
AFTER = pytest.mark.parametrize("after", (False, True), ids=("before", "after"))


@pytest.fixture
def line(engine: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    with broken_line(tmp_path / "line", os.environ["DOCKER_HOST"]) as made:
        monkeypatch.setenv("DOCKER_HOST", made.host)
        monkeypatch.delenv("AGENTRT_SANDBOX", raising=False)
        yield made


async def played(folder: Path, line: Line) -> list[str]:
    """What was told to have gone wrong. Once the line is mended, everything is as if nothing had, and nothing stays
    at the engine."""
    async with Runtime.open(workspace(folder), sandbox=DOCKER) as rt:
        told = Told(rt, line.mend)
        await told.play()
        assert await told.look() == SEEN[-1]
    line.mend()
    client = connect()
    try:
        behind.leave(client)
        nothing_left(client)
    finally:
        client.close()
    return told.errors


def nothing_left(client: Any) -> None:
    """Of this process, which runs one test at a time."""
    mine = {"label": [f"{OWNER}={owner()}"]}
    assert not client.api.containers(all=True, filters=mine)
    assert not client.api.volumes(filters=mine)["Volumes"]


@AFTER
def test_with_an_image_that_is_known(line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert asyncio.run(played(tmp_path / "first", line)) == []
    told = 0
    for number in itertools.count(1 + (EVERY // 2 if after else 0), EVERY):
        line.break_at(number, after=after)
        errors = asyncio.run(played(tmp_path / str(number), line))
        if not line.did_break:
            break
        assert len(errors) <= 1, errors
        told += len(errors)
    assert told >= 12 // EVERY and number > 20


@AFTER
def test_with_an_image_that_is_new(line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    def fresh(name: str) -> Path:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / name / "state"))
        return tmp_path / name

    line.break_at(0, after=after)
    assert asyncio.run(played(fresh("first"), line)) == []
    last = next(n for n, request in enumerate(line.requests) if "/volumes/create" in request)
    assert last > 15
    for number in range(2 + (EVERY_NEW // 2 if after else 0), last + 1, EVERY_NEW):
        line.break_at(number, after=after)
        errors = asyncio.run(played(fresh(str(number)), line))
        assert line.did_break and len(errors) <= 1, (number, errors)


def test_in_the_middle_of_an_action(line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    async def scenario() -> None:
        async with Runtime.open(workspace(tmp_path), sandbox=DOCKER) as rt:
            told = Told(rt, line.mend)
            assert await told.act("echo 1 > one; touch ~/x") == ""

            def breaking(data: bytes) -> None:
                line.break_now()

            done = await rt.act("bash", command="echo 2 > half; echo half; sleep 60", on_output=breaking)
            seen = done.observation
            assert done.status == "failed" and not done.effects and seen is not None
            assert seen.error is not None and seen.error.startswith("the sandbox could not run: ")
            assert "container engine" in seen.error, seen.error
            assert seen.output == "half\n"
            line.mend()
            assert await told.look() == SEEN[1] and told.errors == []
            assert (await rt.verify_undo()).ok

    asyncio.run(scenario())
