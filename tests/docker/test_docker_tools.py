"""Each tool in a container, and what it says where the image lacks what it needs."""

from __future__ import annotations

import asyncio
import subprocess

import pytest
from docker_ground import Ground
from engine import IMAGE

from agentrt import Runtime
from agentrt.records import Operation

DOCKER = {"kind": "docker", "image": IMAGE}


@pytest.fixture(autouse=True)
def homes(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", ground.environment["XDG_STATE_HOME"])
    monkeypatch.delenv("AGENTRT_SANDBOX", raising=False)


def told(operation: Operation) -> str:
    seen = operation.observation
    assert seen is not None
    return seen.output + (seen.error or "")


def test_files_are_read_written_and_edited(ground: Ground) -> None:
    async def work() -> None:
        async with Runtime.open(ground.workspace, sandbox=DOCKER) as rt:
            assert "one" in told(await rt.act("read", path="a.txt"))
            written = await rt.act("write", path="new/deep.txt", content="x\n")
            assert [effect.path for effect in written.files] == ["new", "new/deep.txt"]
            edited = await rt.act("edit", path="a.txt", old="one", new="two")
            assert (
                edited.status == "settled"
                and told(await rt.act("bash", command="cat a.txt new/deep.txt")) == "two\nx\n"
            )
            assert "no" in told(await rt.act("read", path="missing")).lower()
            await rt.undo(4)
            assert told(await rt.act("bash", command="cat a.txt; ls")) == "one\na.txt\n"

    asyncio.run(work())


def test_git_works_on_the_users_repository_and_its_commit_is_applied(ground: Ground) -> None:
    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@x.invalid", *words]
        return subprocess.run(command, cwd=ground.workspace, check=True, capture_output=True, text=True).stdout

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "first")

    async def work() -> None:
        async with Runtime.open(ground.workspace, sandbox=DOCKER) as rt:
            assert "nothing to commit" in told(await rt.act("git", args=["status"]))
            await rt.act("write", path="a.txt", content="two\n")
            done = await rt.act("git", args=["commit", "-qam", "second"])
            assert done.observation is not None and done.observation.exit_code == 0, told(done)
            assert told(await rt.act("git", args=["log", "--format=%s %an"])) == "second agentrt\nfirst x\n"

    asyncio.run(work())
    assert git("log", "--format=%s") == "first\n"


def test_what_the_image_lacks_is_said(ground: Ground) -> None:
    async def work() -> None:
        async with Runtime.open(ground.workspace, sandbox=DOCKER) as rt:
            searched = await rt.act("search", pattern="one")
            if "a.txt:1: one" not in told(searched):
                assert "ripgrep (rg), which is not in the sandbox" in told(searched)

    asyncio.run(work())
