"""Pushes over HTTP, by the user's own credentials; nobody is ever asked for any."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from http_ground import PASSWORD, USER, GitServer
from push_ground import accept, committed, git, killed_at, queued, said, there_and_back

from agentrt.tools.pushes import quarantine


@pytest.fixture
def server(ground: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitServer]:
    """The remote, by HTTP. A program that asks people stands by in every place that git knows, and none is called."""
    one = GitServer(ground.far.parent)
    git(ground.path, "remote", "set-url", "origin", f"{one.url}/far.git")
    asks, asked = ground.far.parent / "asks", ground.far.parent / "asked"
    asks.write_text(f"#!/bin/sh\ntouch {asked}\nexec sleep 1000\n")
    asks.chmod(0o755)
    for name in ("GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.setenv(name, str(asks))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    git(ground.path, "config", "--global", "core.askPass", str(asks))
    yield one
    one.close()
    assert not asked.exists()


def knows(ground: Any, password: str, *, where: str = "--global") -> Path:
    """The user's credential helper does; the file in which it is told what was wrong and what was right."""
    helper, told = ground.far.parent / "helper", ground.far.parent / "told"
    helper.write_text(
        f'#!/bin/sh\necho "$1" >> {told}\n[ "$1" = get ] && echo username={USER}; echo "password={password}"\n'
    )
    helper.chmod(0o755)
    git(ground.path, "config", where, "credential.helper", str(helper))
    return told


@pytest.mark.parametrize("where", ["--global", "--local"])
def test_by_the_users_credential_helper_there_and_back(ground: Any, server: GitServer, where: str) -> None:
    knows(ground, PASSWORD, where=where)
    old = ground.there()
    with ground.open() as rt:
        new = committed(rt)
        asked = rt.act("push", branch="main")
        assert f"origin, {server.url}/far.git" in said(asked) and server.seen == []
        there_and_back(ground, rt, old, new)
    assert {asked.method for asked in server.let_in} == {"GET", "POST"}
    state = ground.far.parent / "state"
    secret = PASSWORD.encode()
    assert not [file for file in state.rglob("*") if file.is_file() and secret in file.read_bytes()]


def test_a_new_branch_is_deleted_again(ground: Any, server: GitServer) -> None:
    knows(ground, PASSWORD)
    with ground.open() as rt:
        new = committed(rt, branch="fix")
        rt.act("push", branch="fix")
        rt.accept(2)
        assert ground.there("fix") == new
        rt.undo()
        assert ground.there("fix") is None


@pytest.mark.parametrize("password", ["wrong", None])
def test_a_wrong_password_and_none(ground: Any, server: GitServer, password: str | None) -> None:
    """It waits on; once there is one that is right it goes."""
    if password is not None:
        told = knows(ground, password)
    old, new = ground.there(), queued(ground)
    note = accept(ground)
    assert "waits on" in note and ("Authentication failed" if password else "could not read Username") in note
    assert ground.there() == old and server.let_in == []
    if password is not None:
        assert "erase" in told.read_text()
    knows(ground, PASSWORD)
    assert "pushed" in accept(ground) and ground.there() == new


@pytest.mark.parametrize("at", ["asked", "pushed"])
def test_who_may_not(ground: Any, server: GitServer, at: str) -> None:
    knows(ground, PASSWORD)
    old, new = ground.there(), queued(ground)
    if at == "asked":
        server.refuse = 403
    else:
        git(ground.far, "config", "http.receivepack", "false")
    note = accept(ground)
    assert "waits on" in note and "403" in note and ground.there() == old
    server.refuse = None
    git(ground.far, "config", "http.receivepack", "true")
    assert "pushed" in accept(ground) and ground.there() == new


def test_a_server_that_never_answers(ground: Any, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up."""
    knows(ground, PASSWORD)
    queued(ground)
    old = ground.there()
    monkeypatch.setattr(quarantine, "_ASK_SECONDS", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        git(ground.path, "remote", "set-url", "origin", f"http://127.0.0.1:{port}/far.git")
        with ground.open() as rt:
            committed(rt, text="three")
            rt.act("push", branch="main")
            note = rt.accept(4).note
            assert "waits on" in note and "it took longer than 2 seconds" in note and rt.show(4).review == "pending"
    assert ground.there() == old


def test_a_server_that_takes_too_long(ground: Any, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has all of it, and takes it when nobody waits any more: that is ours, and undo takes it back."""
    knows(ground, PASSWORD)
    old, new = ground.there(), queued(ground)
    with ground.open() as rt:
        server.takes_its_time.clear()
        monkeypatch.setattr(quarantine, "_PUSH_SECONDS", 1.0)
        note = rt.accept(2).note
        assert "may have arrived" in note and "a server may be at it still" in note
        assert [one.reversibility for one in rt.show(3).requests] == ["unknown"] and rt.show(2).review == "pending"
        server.takes_its_time.set()
        while ground.there() == old:
            time.sleep(0.02)
        assert "had arrived" in rt.accept(2).note and ground.there() == new
        assert server.pushed == 1
        monkeypatch.setattr(quarantine, "_PUSH_SECONDS", 600.0)
        rt.undo()
        assert ground.there() == old


@pytest.mark.parametrize("built", [False, True], ids=["as it was pushed", "others built on it"])
def test_killed_when_it_had_gone(ground: Any, server: GitServer, built: bool) -> None:
    knows(ground, PASSWORD)
    old, new = ground.there(), queued(ground)
    assert killed_at(lambda: accept(ground), "push went")
    if built:
        ground.others_commit()
    with ground.open() as rt:
        assert any("had arrived" in note for note in rt.notes)
        assert any("others built on it" in note for note in rt.notes) == built
        if not built:
            rt.accept(2)
            rt.undo()
            assert ground.there() == old != new


def test_nothing_of_the_environment_lets_git_ask(ground: Any, server: GitServer) -> None:
    """Not where it is told to, either."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"GIT_TERMINAL_PROMPT": "1", "DISPLAY": ":0"}.items():
            patch.setenv(name, value)
        queued(ground)
        assert "could not read Username" in accept(ground)
    assert os.environ["GIT_ASKPASS"].endswith("asks")
