"""A session goes on in the container it was begun with; what only looks or goes back needs no engine."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import termios
import time
from pathlib import Path
from typing import Any

import pytest
from docker_ground import NOWHERE, Ground
from engine import IMAGE

from agentrt import Runtime, transaction
from agentrt.contracts import Confinement
from agentrt.errors import UsageError
from agentrt.records import Limits, Snapshot
from agentrt.sandboxes.docker import images, open_sandbox
from agentrt.sandboxes.docker.labels import store_name
from agentrt.shell import Shell

DOCKER = {"kind": "docker", "image": IMAGE}


@pytest.fixture
def begun(ground: Ground) -> Ground:
    """A session of two operations."""
    task = ground.task(
        "      - bash: {command: 'echo two >> a.txt; echo b > b.txt; touch ~/x'}\n      - bash: {command: rm b.txt}\n"
    )
    assert ground.run(str(task)).returncode == 0
    return ground


def test_it_goes_on_where_it_was_begun(begun: Ground) -> None:
    assert begun.run("exec", "--", "id -u; ls ~; cat a.txt").stdout == "1000\nx\none\ntwo\n"
    assert begun.run("exec", "--", "id -u", AGENTRT_SANDBOX="local").stdout == "1000\n"
    shell = begun.run("shell", text="id -u; cat a.txt; echo z > z\n")
    assert shell.stdout == "1000\none\ntwo\n" and begun.json("diff", "--stat") is not None
    assert begun.run("fork", "1").returncode == 0
    assert begun.run("exec", "--", "id -u; ls ~ b.txt").stdout.split() == ["1000", "b.txt", "/home/agent:", "x"]
    begun.run("new")
    local = begun.json("exec", "--", "cat a.txt", AGENTRT_SANDBOX="local")
    assert local["observation"]["output"] == "one\n"


def test_without_an_engine_all_but_acting_works(begun: Ground) -> None:
    def gone(*words: str) -> Any:
        done = begun.run(*words, DOCKER_HOST=NOWHERE)
        assert done.returncode == 0, (words, done)
        return done.stdout

    assert len(json.loads(gone("log", "--json"))) >= 2
    assert "b.txt" in gone("show", "1") and "+two" in gone("diff")
    assert "undid 2" in gone("undo", "1") and "b.txt" in gone("diff")
    assert "undid 1" in gone("undo") and "a.txt" not in gone("diff")
    gone("restore", "1")
    assert "b.txt" in gone("review")
    gone("revert", "1", "--preview")
    gone("fork", "1")
    assert "a.txt" in gone("apply")
    assert (begun.workspace / "a.txt").read_text() == "one\ntwo\n" and (begun.workspace / "b.txt").read_text() == "b\n"
    gone("undo")
    assert (begun.workspace / "a.txt").read_text() == "one\n"
    done = begun.run("exec", "--", "true", DOCKER_HOST=NOWHERE)
    assert done.returncode == 5 and "no container engine" in done.stderr
    assert begun.run("exec", "--", "cat a.txt ~/x").stdout == "one\ntwo\n", "as the fork has it"


def test_what_the_image_held_here_was_deleted(begun: Ground) -> None:
    """Without it what was done outside the workspace could not be told; the engine has it still."""

    def delete() -> Path:
        [held] = begun.folder.glob("state/agentrt/docker/*/places")
        shutil.rmtree(held)
        return held

    held = delete()
    done = begun.run("undo", "2", DOCKER_HOST=NOWHERE)
    assert done.returncode == 5 and f"{held}, which held" in done.stderr and f"`mkdir -p {held}`" in done.stderr, done
    assert [each["status"] for each in begun.json("log")] == ["settled", "settled", "failed"]
    told = begun.json("undo", "2")
    assert [each["path"] for each in told["effects"] if each["path"].startswith("/")] == ["/home/agent/x"], told
    assert (held / "tmp").is_dir()
    delete().mkdir()
    assert begun.run("redo", DOCKER_HOST=NOWHERE).returncode == 0


def test_an_end_that_is_called_off_is_one_all_the_same(engine: Any, tmp_path: Path, store: Path) -> None:
    async def work() -> None:
        sandbox = open_sandbox(
            {"image": IMAGE}, workspace=tmp_path, store=store, confinement=Confinement(), folder=tmp_path
        )
        await sandbox.start(Snapshot())
        await sandbox.begin("one")
        await sandbox.exec(["true"])
        closing = asyncio.ensure_future(sandbox.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

    asyncio.run(work())
    mine = f"agentrt.store={store_name(store)}"
    assert engine.api.containers(all=True, filters={"label": mine}) == []
    assert not engine.api.volumes(filters={"label": mine})["Volumes"]


def test_a_shell_that_waits_for_its_image_is_told_and_called_off(engine: Any, tmp_path: Path, store: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo {os.urandom(8).hex()}; sleep 600\n")
    options = {"dockerfile": "Dockerfile"}

    async def work() -> None:
        sandbox = open_sandbox(options, workspace=tmp_path, store=store, confinement=Confinement(), folder=tmp_path)
        await sandbox.start(Snapshot())
        await sandbox.begin("one")
        shell = Shell(sandbox, Limits(), "agentrt")
        ours, theirs = os.openpty()
        before = termios.tcgetattr(theirs)
        try:
            working = asyncio.ensure_future(shell.interact(theirs, {}))
            seen = b""
            while b"agentrt: Step 2/3 : RUN echo" not in seen:
                seen += await asyncio.to_thread(os.read, ours, 4096)
            os.write(ours, b"x\x03")
            assert (await working).exit_code == 130
            assert termios.tcgetattr(theirs) == before
        finally:
            os.close(ours)
            os.close(theirs)
            await shell.close()

    asyncio.run(work())


def test_what_could_not_begin_may_begin_elsewhere(ground: Ground) -> None:
    assert ground.run("exec", "--", "true", AGENTRT_SANDBOX="docker", DOCKER_HOST=NOWHERE).returncode == 5
    assert ground.run("exec", "--", "cat a.txt", DOCKER_HOST=NOWHERE).stdout == "one\n"
    done = ground.run("exec", "--", "cat a.txt", AGENTRT_SANDBOX="docker", DOCKER_HOST=NOWHERE)
    assert done.stdout == "one\n", "now it is the local sandbox's"


def test_in_python(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", ground.environment["XDG_STATE_HOME"])
    monkeypatch.delenv("AGENTRT_SANDBOX", raising=False)

    async def work() -> None:
        async with Runtime.open(ground.workspace, sandbox=DOCKER) as rt:
            assert (await rt.act("bash", command="echo b > b.txt")).status == "settled"
        with pytest.raises(UsageError, match="begun in the docker sandbox"):
            await Runtime.open(ground.workspace, sandbox="local")
        async with Runtime.open(ground.workspace) as rt:
            seen = (await rt.act("bash", command="id -u; cat b.txt")).observation
            assert seen is not None and seen.output == "1000\nb\n"
        async with Runtime.open(ground.workspace, sandbox={**DOCKER, "memory": "200 MB"}) as rt:
            assert (await rt.act("bash", command="true")).status == "settled"
        async with Runtime.open(ground.workspace, sandbox="local", session=_new(ground)) as rt:
            assert (await rt.act("bash", command="test ! -e b.txt")).status == "settled"

    asyncio.run(work())


def test_what_it_waits_for_is_of_no_actions_time(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", ground.environment["XDG_STATE_HOME"])
    monkeypatch.delenv("AGENTRT_SANDBOX", raising=False)
    monkeypatch.setattr(transaction, "_GRACE", 0.0)
    resolve, waited = images.resolve, []

    def slowly(*words: Any, **more: Any) -> Any:
        time.sleep(3)
        waited.append(True)
        return resolve(*words, **more)

    monkeypatch.setattr(images, "resolve", slowly)

    async def work() -> None:
        async with Runtime.open(ground.workspace, sandbox=DOCKER, policy={"limits": {"seconds": 2}}) as rt:
            for command, error in (("echo 1 > b.txt", "^$"), ("sleep 60", "stopped after|longer than its limit")):
                done = await rt.act("bash", command=command)
                assert done.observation is not None
                assert re.search(error, done.observation.error or "") and waited == [True], done
            seen = (await rt.act("bash", command="cat b.txt")).observation
            assert seen is not None and seen.output == "1\n"

    asyncio.run(work())


def _new(ground: Ground) -> str:
    return str(ground.json("new")["id"])
