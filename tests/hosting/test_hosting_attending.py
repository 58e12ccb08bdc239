"""Headless runs listen as well: looked at, asked by, interrupted and taken back from another process."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hosting_ground import PATIENCE, SUBMIT, bash, phase, script, task_file, until

from agentrt.errors import HostGone, UsageError
from agentrt.history.store import Store
from agentrt.hosting.client import Client
from agentrt.reader import open_reader

ASKS = {"decide": [{"verdict": "ask", "actions": ["bash"], "because": "look first"}]}
HOLDS = {"decide": [{"verdict": "hold", "actions": ["bash"], "because": "not yet"}]}
WAITS = bash("for n in $(seq 400); do test -e b.txt && break; sleep 0.1; done", text="I wait")

Work = Callable[[Client, "subprocess.Popen[str]"], Awaitable[None]]


class Runs:
    """Headless runs of the workspace's task."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "agentrt", *words, "--json"]
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        ran = subprocess.Popen(command, cwd=self.store.workspace, stdin=null, stdout=pipe, stderr=pipe, text=True)
        self.started.append(ran)
        return ran

    def attached(self, work: Work, *words: str) -> tuple[int, list[dict[str, Any]], str]:
        """Run, with a client that does ``work``; the code, the events and what else was said."""
        ran = self.start(*(words or ("task.yaml",)))

        async def run() -> None:
            async with asyncio.timeout(PATIENCE), await client_of(self.store, ran.pid) as client:
                await work(client, ran)

        asyncio.run(run())
        out, err = ran.communicate(timeout=PATIENCE)
        return ran.returncode, [json.loads(line) for line in out.splitlines()], err


@pytest.fixture
def runs(store: Store) -> Iterator[Runs]:
    found = Runs(store)
    yield found
    for ran in found.started:
        if ran.poll() is None:
            ran.kill()
        ran.communicate()


async def client_of(store: Store, pid: int) -> Client:
    """Of the run; nothing is started."""
    while True:
        try:
            client = await Client.connect(store.workspace, start=False)
        except HostGone:
            await asyncio.sleep(0.02)
        else:
            assert (client.hello["pid"], client.hello["headless"]) == (pid, True)
            return client


def last(store: Store) -> tuple[str, str]:
    """The status of the first action, and what a person said of it."""
    with open_reader(store.workspace) as reader:
        operation = reader.show(2)
        return operation.status, operation.decision.answer if operation.decision is not None else ""


@pytest.mark.parametrize("policy", [ASKS, HOLDS])
def test_a_person_is_there_while_a_client_is_attached(runs: Runs, policy: dict[str, Any]) -> None:
    narrow = {**policy["decide"][0], "run": ["touch b.txt"]}
    del narrow["actions"]
    script(runs.store.workspace, bash("sleep 4"), bash("touch b.txt"), SUBMIT, policy={"decide": [narrow]})

    async def work(client: Client, ran: subprocess.Popen[str]) -> None:
        state = await phase(client, "asking")
        (question,) = state["questions"]
        assert question["shown"] == "$ touch b.txt"
        await client.ask("answer", question=question["id"], allow=True)
        seen = [event async for event in client.events()]
        endings = [e["state"]["ending"] for e in seen if e["event"] == "state" and e["state"]["ending"]]
        assert endings[-1]["code"] == "submit"
        assert any(e["event"] == "told" and e["what"]["event"] == "ended" for e in seen)

    code, events, err = runs.attached(work)
    assert (code, events[-1]["event"], events[-1]["code"]) == (0, "result", "submit"), err
    assert last(runs.store) == ("settled", "allowed by a person")
    assert not runs.store.host_socket.exists()


def test_without_one_nobody_is_there(runs: Runs) -> None:
    script(runs.store.workspace, bash("true"), bash("touch b.txt"), SUBMIT, policy=ASKS)
    ran = runs.start("task.yaml")
    out, _ = ran.communicate(timeout=PATIENCE)
    assert ran.returncode == 0, out
    assert last(runs.store) == ("denied", "")


def test_who_only_looks_on_is_nobody_to_ask(runs: Runs) -> None:
    turns = [bash("sleep 2"), bash("touch b.txt"), {"actions": [{"ask": {"question": "what now?"}}]}]
    script(runs.store.workspace, *turns, SUBMIT, policy={"decide": [{"verdict": "ask", "run": ["touch b.txt"]}]})
    ran = runs.start("task.yaml")

    async def work() -> list[dict[str, Any]]:
        while ran.poll() is None:
            try:
                client = await Client.connect(runs.store.workspace, start=False, watch=True)
            except HostGone:
                await asyncio.sleep(0.02)
                continue
            async with client, asyncio.timeout(PATIENCE):
                return [event async for event in client.events()]
        raise AssertionError(ran.communicate())

    seen = asyncio.run(work())
    assert any(event["event"] == "state" for event in seen)
    assert not any(event["state"]["questions"] for event in seen if event["event"] == "state")
    assert ran.wait(PATIENCE) == 0
    assert last(runs.store) == ("denied", "")


def test_who_is_at_a_shell_is_not_there_to_be_asked(runs: Runs) -> None:
    rule = {"verdict": "ask", "run": ["touch b.txt"]}
    script(runs.store.workspace, bash("sleep 4"), bash("touch b.txt"), SUBMIT, policy={"decide": [rule]})

    async def work(client: Client, ran: subprocess.Popen[str]) -> None:
        ours, theirs = os.openpty()
        try:
            with pytest.raises(HostGone):  # with the run
                await client.ask_with([theirs], "shell")
        finally:
            os.close(ours)
            os.close(theirs)

    code, _, err = runs.attached(work)
    assert code == 0, err
    assert last(runs.store) == ("denied", "")


def test_when_the_last_client_goes_nobody_can_answer_any_more(runs: Runs) -> None:
    rule = {"verdict": "ask", "run": ["touch b.txt"]}
    turns: list[dict[str, Any]] = [
        bash("sleep 4"),
        bash("touch b.txt"),
        {"actions": [{"ask": {"question": "what now?"}}]},
    ]
    script(runs.store.workspace, *turns, SUBMIT, policy={"decide": [rule]})

    async def work(client: Client, ran: subprocess.Popen[str]) -> None:
        await phase(client, "asking")

    code, _, err = runs.attached(work)
    assert code == 0, err
    assert last(runs.store) == ("denied", "a person said no: nobody answered")


def test_an_agents_question_is_answered_by_a_client(runs: Runs) -> None:
    script(runs.store.workspace, bash("sleep 3"), {"actions": [{"ask": {"question": "which?"}}]}, SUBMIT)

    async def work(client: Client, ran: subprocess.Popen[str]) -> None:
        (question,) = (await phase(client, "asking"))["questions"]
        await client.ask("reply", question=question["id"], text="that one")

    code, events, err = runs.attached(work)
    assert code == 0, err
    assert "A person says: that one" in [event.get("text") for event in events]


def test_interrupt_is_like_ctrl_c(runs: Runs) -> None:
    script(runs.store.workspace, WAITS, SUBMIT)

    async def work(client: Client, ran: subprocess.Popen[str]) -> None:
        await phase(client, "acting")
        assert (await client.ask("interrupt"))["interrupted"] is True

    code, _, err = runs.attached(work)
    assert code == 130 and "--resume" in err


def test_an_undo_ends_the_run_and_is_done(runs: Runs) -> None:
    script(runs.store.workspace, bash("echo two >> a.txt"), WAITS, SUBMIT)

    async def work(client: Client, ran: subprocess.Popen[str]) -> None:
        await until(lambda: client.ask("state"), lambda s: s["running"] and "seq" in s["running"]["shown"])
        assert (await client.ask("undo"))["paths"] == ["a.txt"]

    code, _, _ = runs.attached(work)
    assert code == 130
    with open_reader(runs.store.workspace) as reader:
        assert [(op.kind, op.status) for op in reader.log()][-1] == ("undo", "settled")


def test_other_sessions_can_be_worked_on_but_no_run_is_started(runs: Runs) -> None:
    script(runs.store.workspace, WAITS, SUBMIT)

    async def work(client: Client, ran: subprocess.Popen[str]) -> None:
        await phase(client, "acting", session="s1")
        other = (await client.ask("new"))["session"]
        done = await client.ask("act", session=other, kind="bash", arguments={"command": "cat a.txt"})
        assert done["observation"]["output"] == "one\n"
        with pytest.raises(UsageError, match="a headless run has the workspace"):
            await client.ask("task", session=other, text="and this")
        assert (await client.ask("task", file=task_file(client), session="s1", text="make haste"))["queued"] is True
        await client.ask("interrupt", session="s1")

    code, _, err = runs.attached(work)
    assert code == 130, err
    with open_reader(runs.store.workspace, session="s1") as reader:
        assert reader.conversation()[-1].body["asked"] == "make haste"


def test_what_is_said_is_heard(runs: Runs) -> None:
    script(runs.store.workspace, bash("sleep 4"), bash("true"), SUBMIT)

    async def work(client: Client, ran: subprocess.Popen[str]) -> None:
        await phase(client, "acting")
        await client.ask("task", file=task_file(client), text="make haste")

    code, _, err = runs.attached(work)
    assert code == 0, err
    with open_reader(runs.store.workspace) as reader:
        said = [message.body.get("asked") or message.role for message in reader.conversation()]
    assert said.index("make haste") < len(said) - 3


def test_a_resumed_run_listens_too(runs: Runs) -> None:
    script(runs.store.workspace, WAITS, SUBMIT)

    async def stop(client: Client, ran: subprocess.Popen[str]) -> None:
        await phase(client, "acting")
        ran.send_signal(signal.SIGTERM)

    assert runs.attached(stop)[0] == 143

    async def look(client: Client, ran: subprocess.Popen[str]) -> None:
        assert (await phase(client, "acting"))["turns"] >= 1
        await client.ask("interrupt")

    assert runs.attached(look, "run", "--resume")[0] == 130


def test_a_socket_that_cannot_be_made_fails_no_run(runs: Runs) -> None:
    runs.store.host_lock.mkdir()
    script(runs.store.workspace, bash("true"), SUBMIT)
    ran = runs.start("task.yaml")
    out, err = ran.communicate(timeout=PATIENCE)
    assert (ran.returncode, err) == (0, ""), out
    assert not runs.store.host_socket.exists()
    os.rmdir(runs.store.host_lock)


def test_a_host_that_is_idle_makes_room_for_a_run(runs: Runs, processes: list[int]) -> None:
    """Its clients are the run's, once they have connected again."""
    script(runs.store.workspace, WAITS, SUBMIT)

    async def run() -> None:
        async with asyncio.timeout(PATIENCE), await Client.connect(runs.store.workspace) as client:
            processes.append(client.hello["pid"])
            await client.ask("state")
            ran = runs.start("task.yaml")
            assert [event async for event in client.events()] == []
            async with await client_of(runs.store, ran.pid) as again:
                await phase(again, "acting")
                with pytest.raises(UsageError, match="at work"):
                    await again.ask("leave")
                await again.ask("interrupt")

    asyncio.run(run())


def test_at_a_terminal_the_first_answer_counts(store: Store) -> None:
    """And the line that is typed next is for the question that is asked next."""
    script(store.workspace, bash("touch b.txt"), bash("touch c.txt"), SUBMIT, policy=ASKS)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "agentrt", "task.yaml"]
    ran = subprocess.Popen(command, cwd=store.workspace, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""

    def until_shown(text: bytes) -> None:
        nonlocal shown
        while text not in shown:
            shown += os.read(ours, 65536)

    async def run() -> None:
        nonlocal shown
        async with asyncio.timeout(PATIENCE), await client_of(store, ran.pid) as client:
            (question,) = (await phase(client, "asking"))["questions"]
            await asyncio.to_thread(until_shown, b"[a]lways")
            await client.ask("answer", question=question["id"], allow=True)
            await until(lambda: client.ask("state"), lambda s: s["questions"] and "c.txt" in s["questions"][0]["shown"])
            shown = shown.partition(b"[a]lways")[2]
            await asyncio.to_thread(until_shown, b"[a]lways")
            os.write(ours, b"not that one\n")
            with suppress(HostGone):  # that was the last question: the run may be over by now
                await until(lambda: client.ask("state"), lambda s: not s["questions"])

    try:
        asyncio.run(run())
        with suppress(OSError):
            while data := os.read(ours, 65536):
                shown += data
        assert ran.wait(PATIENCE) == 0
    finally:
        if ran.poll() is None:
            ran.kill()
            ran.wait()
        os.close(ours)
    with open_reader(store.workspace) as reader:
        said = [op.decision.answer for op in reader.log() if op.decision is not None]
    assert said == ["allowed by a person", "a person said no: not that one"]
