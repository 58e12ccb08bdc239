"""A session goes on in the container it was begun with; what only looks or goes back needs no engine."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from docker_ground import NOWHERE, Ground
from engine import IMAGE

from agentrt import Runtime
from agentrt.errors import UsageError

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


def _new(ground: Ground) -> str:
    return str(ground.json("new")["id"])
