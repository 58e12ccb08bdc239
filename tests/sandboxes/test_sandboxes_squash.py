"""Squashing is a cache: whatever becomes of it, what is seen is what the layers say, at any depth."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path

from agentrt.contracts import Confinement
from agentrt.records import Snapshot
from agentrt.sandboxes.local import LocalSandbox
from agentrt.testing.sandbox_kit import Ground, ground


def open_local(workspace: Path, store: Path) -> LocalSandbox:
    return LocalSandbox(workspace=workspace, store=store, confinement=Confinement())


async def layers(made: Ground, number: int) -> Snapshot:
    """So many, each with a file in the workspace and one in the home; the last one is sealed by an action."""
    names = [made.name() for _ in range(number - 1)]
    for n, name in enumerate(names):
        for path in (f"work/f{n % 50}", "rest/home/h"):
            (made.store / name / path).parent.mkdir(parents=True)
            (made.store / name / path).write_text(f"{n}\n")
    await made.sandbox.restore(Snapshot(layers=tuple(names)))
    n = number - 1
    return await made.act(f"echo {n} > f{n % 50}; echo {n} > ~/h")


def squashes(made: Ground) -> list[Path]:
    return sorted(made.store.glob(".squash-*"))


def wait_for(made: Ground, number: int) -> None:
    deadline = time.monotonic() + 30
    while len(squashes(made)) < number:
        assert time.monotonic() < deadline, "the layers were not squashed"
        time.sleep(0.05)


def test_an_action_on_600_layers_that_are_not_squashed() -> None:
    """Behind on it, or after somebody removed the squashed runs: it is caught up with when it must be."""

    async def scenario() -> None:
        async with ground(open_local) as made:
            last = await layers(made, 600)
            await made.sandbox.close()
            for squashed in squashes(made):
                shutil.rmtree(squashed)
            other = made.open()
            await other.start(last)
            await other.begin("s2.1")
            assert await made.bash("cat f49 f0 ~/h", on=other) == b"599\n550\n599\n"
            assert len(squashes(made)) == 18
            await made.bash("echo on > on", on=other)
            assert (await other.seal()).layers == (*last.layers, "s2.1")

    asyncio.run(scenario())


def test_a_removed_layer_takes_the_squashed_runs_it_is_in_along() -> None:
    async def scenario() -> None:
        async with ground(open_local) as made:
            last = await layers(made, 130)
            wait_for(made, 4)
            first_run = Snapshot(layers=last.layers[:64])
            await made.sandbox.restore(first_run)
            for names, left in ((last.layers[128:], 4), (last.layers[100:128], 2)):
                await made.sandbox.remove(names)
                assert len(squashes(made)) == left
            await made.sandbox.close()
            await made.sandbox.remove(last.layers[64:100])
            assert len(squashes(made)) == 2
            await made.sandbox.start(first_run)
            assert await made.act("test $(cat ~/h) = 63") == first_run

    asyncio.run(scenario())


def test_a_path_purged_is_in_no_squashed_run() -> None:
    async def scenario() -> None:
        async with ground(open_local) as made:
            last = await layers(made, 70)
            wait_for(made, 2)
            assert len(await made.sandbox.purge("~/h")) == 70
            assert len(squashes(made)) == 0
            await made.sandbox.restore(last)
            assert await made.act("test ! -e ~/h; test $(cat f0) = 50; test $(cat f19) = 69") == last

    asyncio.run(scenario())


def test_killed_while_squashing() -> None:
    """At moments from its begin to its end: no run is half made, and what was left is removed."""

    async def scenario() -> None:
        async with ground(open_local) as made:
            last = await layers(made, 63)
            sandbox = made.sandbox
            assert isinstance(sandbox, LocalSandbox)
            for attempt in range(12):
                await sandbox.restore(last)
                await sandbox.begin(made.name())
                await sandbox.write("f99", b"x" * 50_000)
                sealed = await sandbox.seal()
                await asyncio.sleep(attempt * 0.003)
                assert sandbox._client is not None
                server = sandbox._client._process.pid
                for pid in [*children(server), server]:
                    os.kill(pid, signal.SIGKILL)
                await sandbox.close()
                for place in squashes(made):
                    assert len((place / "of").read_bytes().splitlines()) == 64
                    assert {"f0", "f49"} <= set(os.listdir(place / "tree")) or (place / "tree/home").exists()
                await sandbox.start(sealed)
                assert await made.act("test $(cat ~/h) = 62; test $(cat f49) = 49; test -s f99") == sealed
                await sandbox.close()
            await sandbox.remove([])
            assert not list(made.store.glob(".run-*"))

    asyncio.run(scenario())


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
