"""A session in the docker sandbox whose engine, container or processes are taken away, and what is to be true then."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engine import IMAGE, Engine

from agentrt import Runtime
from agentrt.records import Operation
from agentrt.sandboxes.docker.labels import STORE
from agentrt.testing.trees import Tree, differences, parse_view, tree_state, view_command

SANDBOX: Mapping[str, object] = {"kind": "docker", "image": IMAGE}


class Ground:
    def __init__(self, folder: Path, engine: Engine) -> None:
        self.work, self.engine = folder / "work", engine
        self.work.mkdir()
        for name in ("README", "src/main.py", "src/old"):
            (self.work / name).parent.mkdir(exist_ok=True)
            (self.work / name).write_text(f"{name}\n")
        self._real = tree_state(self.work)
        self.views: dict[int, Tree] = {}
        """What processes inside saw after each operation."""
        self.stands = 0
        """The operation whose view it is now."""

    def open(self) -> Any:
        return Runtime.open(self.work, sandbox=SANDBOX)

    async def act(self, runtime: Runtime, command: str) -> Operation:
        """One that works, and its view."""
        operation = await runtime.act("bash", command=command)
        assert operation.status == "settled", operation.observation
        self.views[operation.id] = await look(runtime)
        self.stands = operation.id
        return operation

    async def history(self, runtime: Runtime) -> None:
        """Two operations, in the workspace and outside."""
        await self.act(
            runtime, "echo 1 >> README; mkdir -p made/deep; echo 1 > made/deep/one; echo 1 > ~/one; rm src/old"
        )
        await self.act(runtime, "mv made moved; chmod 700 moved; ln -s moved/deep link; echo 2 >> ~/one; mkdir ~/two")

    async def check(self, runtime: Runtime) -> None:
        """The view is the journal's, work goes on, and every earlier view can be had again."""
        for operation in runtime.log():
            assert operation.status in ("settled", "failed", "intent")
            assert operation.status == "settled" or operation.after == operation.before
        last = self.stands
        self._same(last, await look(runtime))
        more = await self.act(runtime, "echo more >> README; rm -rf moved; echo more > ~/more")
        await runtime.undo()
        self._same(last, await look(runtime))
        await runtime.restore(1)
        self._same(1, await look(runtime))
        await runtime.restore(more.id)
        self._same(more.id, await look(runtime))
        await runtime.restore(last)
        self._same(last, await look(runtime))
        self.stands = last
        assert tree_state(self.work) == self._real

    def _same(self, operation: int, seen: Tree) -> None:
        wrong = differences(self.views[operation], seen, mtimes=False)
        assert not wrong, f"not as after {operation}:\n" + "\n".join(wrong)


async def look(runtime: Runtime) -> Tree:
    """What a process inside sees: the whole workspace, home, /tmp."""
    taken = bytearray()
    await runtime.sandbox.begin("look")
    result = await runtime.sandbox.exec(view_command(runtime.sandbox.workspace, "~"), on_output=taken.extend)
    assert result.exit_code == 0, taken
    await runtime.sandbox.discard()
    return parse_view(bytes(taken))


def at(engine: Engine) -> set[tuple[str, str]]:
    """All of agentrt's there."""
    with engine.client() as client:
        found = {("container", str(one["Names"])) for one in client.api.containers(all=True)}
        found |= {("volume", one["Name"]) for one in client.api.volumes()["Volumes"] or []}
        return found | {("image", one["Id"]) for one in client.api.images(filters={"label": STORE}, all=True)}


@contextmanager
def the_container(engine: Engine) -> Iterator[Any]:
    """The one that runs."""
    with engine.client() as client:
        [container] = client.containers.list()
        yield container


def keepers(of: int) -> list[int]:
    """The process ids of the keepers that ``of`` started."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            status = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()
            command = Path("/proc", name, "cmdline").read_bytes()
            if int(status[1]) == of and b"docker.keeper" in command and status[0] != "Z":
                found.append(int(name))
    return found


def kill_keepers() -> None:
    for pid in keepers(os.getpid()):
        os.kill(pid, signal.SIGKILL)


async def until(true: Any, what: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.02)


class Printing:
    """An action that says when it runs, and would not end by itself."""

    command = "echo lost > lost; echo lost > ~/lost; echo running; sleep 300"

    def __init__(self, runtime: Runtime) -> None:
        self._taken = bytearray()
        self.task = asyncio.ensure_future(runtime.act("bash", command=self.command, on_output=self._taken.extend))

    async def runs(self) -> None:
        await until(lambda: b"running" in self._taken or self.task.done(), "the action runs")
        assert not self.task.done(), self.task.result()
