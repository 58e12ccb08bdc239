"""What was said to an agent and not heard, where its run comes to no good end; what waits for what, and is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hosting_ground import PATIENCE, SUBMIT, bash, hosted, idle, phase, script, task_file, until

from agentrt.errors import Conflict
from agentrt.history.store import Store
from agentrt.hosting.client import Client
from agentrt.hosting.host import Host
from agentrt.hosting.methods import moving
from agentrt.hosting.setup import Setup
from agentrt.reader import open_reader

SLOW = """
from pathlib import Path
import asyncio
from agentrt.planners.script import open_planner as script

class Slow:
    name = "slow"
    def __init__(self, of, folder):
        self.plan, self.folder = of.plan, folder
    async def close(self):
        (self.folder / "closing").touch()
        while not (self.folder / "go").exists():
            await asyncio.sleep(0.01)

def open_planner(options, *, folder: Path):
    return Slow(script({"script": options["script"]}, folder=folder), folder)
"""


@pytest.fixture
def slow(store: Store, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A planner, an installed plug-in, that has something to end: until there is a file ``go``."""
    package = store.workspace.parent / "plugins/slow-1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: slow\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[agentrt.planners]\nslow = slow_to_close:open_planner\n")
    (package.parent / "slow_to_close.py").write_text(SLOW)
    monkeypatch.syspath_prepend(str(package.parent))
    return {"provider": "slow", "script": "script.yaml"}


def with_client(store: Store, work: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        async with hosted(store) as host, await host.client() as client:
            await work(client)

    asyncio.run(run())


async def say(client: Client, text: str) -> bool:
    """Whether it waits."""
    return bool((await client.ask("task", file=task_file(client), text=text))["queued"])


def asked(store: Store) -> list[str]:
    with open_reader(store.workspace) as reader:
        return [message.body["asked"] for message in reader.conversation() if "asked" in message.body]


def test_a_run_that_ends_by_an_error_leaves_what_was_said_in_the_journal(store: Store) -> None:
    script(store.workspace, bash("true"), SUBMIT)

    async def work(client: Client) -> None:
        await say(client, "one")
        await idle(client)
        script(store.workspace, SUBMIT, policy="mine.yaml")
        (store.workspace / "mine.yaml").write_text("decide: [")
        assert await asyncio.gather(say(client, "two"), say(client, "three")) == [False, True]
        state = await idle(client)
        assert (state["ending"]["code"], state["queued"]) == ("document", [])
        assert asked(store) == ["three"]

    with_client(store, work)


def test_a_move_that_cannot_be_leaves_what_was_said_in_the_journal(store: Store) -> None:
    async def work(client: Client) -> None:
        await client.ask("act", kind="bash", arguments={"command": "echo two > a.txt"})
        await client.ask("apply")
        (store.workspace / "a.txt").write_text("mine\n")
        script(store.workspace, bash("sleep 1000"), SUBMIT)
        await say(client, "one")
        await phase(client, "acting")
        assert await say(client, "mind the gap")
        with pytest.raises(Conflict):
            await client.ask("undo")
        assert (await client.ask("state"))["queued"] == []
        assert asked(store) == ["mind the gap"]

    with_client(store, work)


def test_what_is_said_while_planners_are_closed_is_the_next_task(store: Store, slow: dict[str, str]) -> None:
    script(store.workspace, SUBMIT, bash("echo two >> a.txt"), SUBMIT, planner=slow)

    async def closing() -> bool:
        return (store.workspace / "closing").exists()

    async def work(client: Client) -> None:
        await say(client, "one")
        await until(closing, bool)
        assert await say(client, "two")
        (store.workspace / "go").touch()
        assert (await idle(client))["queued"] == []
        with open_reader(store.workspace) as reader:
            assert [effect.path for operation in reader.log() for effect in operation.files] == ["a.txt"]

    with_client(store, work)


def test_of_two_commands_the_second_still_runs(store: Store) -> None:
    async def work(client: Client) -> None:
        await client.ask("new")
        commands = ("sleep 0.5", "sleep 1000")
        first, second = (
            asyncio.create_task(client.ask("act", kind="bash", arguments={"command": command})) for command in commands
        )
        assert (await first)["status"] == "settled"
        state = await client.ask("state")
        assert (state["phase"], state["running"]["shown"]) == ("acting", "$ sleep 1000")
        await client.ask("interrupt")
        await second
        assert (await client.ask("state"))["phase"] == "idle"

    with_client(store, work)


def test_a_host_ends_though_a_move_waits_for_another_session(store: Store) -> None:
    async def run() -> None:
        host = Host(store, Setup(store.workspace))
        act, sleep = ({"command": command} for command in ("echo two > a.txt", "sleep 1000"))
        await host.runtimes.new("")
        await host.runs.act("s1", "bash", act)
        async with host.runtimes.lend("s1") as runtime:
            await runtime.apply()
        await host.runtimes.new("")
        acting = asyncio.create_task(host.runs.act("s2", "bash", sleep))
        async with host.runtimes.lend("s2") as runtime:
            while not runtime.log():
                await asyncio.sleep(0.02)
        undo = asyncio.create_task(moving.undo(host, moving.Undo(session="s1")))
        await asyncio.sleep(0.1)
        await host.close()
        assert acting.done() and (await undo)["kind"] == "undo"

    asyncio.run(asyncio.wait_for(run(), PATIENCE))


def test_a_command_that_a_move_waits_for_can_be_interrupted(store: Store) -> None:
    async def work(client: Client) -> None:
        await client.ask("act", kind="bash", arguments={"command": "echo two > a.txt"})
        command = asyncio.create_task(client.ask("act", kind="bash", arguments={"command": "sleep 1000"}))
        await phase(client, "acting")
        undo = asyncio.create_task(client.ask("undo"))
        await client.ask("hello")
        assert (await client.ask("interrupt"))["interrupted"] is True
        assert (await command)["status"] == "failed" and (await undo)["target"] == [1]

    with_client(store, work)


def test_a_task_that_is_interrupted_before_it_began_is_kept(store: Store) -> None:
    script(store.workspace, SUBMIT)

    async def work(client: Client) -> None:
        await say(client, "a long task")
        await client.ask("interrupt")
        with open_reader(store.workspace) as reader:
            said = [message.body.get("asked", message.body["text"]) for message in reader.conversation()]
        assert said[0] == "a long task"

    with_client(store, work)
