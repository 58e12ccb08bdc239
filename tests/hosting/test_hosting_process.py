"""Hosts as processes: started by whoever needs one, killed, raced for, and in nobody's way."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hosting_ground import PATIENCE, SUBMIT, bash, idle, phase, script, task_file, until

from agentrt.errors import HostGone, SessionBusy
from agentrt.history.store import Lock, Store
from agentrt.hosting.client import Client
from agentrt.reader import open_reader


def work(coroutine: Any) -> Any:
    async def run() -> Any:
        async with asyncio.timeout(2 * PATIENCE):
            return await coroutine

    return asyncio.run(run())


def gone(pid: int) -> bool:
    """Ended; nobody may have taken note of that yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def cli(store: Store, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agentrt", words[0], "--workspace", os.fspath(store.workspace), *words[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


def test_nobody_is_there_until_somebody_is_started(store: Store, processes: list[int]) -> None:
    async def run() -> None:
        with pytest.raises(HostGone, match="nobody works on"):
            await Client.connect(store.workspace, start=False)
        async with await Client.connect(store.workspace) as client:
            processes.append(client.hello["pid"])
            assert client.hello["pid"] != os.getpid()
            assert os.getsid(client.hello["pid"]) == client.hello["pid"]
            assert (await client.ask("act", kind="bash", arguments={"command": "echo x > x"}))["status"] == "settled"
        await until(lambda: asyncio.to_thread(gone, processes[0]), bool)
        assert not store.host_socket.exists()

    work(run())


def test_who_has_to_wait_for_a_host_is_told_of_the_app(store: Store, processes: list[int]) -> None:
    script(store.workspace, bash("sleep 100"), SUBMIT)

    async def run() -> None:
        async with await Client.connect(store.workspace) as client:
            processes.append(client.hello["pid"])
            await client.ask("task", file=task_file(client), text="do it")
            await phase(client, "acting")
            with pytest.raises(SessionBusy, match=f"by process {processes[0]}") as caught:
                Lock(store).acquire(seconds=0)
            assert caught.value.hint == "wait until it is done, or look at it and decide in the app: agentrt"
            await client.ask("interrupt")

    work(run())


def test_a_run_goes_on_without_clients_and_then_the_host_goes(store: Store, processes: list[int]) -> None:
    script(store.workspace, bash("sleep 7; echo two >> a.txt"), SUBMIT)

    async def run() -> None:
        async with await Client.connect(store.workspace) as client:
            processes.append(client.hello["pid"])
            await client.ask("task", file=task_file(client), text="do it")
            await phase(client, "acting")
        await until(lambda: asyncio.to_thread(gone, processes[0]), bool)
        with open_reader(store.workspace) as reader:
            assert [effect.path for effect in reader.show(1).files] == ["a.txt"]

    work(run())


def test_of_many_who_start_one_all_come_to_the_same(store: Store, processes: list[int]) -> None:
    async def run() -> None:
        clients = await asyncio.gather(*(Client.connect(store.workspace) for _ in range(4)))
        processes.extend({client.hello["pid"] for client in clients})
        assert len(processes) == 1
        for client in clients:
            await client.close()

    work(run())


@pytest.mark.parametrize("dead", ["socket", "bound", "file"])
def test_what_the_dead_left_is_replaced(store: Store, processes: list[int], dead: str) -> None:
    if dead == "file":
        store.host_socket.write_text("no socket")
    else:
        with socket.socket(socket.AF_UNIX) as old:
            here = os.getcwd()
            os.chdir(store.root)
            try:
                old.bind(store.host_socket.name)
            finally:
                os.chdir(here)
            if dead == "bound":
                old.listen()
    store.host_lock.write_text("999999\n")

    async def run() -> None:
        async with await Client.connect(store.workspace) as client:
            processes.append(client.hello["pid"])

    work(run())


def test_one_killed_in_an_action_loses_nothing_but_that(store: Store, processes: list[int]) -> None:
    script(store.workspace, bash("echo two >> a.txt"), bash("echo three >> a.txt; sleep 1000"), SUBMIT)

    async def run() -> None:
        client = await Client.connect(store.workspace)
        processes.append(client.hello["pid"])
        await client.ask("task", file=task_file(client), text="do it")
        await until(lambda: client.ask("state"), lambda s: s["running"] and "sleep" in s["running"]["shown"])
        os.kill(client.hello["pid"], signal.SIGKILL)
        with pytest.raises(HostGone):
            while True:
                await client.ask("hello")
        assert [event["event"] async for event in client.events()]
        await client.close()
        script(store.workspace, bash("echo two >> a.txt"), bash("echo three >> a.txt"), SUBMIT)
        async with await Client.connect(store.workspace) as second:
            processes.append(second.hello["pid"])
            assert second.hello["pid"] != processes[0]
            state = await second.ask("state")
            assert (state["phase"], state["turns"], state["ending"]["reason"]) == ("idle", 2, "the agent is not done")
            await second.ask("go_on")
            assert (await idle(second))["ending"]["code"] == "submit"
            content = await second.ask("act", kind="bash", arguments={"command": "cat a.txt"})
            assert content["observation"]["output"] == "one\ntwo\nthree\n"

    work(run())


def test_commands_work_while_a_host_is_idle(store: Store, processes: list[int]) -> None:
    async def run() -> None:
        async with await Client.connect(store.workspace) as client:
            processes.append(client.hello["pid"])
            await client.ask("act", kind="bash", arguments={"command": "echo two >> a.txt"})
            ended = await asyncio.to_thread(cli, store, "exec", "--", "cat a.txt; echo x > x")
            assert (ended.returncode, ended.stdout) == (0, "one\ntwo\n"), ended.stderr
            undone = await client.ask("undo")
            assert undone["paths"] == ["x"]
            found = await asyncio.to_thread(cli, store, "verify-undo")
            assert found.returncode == 0, found.stderr
            collected = await asyncio.to_thread(cli, store, "gc")
            assert collected.returncode == 0, collected.stderr
            assert store.host_socket.is_socket() and store.host_lock.exists()
            assert (await client.ask("hello"))["pid"] == processes[0]

    work(run())


def test_a_host_that_is_told_to_end_ends_cleanly(store: Store, processes: list[int]) -> None:
    script(store.workspace, bash("sleep 1000"), SUBMIT)

    async def run() -> None:
        client = await Client.connect(store.workspace)
        processes.append(client.hello["pid"])
        await client.ask("task", file=task_file(client), text="do it")
        await phase(client, "acting")
        os.kill(client.hello["pid"], signal.SIGTERM)
        codes = [
            event["state"]["ending"]["code"]
            async for event in client.events()
            if event["event"] == "state" and event["state"]["ending"]
        ]
        assert codes[-1] == "interrupted"
        await client.close()
        await until(lambda: asyncio.to_thread(gone, processes[0]), bool)
        with open_reader(store.workspace) as reader:
            assert reader.show(1).status == "failed"

    work(run())


def test_why_it_could_not_be_started_is_said(store: Store) -> None:
    store.host_lock.mkdir()

    async def run() -> None:
        with pytest.raises(HostGone, match="cannot keep its state") as refused:
            await Client.connect(store.workspace)
        assert "host.log" in refused.value.hint

    work(run())


def test_the_users_own_planner_plans_where_no_task_file_is_named(store: Store, processes: list[int]) -> None:
    """What lies in the workspace has no say."""
    script(store.workspace, bash("echo mine >> a.txt"), SUBMIT)
    mine = store.workspace.parent / "mine.json"
    (store.workspace / "script.yaml").rename(mine)
    script(store.workspace, bash("echo theirs >> a.txt"), SUBMIT)
    settings = store.workspace.parent / "config/agentrt/settings.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"planner: {{script: {mine}}}\n")

    async def run() -> None:
        async with await Client.connect(store.workspace) as client:
            processes.append(client.hello["pid"])
            assert (await client.ask("state"))["planner"] == "script"
            await client.ask("task", text="do it")
            assert (await idle(client))["ending"]["code"] == "submit"
            done = await client.ask("act", kind="bash", arguments={"command": "cat a.txt"})
            assert done["observation"]["output"] == "one\nmine\n"

    work(run())


def test_nothing_of_the_host_is_visible_in_a_sandbox(store: Store, processes: list[int]) -> None:
    look = f"ls -la {store.root} {store.root.parent} 2>&1; test -S {store.host_socket} && echo there; true"

    async def run() -> None:
        async with await Client.connect(store.workspace) as client:
            processes.append(client.hello["pid"])
            done = await client.ask("act", kind="bash", arguments={"command": look})
            output = done["observation"]["output"]
            assert "host.sock" not in output and "there" not in output.split()

    work(run())


def test_a_workspace_may_lie_deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: list[int]) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(tmp_path / ("s" * 120)))
    workspace = tmp_path / ("w" * 120)
    workspace.mkdir()

    async def run() -> None:
        async with await Client.connect(workspace) as client:
            processes.append(client.hello["pid"])
            assert client.hello["workspace"] == os.fspath(workspace)

    work(run())


def test_modules_of_the_workspace_are_not_imported(
    store: Store, processes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    (store.workspace / "asyncio.py").write_text("raise SystemExit('mine')\n")
    monkeypatch.chdir(store.workspace)

    async def run() -> None:
        async with await Client.connect(".") as client:
            processes.append(client.hello["pid"])

    work(run())
