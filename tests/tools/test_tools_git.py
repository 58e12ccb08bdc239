"""git: in the sandbox, with nobody to ask."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import ValidationError

from agentrt.records import Observation
from agentrt.testing.plain_world import PlainWorld
from agentrt.tools.git import Git, GitTool

GitRun = Callable[..., Observation]


@pytest.fixture
def git(tmp_path: Path) -> GitRun:
    """``git("commit", "-m", "x")`` in a fresh repository, with a home that has no identity."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    path = {"PATH": "/usr/bin:/bin"}
    world = PlainWorld(tmp_path / "work", env=path | {"HOME": str(tmp_path / "home"), "GIT_CONFIG_NOSYSTEM": "1"})

    def run(*args: str) -> Observation:
        return anyio.run(GitTool().run, Git(args=args), world)

    assert run("init", "-q", "-b", "main").exit_code == 0
    return run


def test_a_command_runs_and_its_exit_code_comes_back(git: GitRun, tmp_path: Path) -> None:
    (tmp_path / "work" / "a").write_text("x\n")
    seen = git("status", "--porcelain")
    assert (seen.exit_code, seen.output, seen.error) == (0, "?? a\n", None)
    wrong = git("stats")
    assert wrong.exit_code == 1
    assert "is not a git command" in wrong.output


def test_a_commit_needs_no_identity(git: GitRun, tmp_path: Path) -> None:
    (tmp_path / "work" / "a").write_text("x\n")
    assert git("add", "a").exit_code == 0
    assert git("commit", "-q", "-m", "first").exit_code == 0
    who = git("log", "--format=%an <%ae> %cn <%ce>").output
    assert who == "agentrt <agent@agentrt.invalid> agentrt <agent@agentrt.invalid>\n"


def test_an_identity_that_is_configured_is_kept(git: GitRun, tmp_path: Path) -> None:
    assert git("config", "user.name", "Ann").exit_code == 0
    assert git("config", "user.email", "ann@example.org").exit_code == 0
    assert git("commit", "-q", "--allow-empty", "-m", "first").exit_code == 0
    assert git("log", "--format=%an <%ae> %cn <%ce>").output == "Ann <ann@example.org> Ann <ann@example.org>\n"
    assert git("-c", "author.name=Bob", "commit", "-q", "--allow-empty", "-m", "second").exit_code == 0
    assert git("log", "-1", "--format=%an %cn").output == "Bob Ann\n"


def test_an_identity_of_another_folder_is_that_folders(git: GitRun, tmp_path: Path) -> None:
    other = tmp_path / "work" / "other"
    other.mkdir()
    assert git("-C", "other", "init", "-q").exit_code == 0
    assert git("-C", "other", "config", "user.name", "Ann").exit_code == 0
    assert git("-C", "other", "config", "user.email", "a@b").exit_code == 0
    assert git("-C", "other", "commit", "-q", "--allow-empty", "-m", "x").exit_code == 0
    assert git("-C", "other", "log", "--format=%an").output == "Ann\n"


def test_nothing_waits_for_an_editor_or_a_pager(git: GitRun) -> None:
    empty = git("commit", "--allow-empty")
    assert empty.exit_code == 1
    assert "empty commit message" in empty.output
    git("commit", "-q", "--allow-empty", "-m", "x")
    assert git("commit", "-q", "--amend", "--allow-empty").exit_code == 0
    assert git("-p", "log", "--format=%s").output == "x\n"


def test_looking_does_not_write_the_index(git: GitRun, tmp_path: Path) -> None:
    file = tmp_path / "work" / "a"
    file.write_text("x\n")
    git("add", "a")
    git("commit", "-q", "-m", "x")
    index = (tmp_path / "work/.git/index").read_bytes()
    file.touch()
    os.utime(file, (1, 1))  # the index now has another time, which git would like to note
    assert git("status", "--porcelain").output == ""
    assert git("log", "--format=%s").output == "x\n"
    assert (tmp_path / "work/.git/index").read_bytes() == index
    subprocess.run(["git", "status"], cwd=tmp_path / "work", check=True, capture_output=True)
    assert (tmp_path / "work/.git/index").read_bytes() != index, "git would have written it: the test means something"


def test_a_monitor_the_repository_names_is_not_started(git: GitRun, tmp_path: Path) -> None:
    monitor = tmp_path / "work" / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    monitor.chmod(0o755)
    git("config", "core.fsmonitor", str(monitor))
    assert git("status", "--porcelain").output == "?? monitor\n"
    assert not (tmp_path / "started").exists()


def test_a_sandbox_without_git(tmp_path: Path) -> None:
    world = PlainWorld(tmp_path, env={"PATH": str(tmp_path)})
    for args in (("status",), ("commit", "-m", "x")):
        seen = anyio.run(GitTool().run, Git(args=args), world)
        assert (seen.exit_code, seen.error) == (127, "git is not in the sandbox: install it there")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"args": []}, "at least 1 item"),
        ({"args": ["a\0"]}, "NUL"),
        ({"args": "status"}, "valid tuple"),
        ({}, "required"),
    ],
)
def test_what_cannot_be_run_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Git.from_dict(fields)


def test_a_person_sees_one_line() -> None:
    assert GitTool().show(Git(args=("commit", "-m", "a b\nc"))) == "git commit -m 'a b c'"
