"""What goes away under an action: the engine, its disk, the container. It is told, nothing of the action is kept, and the
session goes on.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from docker_ground import Ground
from engine import Engine
from faults_ground import DOCKER, SEEN, Told, left_at, workspace

from agentrt import Runtime
from agentrt.records import Operation
from agentrt.sandboxes.docker import sandbox as docker_sandbox
from agentrt.sandboxes.docker.box import FULL
from agentrt.sandboxes.docker.labels import KIND, STORE, store_name

MB = 1_000_000


pytestmark = pytest.mark.usefixtures("own_state")


async def under(rt: Runtime, fault: Callable[[], object]) -> Operation:
    """An action that has written and is not done when ``fault`` happens."""
    loop, writing = asyncio.get_running_loop(), asyncio.Event()
    command = "echo 2 > half; echo half > ~/half; echo half; sleep 60; echo done"
    action = asyncio.create_task(
        rt.act("bash", command=command, on_output=lambda _: loop.call_soon_threadsafe(writing.set))
    )
    await writing.wait()
    await asyncio.to_thread(fault)
    return await action


def error_of(operation: Operation) -> str:
    assert operation.status == "failed" and not operation.effects, operation
    assert operation.observation is not None
    error = operation.observation.error or ""
    assert operation.note or "its limit" in error, "what to do is said"
    return error


FAULTS: dict[str, tuple[Callable[[Engine], None], Callable[[Engine], None]]] = {
    "killed": (Engine.kill, Engine.start),
    "ended": (Engine.end, Engine.start),
    "restarted": (lambda engine: (engine.end(), engine.start())[0], lambda _: None),
    "silent": (Engine.stop_answering, Engine.answer),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_engine(shaken_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", shaken_engine.host)
    monkeypatch.setattr(docker_sandbox, "PATIENCE", 5.0)
    happens, mend = FAULTS[fault]

    async def scenario() -> None:
        async with Runtime.open(workspace(tmp_path), sandbox=DOCKER, policy={"limits": {"seconds": 4}}) as rt:
            told = Told(rt, lambda: mend(shaken_engine))
            assert await told.act("echo 1 > one; touch ~/x") == ""
            error = error_of(await under(rt, lambda: happens(shaken_engine)))
            assert re.search("engine went away|its container|its limit", error), error
            assert await told.look() == SEEN[1]
            assert len(told.errors) == (fault != "restarted"), told.errors
            assert all("engine" in error for error in told.errors), told.errors
            assert (await rt.verify_undo()).ok
            await rt.undo(2)  # the looking, too
            assert await told.look() == SEEN[0]

    asyncio.run(scenario())
    with shaken_engine.client() as client:
        assert left_at(client) == []


SAID = {
    "removed": "somebody removed its container|ended its container",  # the one after the other
    "killed": r"ended its container \(exit code 137\)",
    "paused": "somebody paused its container",
}


def only_container(client: Any, store: Path) -> str:
    wanted = [f"{STORE}={store_name(store)}", f"{KIND}=sandbox"]
    [found] = client.api.containers(filters={"label": wanted})
    return str(found["Id"])


@pytest.mark.parametrize("how", ("removed", "killed", "paused"))
def test_its_container(engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(docker_sandbox, "PATIENCE", 3.0)
    api = engine.api
    faults: dict[str, Callable[[str], object]] = {
        "removed": lambda id: api.remove_container(id, force=True),
        "killed": api.kill,
        "paused": api.pause,
    }

    async def scenario() -> None:
        async with Runtime.open(workspace(tmp_path), sandbox=DOCKER, policy={"limits": {"seconds": 4}}) as rt:
            told = Told(rt, lambda: None)
            assert await told.act("echo 1 > one; touch ~/x") == ""
            first = only_container(engine, rt.store.layers)
            error = error_of(await under(rt, lambda: faults[how](first)))
            assert re.search(SAID[how], error), error
            assert await told.look() == SEEN[1] and told.errors == []
            assert only_container(engine, rt.store.layers) != first
            assert (await rt.verify_undo()).ok

    asyncio.run(scenario())


def test_a_person_is_told_what_to_do(engine: Any, ground: Ground) -> None:
    assert ground.run(str(ground.task("      - bash: {command: 'true'}\n"))).returncode == 0
    command = [sys.executable, "-m", "agentrt", "exec", "--", "echo half; sleep 60"]
    with subprocess.Popen(
        command, cwd=ground.workspace, env=ground.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as acting:
        assert acting.stdout is not None and acting.stdout.readline() == "half\n"
        [layers] = (ground.folder / "state").glob("agentrt/workspaces/*/layers")
        engine.api.kill(only_container(engine, layers))
        _, said = acting.communicate(timeout=60)
    assert acting.returncode == 125
    assert re.fullmatch(r"agentrt: operation \d+ failed: .* ended its container .*\nhint: .+\n", said), said


@contextmanager
def filled(engine: Engine, *, but: int = 0) -> Iterator[None]:
    """No room on its disk but so many bytes."""
    file = engine.folder / "data/filling"
    try:
        with file.open("wb", buffering=0) as writing, suppress(OSError):
            while True:
                writing.write(bytes(MB))
        with file.open("r+b") as shortening:
            shortening.truncate(max(0, file.stat().st_size - but))
        yield
    finally:
        file.unlink()


def test_its_disk(tight_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", tight_engine.host)
    made = workspace(tmp_path)

    async def scenario() -> None:
        async with Runtime.open(made, sandbox=DOCKER) as rt:
            with ExitStack() as filling:
                filling.enter_context(filled(tight_engine))
                told = Told(rt, filling.close)
                assert await told.act("echo 1 > one; touch ~/x") == ""
                [error] = told.errors
                assert "disk is full" in error, error
                told.errors.clear()

            with filled(tight_engine, but=8 * MB):  # the command's own affair
                spent = await rt.act("bash", command="head -c 30M /dev/urandom > big; echo 2 >> one; wc -c < big")
                assert spent.status == "settled" and spent.observation is not None
                said = f"{spent.observation.output}{spent.observation.error}"
                assert re.search("No space left on device|free on the disk of the sandbox", said), said
                assert {effect.path for effect in spent.files} >= {"big"}
                await rt.undo()
                assert await told.look() == SEEN[1] and told.errors == []

            (made / "theirs").write_bytes(bytes(range(256)) * 120_000)
            with filled(tight_engine, but=8 * MB):
                error = error_of(await rt.act("bash", command="wc -c < theirs"))
                assert FULL in error, error
            assert await told.act("wc -c < theirs") == "30720000\n" and told.errors == []
            (made / "theirs").unlink()
            assert await told.look() == SEEN[1]
            assert (await rt.verify_undo()).ok

    asyncio.run(scenario())
    with tight_engine.client() as client:
        assert left_at(client) == []
