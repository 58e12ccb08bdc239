"""Killed at any moment: what was sealed is there, what was not is gone, and the next one starts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from agentrt.contracts import Confinement
from agentrt.errors import DiskFull, SandboxError
from agentrt.records import Snapshot
from agentrt.sandboxes.layers import wire
from agentrt.sandboxes.local import LocalSandbox
from agentrt.testing.sandbox_kit import Ground, ground


def open_local(workspace: Path, store: Path) -> LocalSandbox:
    return LocalSandbox(workspace=workspace, store=store, confinement=Confinement())


def servers(of: int) -> list[int]:
    """The process ids of the sandbox servers that ``of`` started."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            status = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()
            command = Path("/proc", name, "cmdline").read_bytes()
            if int(status[1]) == of and b"inside.server" in command and status[0] != "Z":
                found.append(int(name))
    return found


def alive(marker: str) -> list[int]:
    """Processes with ``marker`` in their arguments."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if marker.encode() in Path("/proc", name, "cmdline").read_bytes() and int(name) != os.getpid():
                found.append(int(name))
    return found


async def gone(marker: str, seconds: float = 2.0) -> None:
    deadline = time.monotonic() + seconds
    while left := alive(marker):
        assert time.monotonic() < deadline, f"alive after {seconds} s: {left}"
        await asyncio.sleep(0.02)


async def recovered(made: Ground, snapshot: Snapshot, expected: Any) -> None:
    """A new sandbox on the same store shows the sealed snapshot, works, and has cleaned up."""
    await made.sandbox.close()
    other = made.open()
    await other.start(snapshot)
    assert await made.view(on=other) == expected
    assert sum(name.startswith(".run-") for name in os.listdir(made.store)) == 1
    more = await made.act("echo after > after", on=other)
    assert [effect.path for effect in await other.changes(snapshot, more)] == ["after"]


async def _story(made: Ground, views: dict[Snapshot, Any]) -> None:
    """Work with every kind of request in it; ``views`` gains what each sealed snapshot looked like."""
    sandbox = made.sandbox
    for number in range(2):
        await sandbox.begin(made.name())
        await made.bash(
            f"mkdir -p d/{number}; echo {number} > d/{number}/f; echo {number} >> README; echo x > ~/h{number}"
        )
        view = await made.look()
        sealed = await sandbox.seal()
        views[sealed] = view
    await sandbox.begin(made.name())
    await sandbox.write("unsealed", b"x")
    await sandbox.changes(sealed, Snapshot())
    (await sandbox.read_at(sealed, "README")).close()
    kept = await sandbox.keep(sealed, await sandbox.changes(Snapshot(), sealed), made.name())
    await sandbox.restore(kept)
    await sandbox.begin(made.name())
    await made.bash("true")


def counted(monkeypatch: pytest.MonkeyPatch, number: int, *, after: bool) -> list[str]:
    """Have the server killed just before (or just after) it is sent its message ``number``."""
    sent: list[str] = []
    send = wire.send

    def sending(channel: Any, message: dict[str, Any], files: Any = ()) -> None:
        sent.append(message["do"])
        kill = len(sent) == number
        if kill and not after:
            _kill_servers()
        send(channel, message, files)
        if kill and after:
            _kill_servers()

    monkeypatch.setattr(wire, "send", sending)
    return sent


def _kill_servers() -> None:
    for pid in servers(os.getpid()):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("after", (False, True), ids=("before", "after"))
def test_the_server_is_killed_at_every_message(monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    async def scenario(number: int) -> int:
        async with ground(open_local) as made:
            views = {Snapshot(): await made.view()}
            with monkeypatch.context() as patched:
                sent = counted(patched, number, after=after)
                with contextlib.suppress(SandboxError):  # told as such; anything else is a defect
                    await _story(made, views)
                total = len(sent)
            snapshot, expected = list(views.items())[-1]
            await made.sandbox.restore(snapshot)
            with suppress(SandboxError):  # it may have died after its last answer: then this is how that is noticed
                await made.view()
            assert await made.view() == expected, "the same sandbox, with a new server"
            await recovered(made, snapshot, expected)
            return total

    total = asyncio.run(scenario(0))
    assert total > 10
    for number in range(1, total + 1, 1 if after else 3):
        asyncio.run(scenario(number))


def test_the_server_is_killed_at_any_moment() -> None:
    async def scenario(seed: int) -> None:
        dice = random.Random(seed)
        async with ground(open_local) as made:
            views = {Snapshot(): await made.view()}
            story = asyncio.ensure_future(_story(made, views))
            await asyncio.wait([story], timeout=dice.uniform(0.0, 0.5))
            _kill_servers()
            with suppress(SandboxError):
                await story
            snapshot, expected = list(views.items())[-1]
            await recovered(made, snapshot, expected)

    for seed in range(8):
        asyncio.run(scenario(seed))


def test_the_server_is_killed_while_a_command_runs() -> None:
    async def scenario() -> None:
        async with ground(open_local) as made:
            first = await made.act("echo 1 > a")
            expected = await made.view()
            marker = f"agentrt-fault-{os.getpid()}-{time.monotonic_ns()}"
            await made.sandbox.begin(made.name())
            call = asyncio.ensure_future(made.run("bash", "-c", _DAEMONS, marker, seconds=60))
            await _started(marker)
            _kill_servers()
            with pytest.raises(SandboxError, match="server is gone"):
                await asyncio.wait_for(call, 5)
            await gone(marker)
            await recovered(made, first, expected)

    asyncio.run(scenario())


def test_what_waits_for_the_next_action_is_killed() -> None:
    """The namespaces made ahead of an action are gone: the action gets others, and nothing is lost or run twice."""

    async def scenario() -> None:
        async with ground(open_local) as made:
            await made.act("echo 1 >> count")
            for _ in range(3):
                (server,) = servers(os.getpid())
                for waiting in await _waiting(server):
                    os.kill(waiting, signal.SIGKILL)
                await made.act("echo 1 >> count; echo x > ~/x")
            assert await made.sandbox.read("count") == b"1\n" * 4

    asyncio.run(scenario())


async def _waiting(server: int) -> list[int]:
    deadline = time.monotonic() + 20
    while not (found := servers(server)):
        assert time.monotonic() < deadline, "nothing waits"
        await asyncio.sleep(0.02)
    return found


_DAEMONS = """
setsid bash -c 'sleep 60; : '$0 & bash -c '(setsid bash -c "sleep 60; : '$0'" &)'; echo lost > lost; sleep 60; : $0
"""
"""Processes in sessions of their own, all with the marker ($0) in their arguments."""


async def _started(marker: str) -> None:
    deadline = time.monotonic() + 20
    while len(alive(marker)) < 3:
        assert time.monotonic() < deadline, "it did not start"
        await asyncio.sleep(0.02)


_RUNTIME = """
import asyncio, json, sys
from pathlib import Path
from agentrt.contracts import Confinement
from agentrt.records import Snapshot
from agentrt.sandboxes.local import LocalSandbox

async def main(workspace, store, script, marker):
    sandbox = LocalSandbox(workspace=Path(workspace), store=Path(store), confinement=Confinement())
    await sandbox.start(Snapshot())
    await sandbox.begin("s1.1")
    await sandbox.write("sealed", b"sealed")
    print(json.dumps(list((await sandbox.seal()).layers)), flush=True)
    await sandbox.begin("s1.2")
    await sandbox.exec(["bash", "-c", script, marker])

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("how", (signal.SIGKILL, signal.SIGTERM))
def test_the_runtime_is_killed_while_a_command_runs(how: signal.Signals) -> None:
    async def scenario() -> None:
        async with ground(open_local) as made:
            marker = f"agentrt-fault-{os.getpid()}-{time.monotonic_ns()}"
            argv = [sys.executable, "-c", _RUNTIME, str(made.workspace), str(made.store), _DAEMONS, marker]
            runtime = subprocess.Popen(argv, stdout=subprocess.PIPE)
            assert runtime.stdout is not None
            with runtime, runtime.stdout as told:
                layers = tuple(json.loads(told.readline()))
                await _started(marker)
                children = servers(runtime.pid)
                assert children
                runtime.send_signal(how)
                runtime.wait()
            await gone(marker)
            deadline = time.monotonic() + 2
            while any(os.path.exists(f"/proc/{pid}") for pid in children):
                assert time.monotonic() < deadline, "a server outlived its runtime"
                await asyncio.sleep(0.02)
            await made.sandbox.start(Snapshot(layers=layers))
            view = await made.view()
            assert b"sealed" in view and b"lost" not in view
            await recovered(made, Snapshot(layers=layers), view)

    asyncio.run(scenario())


@asynccontextmanager
async def small_disk(tmp_path: Path, size: str) -> AsyncIterator[Path]:
    """A store on a disk of its own."""
    store = tmp_path / "small"
    store.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(store)], check=True)
    try:
        yield store
    finally:
        subprocess.run(["umount", "-l", str(store)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
def test_a_full_disk(tmp_path: Path) -> None:
    """The action is told, or sealing says so; after discarding, all goes on."""

    async def scenario() -> None:
        workspace = tmp_path / "workspace"
        workspace.mkdir()
        (workspace / "big").write_bytes(os.urandom(3_000_000))
        async with small_disk(tmp_path, "2m") as store:
            sandbox = open_local(workspace, store)
            await sandbox.start(Snapshot())
            try:
                await sandbox.begin("s1.1")
                await sandbox.write("first", b"1")
                first = await sandbox.seal()
                for call in _filling(sandbox):
                    await sandbox.begin("s1.2")
                    with pytest.raises((DiskFull, OSError)) as caught:
                        await call()
                        await sandbox.seal()
                    assert "No space left" in str(caught.value)
                    await sandbox.discard()
                await sandbox.begin("s1.3")
                assert await sandbox.read("first") == b"1"
                await sandbox.write("second", b"2")
                second = await sandbox.seal()
                assert [effect.path for effect in await sandbox.changes(first, second)] == ["second"]
            finally:
                await sandbox.close()

    asyncio.run(scenario())


def _filling(sandbox: LocalSandbox) -> list[Callable[[], Awaitable[object]]]:
    async def command() -> None:
        printed = bytearray()
        result = await sandbox.exec(["bash", "-c", "echo x >> big"], on_output=printed.extend)
        assert result.exit_code != 0
        raise OSError(printed.decode())

    return [lambda: sandbox.write("new", bytes(4_000_000)), command]


def test_leftovers_of_any_shape_are_cleaned() -> None:
    """A tree too deep to name, folders nobody may enter: a killed action leaves them, the next start removes them."""
    script = """
import os
os.makedirs("shut/in"); open("shut/in/f", "w").close(); os.chmod("shut/in", 0); os.chmod("shut", 0)
for _ in range(1500): os.mkdir("n" * 60); os.chdir("n" * 60)
"""

    async def scenario() -> None:
        async with ground(open_local) as made:
            first = await made.act("echo 1 > a")
            expected = await made.view()
            await made.sandbox.begin(made.name())
            result, printed = await made.run("python3", "-c", script)
            assert result.exit_code == 0, printed
            _kill_servers()
            await recovered(made, first, expected)

    asyncio.run(scenario())


@pytest.mark.parametrize(("name", "depth"), (("d", 1500), ("n" * 60, 1500)), ids=("deep", "too deep to name"))
def test_a_very_deep_tree(name: str, depth: int) -> None:
    script = f"import os\nfor _ in range({depth}): os.mkdir({name!r}); os.chdir({name!r})"

    async def scenario() -> None:
        async with ground(open_local) as made:
            expected = await made.view()
            await made.sandbox.begin(made.name())
            assert (await made.run("python3", "-c", script))[0].exit_code == 0
            if len(name) * depth < 4000:
                sealed = await made.sandbox.seal()
                assert len(await made.sandbox.changes(Snapshot(), sealed)) == depth
                assert len(await made.sandbox.changes(sealed, Snapshot())) == depth
            else:
                with pytest.raises(SandboxError, match="File name too long"):
                    await made.sandbox.seal()
            await made.sandbox.restore(Snapshot())
            assert await made.view() == expected
            await recovered(made, Snapshot(), expected)
            await made.close()
            for layer in os.listdir(made.store):  # too deep for the kit to remove
                subprocess.run(["rm", "-rf", made.store / layer], check=True)

    asyncio.run(scenario())
