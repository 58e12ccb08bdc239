"""What a policy hides: it is there, and empty, for every program and tool; the real file is as it was."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agentrt import Runtime
from agentrt.policies import hiding, open_policy
from agentrt.testing.trees import tree_state


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "project"
    (folder / "keys/deep").mkdir(parents=True)
    (folder / ".env").write_text("TOKEN=secret\n")
    (folder / "keys/deep/a.pem").write_text("secret\n")
    (folder / "keys/readme").write_text("public\n")
    (folder / "vault").mkdir()
    (folder / "vault/one").write_text("secret\n")
    (folder / "link").symlink_to(".env")
    return folder


POLICY: dict[str, Any] = {"files": {"hidden": [".env", "**/*.pem", "vault", "not/there"]}}
TRICKS = (
    "cat .env keys/deep/a.pem vault/one link",
    "cat < .env; head -c99 ./keys/../.env; grep -r secret .",
    "python3 -c \"print(open('.env').read())\"",
    "rm -f .env; mv .env other; cat .env other",
    "cp -a . /tmp/all; grep -r secret /tmp/all",
    "ln .env hard; cat hard; ln -s .env soft; cat soft",
    "mv keys moved; cat moved/deep/a.pem",
    "cp -a keys again; rm -rf keys; mv again keys; cat keys/deep/a.pem",
    "echo > .env; echo > vault/new; truncate -s 0 .env; cat .env",
    "umount .env; mount --bind / /mnt; cat .env",
    "rm -rf vault; mkdir vault; cat vault/one",
    "tar c . | tar t >/dev/null; tar c . | grep -a secret",
    "cat /proc/self/root$PWD/.env /proc/1/root$PWD/.env /proc/self/cwd/.env",
)


@pytest.mark.parametrize("trick", TRICKS)
def test_it_is_empty_for_everybody(project: Path, trick: str) -> None:
    before = tree_state(project)

    async def work() -> None:
        async with Runtime.open(project, policy=POLICY) as rt:
            operation = await rt.act("bash", command=trick)
            assert operation.observation is not None and "secret" not in operation.observation.output
            again = await rt.act("bash", command="cat .env keys/deep/a.pem vault/*; grep -rh secret .")
            assert again.observation is not None and "secret" not in again.observation.output

    asyncio.run(work())
    assert tree_state(project) == before


def test_it_is_there_and_nothing_of_it_is_an_effect(project: Path) -> None:
    async def work() -> None:
        async with Runtime.open(project, policy=POLICY) as rt:
            seen = await rt.act("bash", command="ls -A . vault; stat -c %s .env; cat keys/readme")
            assert seen.observation is not None and seen.effects == ()
            assert seen.observation.output == ".:\n.env\nkeys\nlink\nvault\n\nvault:\n0\npublic\n"
            read = await rt.act("read", path=".env")
            assert read.status == "denied" and read.decision is not None
            assert read.decision.because == "its content is hidden"
            found = await rt.act("search", pattern="secret")
            assert found.observation is not None and "secret" not in found.observation.output

    asyncio.run(work())


def test_what_an_agent_makes_where_nothing_was_is_its_own(project: Path) -> None:
    async def work() -> None:
        async with Runtime.open(project, policy=POLICY) as rt:
            made = await rt.act("bash", command="mkdir not && echo mine > not/there && cat not/there")
            assert [effect.path for effect in made.files] == ["not", "not/there"]

    asyncio.run(work())


def test_what_is_hidden_is_looked_up_in_the_workspace(project: Path) -> None:
    assert hiding.found(["*.pem"], project) == ("keys/deep/a.pem",)
    assert hiding.found(["keys/**"], project) == ("keys",)
    assert hiding.found(["keys", f"{project}/vault", "/etc/passwd"], project) == ("keys", "vault")
    assert hiding.found([".env"], project) == (".env",)
    policy = open_policy(POLICY, folder=project, workspace=project)
    assert policy.confinement.hidden == (".env", "keys/deep/a.pem", "not/there", "vault")
