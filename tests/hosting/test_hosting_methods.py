"""Every method, asked over the socket and done in the real sandbox."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hosting_ground import SUBMIT, bash, hosted, idle, script, task_file, until

from agentrt.errors import AgentrtError, Conflict, UnknownOperation, UsageError
from agentrt.history.store import Store
from agentrt.hosting.client import Client
from agentrt.hosting.methods import METHODS
from agentrt.reader import open_reader

Work = Callable[[Client], Awaitable[None]]


def with_client(store: Store, work: Work) -> None:
    async def run() -> None:
        async with hosted(store) as host, await host.client() as client:
            await work(client)

    asyncio.run(run())


async def act(client: Client, command: str, **more: Any) -> dict[str, Any]:
    done: dict[str, Any] = await client.ask("act", kind="bash", arguments={"command": command}, **more)
    return done


def test_who_listens_says_what_it_is(store: Store) -> None:
    async def work(client: Client) -> None:
        assert (await client.ask("hello"))["workspace"] == client.hello["workspace"] == str(store.workspace)
        assert client.hello["protocol"] == 1 and client.hello["headless"] is False

    with_client(store, work)


def test_moves_step_through_what_was_done(store: Store) -> None:
    async def work(client: Client) -> None:
        first = await act(client, "echo two >> a.txt")
        assert (first["id"], first["actor"], first["status"]) == (1, "user", "settled")
        await act(client, "echo new > b.txt")
        undo = await client.ask("undo", n=2)
        assert (undo["kind"], undo["target"], sorted(undo["paths"])) == ("undo", [2, 1], ["a.txt", "b.txt"])
        assert await client.ask("pending") == []
        assert [(await client.ask("redo"))["paths"] for _ in range(2)] == [["a.txt"], ["b.txt"]]
        assert (await client.ask("restore", op=1, scope="files"))["paths"] == ["b.txt"]
        assert [effect["path"] for effect in await client.ask("pending")] == ["a.txt"]
        with pytest.raises(UnknownOperation, match="no operation 40"):
            await client.ask("restore", op=40)

    with_client(store, work)


def test_a_move_is_about_the_step_that_was_meant(store: Store) -> None:
    async def work(client: Client) -> None:
        await act(client, "echo two >> a.txt")
        await act(client, "echo new > b.txt")
        with pytest.raises(UsageError, match="to undo is about operation 2 by now, not about 1"):
            await client.ask("undo", step=1)
        assert (await client.ask("undo", step=2))["target"] == [2]
        await client.ask("undo", step=1)
        with pytest.raises(UsageError, match="to redo is about operation 1 by now, not about 2"):
            await client.ask("redo", step=2)
        assert (await client.ask("redo", step=1))["target"] == [1]

    with_client(store, work)


def test_what_was_not_looked_at_is_not_applied(store: Store) -> None:
    async def work(client: Client) -> None:
        await act(client, "echo two >> a.txt")
        preview = await client.ask("preview", kind="apply")
        await act(client, "rm a.txt")
        with pytest.raises(UsageError, match="files were changed since"):
            await client.ask("apply", as_of=preview["as_of"])
        assert (store.workspace / "a.txt").read_text() == "one\n"
        await client.ask("undo")
        await act(client, "true")
        assert (await client.ask("apply", as_of=preview["as_of"]))["kind"] == "apply"
        assert (store.workspace / "a.txt").read_text() == "one\ntwo\n"

    with_client(store, work)


def test_what_waits_for_its_turn_is_called_off(store: Store) -> None:
    async def work(client: Client) -> None:
        await act(client, "echo two >> a.txt")
        running = asyncio.create_task(client.ask("act", kind="bash", arguments={"command": "sleep 1000"}))
        await until(lambda: client.ask("state"), lambda s: s["running"] is not None)
        waits = [asyncio.create_task(client.ask(method, ops=[1])) for method in ("revert", "accept")]
        await until(lambda: client.ask("call_off"), lambda answer: answer["called_off"] == 2)
        for task in waits:
            with pytest.raises(UsageError, match="it was called off"):
                await task
        assert (await client.ask("call_off"))["called_off"] == 0
        await client.ask("interrupt")
        await running
        with open_reader(store.workspace) as reader:
            assert [op.kind for op in reader.log()] == ["act", "act"]

    with_client(store, work)


def test_review_and_apply(store: Store) -> None:
    async def work(client: Client) -> None:
        await act(client, "seq 100 > n; echo two >> a.txt")
        await act(client, "sed -i 's/^10$/ten/; s/^90$/ninety/' n")
        accepted = await client.ask("accept", ops=[1])
        assert (accepted["kind"], accepted["target"]) == ("accept", [1])
        rejected = await client.ask("reject", ops=[2], parts={"n": [1]}, because="ten is wrong")
        assert (rejected["kind"], rejected["paths"]) == ("reject", ["n"])
        reverted = await client.ask("revert", ops=[2], with_dependents=True, because="all of it")
        assert reverted["kind"] == "revert"
        await client.ask("undo")
        preview = await client.ask("preview", kind="apply", paths=["n"])
        assert [effect["path"] for effect in preview["effects"]] == ["n"]
        applied = await client.ask("apply", paths=["n"], rest=True)
        assert applied["paths"] == ["n"]
        text = (store.workspace / "n").read_text()
        assert "\n10\n" in text and "ninety" in text
        assert (await client.ask("apply"))["paths"] == ["a.txt"]
        assert await client.ask("apply") is None

    with_client(store, work)


def test_looking(store: Store) -> None:
    async def work(client: Client) -> None:
        await act(client, "echo two >> a.txt")
        await act(client, "printf '\\377\\0' > bin; rm a.txt")
        assert (await client.ask("preview", kind="undo", number=2))["target"] == [2, 1]
        assert (await client.ask("preview", kind="restore", number=1))["kind"] == "restore"
        assert (await client.ask("preview", kind="revert", ops=[1]))["dependents"] == [2]
        sides = await client.ask("sides", op=1, path="a.txt")
        assert (b64decode(sides["before"]), b64decode(sides["after"])) == (b"one\n", b"one\ntwo\n")
        sides = await client.ask("sides", op=2, path="a.txt")
        assert (b64decode(sides["before"]), sides["after"]) == (b"one\ntwo\n", None)
        sides = await client.ask("sides", path="bin", pending=True)
        assert (sides["before"], b64decode(sides["after"])) == (None, b"\xff\0")
        assert b64decode(await client.ask("file", op=1, path="a.txt")) == b"one\ntwo\n"
        with pytest.raises(UnknownOperation, match="No such file"):
            await client.ask("file", op=2, path="a.txt")
        with pytest.raises(UnknownOperation, match=r"nothing is known of a change of b\.txt"):
            await client.ask("sides", op=1, path="b.txt")
        with pytest.raises(UsageError, match="of an operation"):
            await client.ask("sides", path="a.txt")

    with_client(store, work)


def test_what_is_looked_at_need_not_wait_for_what_runs(store: Store, tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        await act(client, "echo two >> a.txt")
        running = asyncio.create_task(act(client, "sleep 1000"))
        async for event in client.events():
            if event["event"] == "state" and event["state"]["phase"] == "acting":
                break
        sides = await client.ask("sides", op=1, path="a.txt")
        assert b64decode(sides["after"]) == b"one\ntwo\n"
        assert (await client.ask("interrupt"))["interrupted"]
        operation = await running
        assert (operation["status"], operation["observation"]["error"]) == ("failed", "interrupted")
        assert (await client.ask("state"))["phase"] == "idle"

    with_client(store, work)


def test_sessions_beside_each_other(store: Store) -> None:
    async def work(client: Client) -> None:
        await act(client, "echo two >> a.txt")
        running = asyncio.create_task(act(client, "touch running; sleep 1000", session="s1"))
        branch = (await client.ask("new", title="another"))["session"]
        assert branch == "s2"
        assert (await act(client, "cat a.txt; ls", session=branch))["observation"]["output"] == "one\na.txt\n"
        assert (await client.ask("undo", session=branch))["paths"] == []
        assert (await client.ask("state", session="s1"))["phase"] == "acting"
        await client.ask("interrupt", session="s1")
        await running
        forked = (await client.ask("fork", session="s1", op=1))["session"]
        assert (await act(client, "cat a.txt", session=forked))["observation"]["output"] == "one\ntwo\n"
        assert (await client.ask("state"))["session"] == forked
        with pytest.raises(UnknownOperation, match="in this workspace"):
            await client.ask("undo", session="s99")

    with_client(store, work)


def test_of_several_who_want_the_first_session_one_makes_it(store: Store) -> None:
    async def work() -> None:
        async with hosted(store) as host, await host.client() as client:
            acts = [client.ask("act", kind="bash", arguments={"command": f"echo {n}"}) for n in range(3)]
            done = await asyncio.gather(*acts)
            assert sorted(operation["id"] for operation in done) == [1, 2, 3]

    asyncio.run(work())


def test_a_conflict_comes_with_its_conflicts(store: Store) -> None:
    async def work(client: Client) -> None:
        await act(client, "echo two > a.txt")
        (store.workspace / "a.txt").write_text("mine\n")
        with pytest.raises(Conflict) as refused:
            await client.ask("apply")
        assert [conflict.path for conflict in refused.value.conflicts] == ["a.txt"]
        assert refused.value.hint

    with_client(store, work)


def test_a_task_and_its_end(store: Store) -> None:
    async def work(client: Client) -> None:
        with pytest.raises(UsageError, match="nobody to plan") as nobody:
            await client.ask("task", text="do it")
        assert "agentrt tui --task" in nobody.value.hint
        assert (await client.ask("state"))["planner"] == ""
        script(store.workspace, bash("echo two >> a.txt", text="I add a line"), SUBMIT)
        assert await client.ask("task", file=task_file(client), text="add a line") == {"session": "s1", "queued": False}
        state = await idle(client)
        assert (state["ending"]["code"], state["ending"]["reason"]) == ("submit", "all done")
        assert (state["turns"], state["actions"]) == (2, 1)
        assert (await client.ask("state", file=task_file(client)))["planner"] == "script"
        assert [effect["path"] for effect in await client.ask("pending")] == ["a.txt"]
        with pytest.raises(UsageError, match="wait for an answer"):
            await client.ask("answer", question="1", allow=True)
        with pytest.raises(UsageError, match="wait for an answer"):
            await client.ask("reply", question="1", text="x")
        with pytest.raises(UsageError, match="wait for an answer"):
            await client.ask("approval", question="1")

    with_client(store, work)


def test_a_mistake_in_the_task_file_has_its_place(store: Store) -> None:
    async def work(client: Client) -> None:
        (store.workspace / "task.yaml").write_text("objective: x\nplaner: {script: s.yaml}\n")
        with pytest.raises(AgentrtError, match=r"task\.yaml:2:1") as mistake:
            await client.ask("task", file=task_file(client), text="do it")
        assert "planner" in mistake.value.hint
        assert "task.yaml:2:1" in (await client.ask("state", file=task_file(client)))["planner_hint"]

    with_client(store, work)


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("undoo", {}, "there is no method"),
        ("undo", {"n": "2"}, "undo: `n`"),
        ("undo", {"n": 0}, "undo: `n`"),
        ("undo", {"m": 1}, "undo: `m`"),
        ("undo", {"n": 2**70}, "undo: `n`"),
        ("restore", {}, "restore: `op`"),
        ("accept", {"ops": []}, "accept: `ops`"),
        ("accept", {"ops": [1], "parts": {"a": "b"}}, "accept: `parts.a`"),
        ("act", {"kind": "bash", "arguments": {"comand": "x"}}, "unknown argument `comand`"),
        ("act", {"kind": "bash", "arguments": {"command": "x", "actor": "agent"}}, "unknown argument `actor`"),
        ("act", {"kind": "no such", "arguments": {}}, "no such"),
        ("act", {"kind": "bash", "arguments": {"command": "x\0"}}, "bash"),
        ("task", {"text": ""}, "task: `text`"),
        ("go_on", {}, "nothing to resume"),
        ("state", {"session": "\ud800"}, "no session"),
    ],
)
def test_what_cannot_be_right_is_said(store: Store, method: str, params: dict[str, Any], said: str) -> None:
    async def work(client: Client) -> None:
        await client.ask("state")
        with pytest.raises(UsageError) as refused:
            await client.ask(method, **params)
        assert said in str(refused.value)
        assert (await client.ask("hello"))["pid"]

    with_client(store, work)


def test_who_watches_is_told_and_keeps_nobody(store: Store) -> None:
    async def work(client: Client) -> None:
        assert (await client.ask("watch"))["workspace"] == str(store.workspace)
        await client.ask("act", kind="bash", arguments={"command": "true"})
        async for event in client.events():
            if event["event"] == "journal":
                break

    with_client(store, work)


def test_no_method_is_left_out_here() -> None:
    asked = "".join(file.read_text() for file in Path(__file__).parent.glob("test_hosting_*.py"))
    assert {name for name in METHODS if f'"{name}"' not in asked} == set()


def test_a_bug_is_an_answer_and_the_host_lives_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(host: object, params: object) -> None:
        raise ZeroDivisionError("oh no")

    monkeypatch.setitem(METHODS, "break", (METHODS["hello"][0], broken))

    async def work(client: Client) -> None:
        with pytest.raises(AgentrtError, match="oh no") as bug:
            await client.ask("break")
        assert bug.value.code == "bug"
        assert "ZeroDivisionError" in store.host_log.read_text() and "Traceback" in store.host_log.read_text()
        assert (await client.ask("hello"))["pid"]

    with_client(store, work)


def test_the_socket_is_for_its_owner_and_goes(store: Store) -> None:
    async def run() -> None:
        async with hosted(store) as host, await host.client():
            assert (store.host_socket.stat().st_mode & 0o777) == 0o600
        assert not store.host_socket.exists()

    asyncio.run(run())
