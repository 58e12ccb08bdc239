"""The engine, the container or our own processes go away at any moment: what was sealed is there, and work goes on."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from engine import IMAGE, Engine, load, private, root_files
from faults_ground import Ground, Printing, at, keepers, kill_keepers, look, the_container, until

from agentrt import Runtime
from agentrt.contracts import Confinement, Sandbox
from agentrt.errors import DiskFull, SandboxError, SandboxUnavailable
from agentrt.records import Snapshot
from agentrt.sandboxes.docker import open_sandbox
from agentrt.sandboxes.layers import wire
from agentrt.testing.sandbox_kit import Ground as Kit
from agentrt.testing.sandbox_kit import ground


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: what is known of the image is found out once."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def shaken(shaken_engine: Engine, state: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("DOCKER_HOST", shaken_engine.host)
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    return shaken_engine


def open_docker(workspace: Path, store: Path) -> Sandbox:
    return open_sandbox({"image": IMAGE}, workspace=workspace, store=store, confinement=Confinement())


def kill_container(engine: Engine) -> None:
    with engine.client() as client:
        for container in client.containers.list():
            container.kill()


def remove_container(engine: Engine) -> None:
    with engine.client() as client:
        for one in client.api.containers(all=True):
            client.api.remove_container(one["Id"], force=True)


def restart_container(engine: Engine) -> None:
    with engine.client() as client:
        for container in client.containers.list():
            container.restart(timeout=0)


def kill_daemon(engine: Engine) -> None:
    engine.kill()
    engine.start()


def stop_daemon(engine: Engine) -> None:
    engine.end()
    engine.start()


FAULTS = {
    "killed": (kill_container, "ended its container (exit code 137)"),
    "removed": (remove_container, "its container"),
    "restarted": (restart_container, "its container"),
    "daemon killed": (kill_daemon, ""),
    "daemon stopped": (stop_daemon, ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_in_the_middle_of_an_action(shaken: Engine, tmp_path: Path, fault: str) -> None:
    happens, told = FAULTS[fault]

    async def scenario() -> None:
        before = at(shaken)
        made = Ground(tmp_path, shaken)
        async with made.open() as runtime:
            await made.history(runtime)
            action = Printing(runtime)
            await action.runs()
            await asyncio.to_thread(happens, shaken)
            operation = await asyncio.wait_for(action.task, 20)
            assert operation.status == "failed" and not operation.effects
            assert operation.observation is not None and operation.observation.error is not None
            assert operation.observation.error.startswith("the sandbox could not run: ")
            assert told in operation.observation.error and "gone:" not in operation.observation.error
            await made.check(runtime)
        async with made.open() as runtime:
            await made.check(runtime)
        assert at(shaken) == before
        assert keepers(os.getpid()) == []

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", FAULTS)
def test_between_actions(shaken: Engine, tmp_path: Path, fault: str) -> None:
    """One action may fail for it; then all goes on. Undo needs no container and does not fail."""
    happens, _ = FAULTS[fault]

    async def scenario() -> None:
        before = at(shaken)
        made = Ground(tmp_path, shaken)
        async with made.open() as runtime:
            await made.history(runtime)
            await asyncio.to_thread(happens, shaken)
            await runtime.undo()
            failed = await runtime.act("bash", command="echo lost > lost")
            assert failed.status == "failed", "nobody looked at the container before"
            await runtime.redo()
            await made.check(runtime)
        assert at(shaken) == before

    asyncio.run(scenario())


def test_the_engine_stays_away(shaken: Engine, tmp_path: Path) -> None:
    """Actions say so; undo, changes and closing go without; what is left is removed by this process or by gc."""

    async def scenario() -> None:
        before = at(shaken)
        made = Ground(tmp_path, shaken)
        async with made.open() as runtime:
            await made.history(runtime)
            action = Printing(runtime)
            await action.runs()
            await asyncio.to_thread(shaken.end)
            operation = await asyncio.wait_for(action.task, 20)
            assert operation.observation is not None
            assert operation.observation.error == "the sandbox could not run: the container engine went away"
            with pytest.raises(SandboxUnavailable) as caught:
                await runtime.act("bash", command="true")
            assert caught.value.hint
            await runtime.undo()
            assert [effect.path for effect in await runtime.sandbox.changes(Snapshot(), runtime.view.snapshot)]
            await asyncio.to_thread(shaken.start)
            await runtime.redo()
            await made.check(runtime)
            await asyncio.to_thread(shaken.kill)
            began = time.monotonic()
        assert time.monotonic() - began < 15
        await asyncio.to_thread(shaken.start)
        assert at(shaken) != before, "nobody could be told to remove it"
        async with made.open() as runtime:
            await made.check(runtime)
        assert at(shaken) == before, "the next session of the process did"

    asyncio.run(scenario())


def test_the_engine_does_not_answer(shaken: Engine, tmp_path: Path) -> None:
    """Closing takes some seconds at most."""

    async def scenario() -> None:
        before = at(shaken)
        made = Ground(tmp_path, shaken)
        runtime = await made.open()
        await made.history(runtime)
        shaken.stop_answering()
        try:
            await asyncio.wait_for(runtime.close(), 30)
        finally:
            await asyncio.to_thread(kill_daemon, shaken)
        async with made.open() as runtime:
            await made.check(runtime)
        assert at(shaken) == before

    asyncio.run(scenario())


def test_a_paused_container(shaken: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentrt.sandboxes.docker.sandbox.PATIENCE", 1.0)

    async def scenario() -> None:
        before = at(shaken)
        made = Ground(tmp_path, shaken)
        async with made.open() as runtime:
            await made.history(runtime)
            with the_container(shaken) as container:
                container.pause()
            operation = await asyncio.wait_for(runtime.act("bash", command="echo lost > lost"), 20)
            assert operation.observation is not None and operation.status == "failed"
            assert operation.observation.error == "the sandbox could not run: somebody paused its container"
            await made.check(runtime)
            action = Printing(runtime)
            await action.runs()
            with the_container(shaken) as container:
                container.pause()
            action.task.cancel()  # as Ctrl-C does
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(action.task, 20)
            await made.check(runtime)
            with the_container(shaken) as container:
                container.pause()
        assert at(shaken) == before

    asyncio.run(scenario())


async def _story(made: Kit, views: dict[Snapshot, Any]) -> None:
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
    kept = await sandbox.keep(sealed, await sandbox.changes(Snapshot(), sealed), made.name())
    await sandbox.restore(kept)
    await sandbox.begin(made.name())
    await made.bash("true")


async def _recovered(made: Kit, views: dict[Snapshot, Any]) -> None:
    """The same sandbox does, at the latest the second time, and a new one."""
    snapshot, expected = list(views.items())[-1]
    await made.sandbox.restore(snapshot)
    with suppress(SandboxError):
        await made.view()
    assert await made.view() == expected, "the same sandbox"
    await made.sandbox.close()
    other = made.open()
    await other.start(snapshot)
    assert await made.view(on=other) == expected
    more = await made.act("echo after > after", on=other)
    assert [effect.path for effect in await other.changes(snapshot, more)] == ["after"]
    await other.close()


def _counted(monkeypatch: pytest.MonkeyPatch, number: int, happens: Callable[[], object], *, after: bool) -> list[str]:
    sent: list[str] = []
    send = wire.send

    def sending(channel: Any, message: dict[str, Any], files: Any = ()) -> None:
        sent.append(message["do"])
        now = len(sent) == number
        if now and not after:
            happens()
        send(channel, message, files)
        if now and after:
            happens()

    monkeypatch.setattr(wire, "send", sending)
    return sent


@pytest.mark.parametrize("what", ("keeper", "container"))
def test_at_every_message(shaken: Engine, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """At every third of them, before one and after the next."""
    happens = {"keeper": kill_keepers, "container": lambda: remove_container(shaken)}[what]

    async def scenario(number: int, after: bool) -> int:
        async with ground(open_docker) as made:
            views = {Snapshot(): await made.view()}
            with monkeypatch.context() as patched:
                sent = _counted(patched, number, happens, after=after)
                with suppress(SandboxError):  # told as such; anything else is a defect
                    await _story(made, views)
            await _recovered(made, views)
            return len(sent)

    before = at(shaken)
    total = asyncio.run(scenario(0, False))
    assert total > 10
    for number in range(1 if what == "keeper" else 2, total + 1, 3):
        asyncio.run(scenario(number, number % 2 == 0))
    assert at(shaken) == before


def test_cancelled_at_any_moment(shaken: Engine, tmp_path: Path) -> None:
    """Also while a container is made and started: nothing stays at the engine."""

    async def scenario() -> None:
        before = at(shaken)
        made = Ground(tmp_path, shaken)
        async with made.open() as runtime:
            await made.history(runtime)
        for moment in (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5):
            async with made.open() as runtime:
                work = asyncio.ensure_future(runtime.act("bash", command="echo lost > lost; sleep 0.2"))
                await asyncio.sleep(moment)
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait_for(work, 20)
            assert at(shaken) == before
            assert keepers(os.getpid()) == []
            async with made.open() as runtime:
                if runtime.log()[-1].status == "settled" and runtime.log()[-1].id not in made.views:
                    made.views[runtime.log()[-1].id] = await look(runtime)
        async with made.open() as runtime:
            await made.check(runtime)

    asyncio.run(scenario())


def test_cancelled_while_its_image_is_built(shaken: Engine, tmp_path: Path) -> None:
    async def scenario() -> None:
        before = at(shaken)
        made = Ground(tmp_path, shaken)
        context = tmp_path / "context"
        context.mkdir()
        (context / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN sleep 300\n")
        sandbox = {"kind": "docker", "dockerfile": str(context / "Dockerfile")}
        async with Runtime.open(made.work, sandbox=sandbox) as runtime:
            work = asyncio.ensure_future(runtime.act("bash", command="true"))
            await until(lambda: at(shaken) != before or work.done(), "its step runs")
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(work, 10)
            [operation] = runtime.log()
            assert operation.status == "failed"
            await until(lambda: {it for it in at(shaken) - before if it[0] != "image"} == set(), "its step ends", 5)

    asyncio.run(scenario())


_PROGRAM = """
import asyncio, sys
from agentrt import Runtime

async def main(workspace):
    async with Runtime.open(workspace, sandbox={"kind": "docker", "image": "agentrt-test:1"}) as runtime:
        print("open", flush=True)
        for number in range(3):
            operation = await runtime.act("bash", command=f"echo {number} >> count; echo {number} > ~/n{number}")
            print(operation.id, flush=True)
        await runtime.act("bash", command="echo lost > lost; echo running; sleep 300", on_output=lambda data: print("running", flush=True))

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("moment", ("open", "0.1", "0.3", "1", "2", "running"))
def test_the_runtime_is_killed(shaken: Engine, tmp_path: Path, moment: str) -> None:
    """Its container ends by itself; gc removes what is left, and nothing else; the session is resumed."""

    def containers() -> list[Any]:
        with shaken.client() as client:
            found: list[Any] = client.api.containers()
            return found

    async def scenario() -> None:
        before = at(shaken)
        made = Ground(tmp_path, shaken)
        runtime = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(made.work)], stdout=subprocess.PIPE, text=True)
        assert runtime.stdout is not None
        done = 0
        with runtime, runtime.stdout as told:
            for line in told:
                done = int(line) if line.strip().isdecimal() else done
                if line.strip() == moment or (moment[0] == "0" and line.strip() == "open"):
                    break
            if moment[0] == "0":
                await asyncio.sleep(float(moment))
            children = keepers(runtime.pid)
            runtime.kill()
            runtime.wait()
        await until(lambda: not containers(), "its container ends")
        await until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), "its keeper ends")
        left = at(shaken) - before
        told_ = subprocess.run(
            [sys.executable, "-m", "agentrt", "gc", "--json"], cwd=made.work, capture_output=True, text=True, timeout=60
        )
        assert told_.returncode == 0, told_.stderr
        assert len(json.loads(told_.stdout)["outside"]) == len(left)
        assert at(shaken) == before
        async with made.open() as resumed:
            counted = [operation for operation in resumed.log() if operation.status == "settled"]
            assert len(counted) >= done
            printed = await resumed.act("bash", command="cat count 2>/dev/null; ls ~ lost 2>/dev/null; true")
            assert printed.observation is not None
            seen = printed.observation.output.split()
            assert seen[: len(counted)] == [str(number) for number in range(len(counted))] and "lost" not in seen
        assert at(shaken) == before

    asyncio.run(scenario())


def test_several_on_one_store(shaken: Engine, tmp_path: Path) -> None:
    """One loses its container; the other goes on."""

    async def scenario() -> None:
        before = at(shaken)
        made = Ground(tmp_path, shaken)
        async with made.open() as runtime:
            await made.history(runtime)
            async with await runtime.fork(made.stands) as other:
                first, second = await asyncio.gather(
                    runtime.act("bash", command="echo a > a"), other.act("bash", command="echo b > b")
                )
                assert (first.status, second.status) == ("settled", "settled")
                action = Printing(other)
                await action.runs()
                with shaken.client() as client:
                    [victim] = [one for one in client.containers.list() if "sleep" in str(one.top())]
                    victim.kill()
                assert (await action.task).status == "failed"
                done = await runtime.act("bash", command="cat a; cat b")
                assert done.observation is not None and done.observation.output.startswith("a\n")
                done = await other.act("bash", command="cat b; cat a")
                assert done.observation is not None and done.observation.output.startswith("b\n")
        assert at(shaken) == before

    asyncio.run(scenario())


def test_layers_go_that_a_container_still_shows(shaken: Engine) -> None:
    """As those of what was rolled back do; or another session's ``gc`` takes them."""

    async def scenario() -> None:
        async with ground(open_docker) as made:
            first = await made.act("echo 1 > a; echo 1 > ~/a")
            expected = await made.view()
            other = made.open()
            for removing in (made.sandbox, other):
                await made.sandbox.restore(first)
                second = await made.act("echo 2 > a; mkdir -p b/c; echo 2 > ~/b; rm ~/a")
                await made.sandbox.restore(first)
                await removing.remove(second.layers[-1:])
                assert await made.view() == expected
            await other.close()

    asyncio.run(scenario())


def test_many_layers(shaken: Engine, tmp_path: Path) -> None:
    """Deeper than any mount could be: runs of them are squashed, every view can be had, and all can be removed."""
    many = 600  # in which nine runs of 64 are full

    async def scenario() -> None:
        async with ground(open_docker) as made:
            views: dict[int, Snapshot] = {}
            for number in range(1, many + 1):
                views[number] = await made.act(
                    f"echo {number} > f{number % 50}; echo {number} > ~/last; rm -f g{number - 1}; echo > g{number}"
                )
            squashes = [name for name in os.listdir(made.store) if name.startswith(".squash-")]
            assert len(squashes) >= many // 64 - 1
            for number in (1, 63, 64, 65, 300, many - 1, many):
                await made.sandbox.restore(views[number])
                await made.sandbox.begin(made.name())
                result, printed = await made.run("bash", "-c", "cat ~/last; ls g*; cat f*; ls | wc -l")
                assert result.exit_code == 0
                here = sorted({n % 50: n for n in range(1, number + 1)}.items(), key=lambda item: f"f{item[0]}")
                rest = printed.decode().split()
                assert rest[:2] == [str(number), f"g{number}"]
                assert rest[2 : 2 + len(here)] == [str(n) for _, n in here]
                await made.sandbox.discard()
            effects = await made.sandbox.changes(views[many], views[1])
            assert {path for e in effects if e.in_workspace for path in (e.path, e.renamed_from) if path} == {
                *(f"f{n}" for n in range(50)), "g1", f"g{many}",
            }  # fmt: skip
            names = sorted({layer for snapshot in views.values() for layer in snapshot.layers})
            await made.sandbox.restore(views[1])
            await made.sandbox.remove([name for name in names if name not in views[1].layers])
            left = [name for name in os.listdir(made.store) if not name.startswith((".run-", ".base", ".docker"))]
            assert left == list(views[1].layers)
            await made.sandbox.begin(made.name())
            assert (await made.run("bash", "-c", "cat ~/last"))[1] == b"1\n"

    asyncio.run(scenario())


def test_the_disk_of_the_store_is_full(shaken: Engine, tmp_path: Path) -> None:
    async def scenario() -> None:
        workspace, store = tmp_path / "workspace", tmp_path / "small"
        workspace.mkdir()
        store.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(store)], check=True)
        sandbox = open_docker(workspace, store)
        try:
            await sandbox.start(Snapshot())
            await sandbox.begin("s1.1")
            await sandbox.write("first", b"1")
            first = await sandbox.seal()
            for _ in range(2):
                await sandbox.begin("s1.2")
                await sandbox.write("new", os.urandom(4_000_000))
                await sandbox.exec(["bash", "-c", "rm first; echo x > ~/x"])
                with pytest.raises(DiskFull, match="No space left") as caught:
                    await sandbox.seal()
                assert "state folder" in caught.value.hint
                await sandbox.restore(first)
                await sandbox.begin("s1.3")
                assert await sandbox.read("first") == b"1"
                result = await sandbox.exec(["bash", "-c", "ls; ls ~ | grep -c x"])
                assert result.exit_code == 1
                await sandbox.discard()
            await sandbox.begin("s1.4")
            await sandbox.write("second", b"2")
            second = await sandbox.seal()
            assert [effect.path for effect in await sandbox.changes(first, second)] == ["second"]
        finally:
            await sandbox.close()
            subprocess.run(["umount", "-l", str(store)], check=True)

    asyncio.run(scenario())


@pytest.fixture
def cramped(state: Path, monkeypatch: pytest.MonkeyPatch, shaken_engine: Engine) -> Iterator[Engine]:
    """An engine whose disk has some 60 MB besides the image."""
    with private(disk=f"{root_files().stat().st_size // 1_000_000 + 120}m") as engine:
        load(engine)
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        monkeypatch.setenv("XDG_STATE_HOME", str(state))
        yield engine


def test_the_disk_of_the_engine_is_full(cramped: Engine, tmp_path: Path) -> None:
    """An action is stopped before it is; putting back says so, and goes on when there is room."""

    async def scenario() -> None:
        made = Ground(tmp_path, cramped)
        filler = cramped.folder / "data" / "filler"
        async with made.open() as runtime:
            await made.history(runtime)
            full = await runtime.act(
                "bash", command="head -c 2G /dev/zero | tr '\\0' x > big; rm -f big; echo 1 > ~/one"
            )
            assert full.observation is not None and full.observation.error is not None
            assert "free on the disk of the sandbox" in full.observation.error
            await runtime.undo()
            await made.check(runtime)
            await made.act(runtime, "head -c 8M /dev/urandom > big")
            await runtime.undo()
            assert b"big" not in await look(runtime)
            _fill(filler)
            await runtime.redo()
            with pytest.raises(DiskFull) as caught:
                await look(runtime)
            assert "the disk of the container engine is full" in str(caught.value)
            assert "docker system df" in caught.value.hint
            filler.unlink()
            assert b"big" in await look(runtime)
            await made.check(runtime)
        assert not {what for what in at(cramped) if what[0] != "image"}

    asyncio.run(scenario())


def _fill(file: Path) -> None:
    with file.open("wb") as filling, suppress(OSError):
        while True:
            filling.write(bytes(1 << 16))
            filling.flush()
