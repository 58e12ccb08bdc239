"""``log --follow``: what is said, when, and when it ends; in processes of their own."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cli_ground import Cli
from run_ground import Ground

from agentrt.history.journal import Journal
from agentrt.history.store import locate
from agentrt.records import RequestEffect, View

HOST = """
import asyncio, sys
from agentrt.hosting.client import Client

async def work():
    async with await Client.connect(sys.argv[1]) as client:
        acting = asyncio.create_task(client.ask("act", kind="bash", arguments={"command": "touch made"}))
        async for event in client.events():
            if event["event"] == "state" and event["state"]["questions"]:
                break
        (question,) = event["state"]["questions"]
        await asyncio.to_thread(sys.stdin.readline)
        await client.ask("answer", question=question["id"], allow=True)
        print((await acting)["status"])

asyncio.run(work())
"""
"""Has a host do something that the policy asks about, and says yes when it is told to."""


class Follower:
    """``agentrt log --follow`` into a pipe."""

    def __init__(self, cwd: Path, env: Mapping[str, str], *words: str) -> None:
        command = [sys.executable, "-m", "agentrt", "log", "--follow", *words]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=cwd, env=env, stdout=pipe, stderr=pipe, stdin=subprocess.DEVNULL)
        self.raw = b""

    def until(self, text: str) -> None:
        """Until that has been said."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + 60
        while text.encode() not in self.raw:
            assert time.monotonic() < deadline, self.raw
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                data = os.read(self.process.stdout.fileno(), 65536)
                assert data, (self.raw, self.process.communicate())
                self.raw += data

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        self.raw += self.process.communicate(timeout=60)[0]
        return self.process.returncode

    @property
    def lines(self) -> list[str]:
        """Without the time."""
        return [line.split("  ", 1)[-1] for line in self.raw.decode().splitlines()]

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.raw.splitlines()]


@pytest.fixture
def follow(workspace: Path, environment: dict[str, str]) -> Iterator[Any]:
    started: list[Follower] = []

    def start(*words: str, cwd: Path = workspace, **env: str) -> Follower:
        started.append(Follower(cwd, {**environment, **env}, *words))
        return started[-1]

    yield start
    for follower in started:
        follower.process.kill()
        follower.process.communicate()


def test_it_waits_for_a_session_and_tells_what_happens(
    follow: Any, cli: Cli, tmp_path: Path, workspace: Path, environment: dict[str, str]
) -> None:
    follower = follow()
    follower.until("waiting for the first operation\n")
    assert not (tmp_path / "state").exists()
    cli("new")
    follower.until("following session s1\n")
    go = tmp_path / "go"
    command = f"echo two > a.txt; until [ -e {go} ]; do sleep 0.05; done"
    words = [sys.executable, "-m", "agentrt", "exec", "--", command]
    slow = subprocess.Popen(words, cwd=workspace, env=environment, stderr=subprocess.DEVNULL)
    follower.until("operation 1 running — user: $ echo two")
    go.touch()
    assert slow.wait(60) == 0
    follower.until("operation 1 to review — 1 file changed — user: $ echo two")
    assert cli("undo").code == 0
    follower.until("operation 1 undone — 1 file changed — user: $ echo")
    follower.until("operation 2 done — 1 file changed — user: undo of 1\n")
    cli("redo")
    follower.until("operation 3 done — 1 file changed — user: redo of 1\n")
    cli("reject", "1", "--because", "not\x1bso")
    follower.until("operation 1 rejected — ")
    follower.until("user: reject of 1: not\\x1bso\n")
    assert follower.end() == 130
    assert follower.lines[:2] == ["nothing was done here yet; waiting for the first operation", "following session s1"]


def test_first_it_prints_the_log_and_then_only_what_is_new(follow: Any, cli: Cli) -> None:
    cli("exec", "--", "echo two > a.txt")
    cli("exec", "--", "touch b")
    cli("undo")
    before = cli("log").raw
    follower = follow()
    follower.until("following session s1 — to review: 1\n")
    assert follower.raw.startswith(before) and len(follower.lines) == 4
    cli("accept", "1")
    follower.until("operation 4 done")
    follower.until("operation 1 accepted")
    assert follower.end(signal.SIGTERM) == 143
    assert not any("operation 2" in line for line in follower.lines)


def test_what_undo_does_not_take_back_and_why_nothing_was_done_is_said(
    follow: Any, cli: Cli, workspace: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("exec", "--", "true")
    follower = follow()
    follower.until("following")
    assert cli("exec", "--policy", "read-only", "--", "touch new").code == 3
    follower.until("nothing it did is kept: new was created: the workspace is only to be read — user: $ touch new\n")
    monkeypatch.setenv("XDG_STATE_HOME", environment["XDG_STATE_HOME"])
    sent = RequestEffect(change="sent", reversibility="irreversible", method="POST", url="https://example.com/")
    with Journal.open(locate(workspace).journal) as journal:
        intent = journal.intend(
            "s1", kind="act", actor="a\x1b", before=View(), action={"kind": "read", "path": "‮" * 2_000}
        )
        journal.settle(intent, status="settled", after=View(), effects=[sent], review="pending")
    assert follower.lines[-1].startswith("operation 2 rolled back — ")
    follower.until("operation 3 to review — 1 request (1 irreversible) — irreversible — a\\x1b: read \\u202e")
    follower.until("…\n")
    assert follower.end() == 130
    assert b"\x1b" not in follower.raw and "‮".encode() not in follower.raw
    assert len(follower.lines[-1]) < 1_000


def test_with_json_each_line_is_a_document(follow: Any, cli: Cli) -> None:
    follower = follow("--json")
    follower.until('"waiting"')
    cli("exec", "--", "echo two > a.txt; echo said")
    cli("exec", "--", "true")
    follower.until('"operation", "state": "done", "operation": {"id": 2')
    later = follow("--json")
    later.until('"following"')
    cli("fork", "1")
    for each in (follower, later):
        each.until('"following", "session": "s2"')
        assert each.end() == 130
    events = [(found["event"], found.get("state")) for found in follower.documents]
    assert events[0] == ("waiting", None) and ("following", None) in events
    assert [e for e in events if e[0] == "operation" and e[1] != "intent"] == [
        ("operation", "pending"),
        ("operation", "done"),
    ]
    first, second, following, *forked = later.documents
    assert [first["operation"], second["operation"]] == cli("--session", "s1", "log", "--json").json
    assert first == next(found for found in follower.documents if found.get("state") == "pending")
    assert following == {
        "event": "following",
        "session": "s1",
        "title": "",
        "parent": None,
        "parent_operation": None,
        "to_review": [1],
    }
    fork = {"event": "forked", "session": "s2", "title": "", "operation": 1}
    assert forked[0] == fork and forked[1] == following | {
        "session": "s2",
        "parent": "s1",
        "parent_operation": 1,
        "to_review": [],
    }


def test_the_current_session_is_followed_unless_one_is_named(follow: Any, cli: Cli) -> None:
    cli("exec", "--", "touch b")
    moving, staying = follow(), follow("--session", "s1")
    for each in (moving, staying):
        each.until("following session s1")
    assert cli("fork", "1").code == 0
    for each in (moving, staying):
        each.until("session s2 forked at operation 1, it has 0 operations\n")
    cli("new", "a title")
    moving.until("following session s3 — a title\n")
    cli("exec", "--", "touch c")
    moving.until("operation 1 to review — 1 file created — user: $ touch c\n")
    cli("exec", "--session", "s1", "--", "touch d")
    staying.until("operation 2 to review — 1 file created — user: $ touch d\n")
    assert moving.end() == staying.end() == 130
    assert "touch d" not in moving.raw.decode() and "touch c" not in staying.raw.decode()


def test_of_one_actor_only(follow: Any, cli: Cli, workspace: Path, environment: dict[str, str]) -> None:
    cli("exec", "--", "touch b")
    follower = follow("--actor", "agentrt")
    follower.until("following session s1 — to review: 1\n")
    cli("exec", "--", "touch c")
    follower.until("following")
    assert follower.end() == 130 and len(follower.lines) == 1


def test_it_ends_when_nobody_reads_on(follow: Any, cli: Cli) -> None:
    cli("exec", "--", "true")
    follower = follow()
    follower.until("following")
    follower.process.stdout.close()
    assert follower.process.wait(60) == 0
    assert follower.process.stderr.read() == b""


def test_at_a_terminal_nothing_is_drawn_over(
    cli: Cli, tmp_path: Path, workspace: Path, environment: dict[str, str]
) -> None:
    cli("exec", "--", "true")
    terminal = Ground(tmp_path, workspace, environment).terminal("log", "--follow", columns=40)
    terminal.until("following session s1\r\n")
    cli("exec", "--", "touch a-name-that-is-longer-than-the-terminal-is-wide")
    terminal.until("is-wide\r\n")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert b"\x1b" not in terminal.raw and terminal.raw.count(b"\r") == terminal.raw.count(b"\r\n")
    assert terminal.raw.endswith(b"agentrt: interrupted\r\n")


def test_mistakes_are_told(cli: Cli) -> None:
    cli("exec", "--", "true")
    for words in (("--session", "s9"), ("--at", "1")):
        done = cli("log", "--follow", *words)
        assert done.code == 2 and done.err.startswith("agentrt: ") and "hint: " in done.err


def test_what_is_asked_is_told_and_that_it_was_answered(
    follow: Any, cli: Cli, tmp_path: Path, workspace: Path, environment: dict[str, str]
) -> None:
    ground = Ground(tmp_path, workspace, environment)
    ground.policy("decide:\n  - verdict: ask\n    run: [touch **]\n    because: look first\n")
    cli("exec", "--", "true")
    words, json_lines = follow(), follow("--json")
    for each in (words, json_lines):
        each.until("following")
    pipe = subprocess.PIPE
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(workspace)], env=ground.env, stdin=pipe, stdout=pipe, text=True
    )
    words.until(" asks — policy.yaml:2: look first: $ touch made\n")
    json_lines.until('"asks"')
    assert host.communicate("\n", timeout=60) == ("settled\n", None)
    words.until("waits no more: $ touch made\n")
    words.until("operation 2 to review")
    json_lines.until('"answered"')
    assert words.end() == json_lines.end() == 130
    asks = next(found for found in json_lines.documents if found["event"] == "asks")["question"]
    assert asks["kind"] == "ask" and asks["shown"] == "$ touch made" and asks["because"] == "look first"
