"""Runs in a host: who is asked, who may interrupt, what is said meanwhile, and what is left when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hosting_ground import SUBMIT, Hosted, bash, hosted, idle, phase, script, task_file, until

from agentrt.errors import DocumentError, HostGone, UnknownOperation, UsageError
from agentrt.history.store import Store
from agentrt.hosting.client import Client
from agentrt.reader import open_reader

ASKS = {"decide": [{"verdict": "ask", "actions": ["bash"], "because": "look first"}]}
HOLDS = {"decide": [{"verdict": "hold", "actions": ["bash"], "because": "not yet"}]}


def with_host(store: Store, work: Callable[[Hosted], Awaitable[None]]) -> None:
    async def run() -> None:
        async with hosted(store) as host:
            await work(host)

    asyncio.run(run())


async def question(client: Client) -> dict[str, Any]:
    state = await phase(client, "asking")
    (found,) = state["questions"]
    return dict(found)


def test_hello_says_where_something_goes_on(store: Store) -> None:
    script(store.workspace, bash("echo two >> a.txt"), SUBMIT, policy=ASKS)

    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("act", kind="bash", arguments={"command": "true"})
            await client.ask("new")
            assert (await client.ask("hello"))["at_work"] == {}
            await client.ask("task", file=task_file(client), text="do it", session="s1")
            asked = await until(lambda: client.ask("state", session="s1"), lambda state: state["questions"])
            assert (await client.ask("hello"))["at_work"] == {"s1": "asking"}
            await client.ask("answer", question=asked["questions"][0]["id"], allow=False)
            await idle(client, "s1")
            assert (await client.ask("hello"))["at_work"] == {}

    with_host(store, work)


def said(store: Store, role: str = "notice") -> list[str]:
    with open_reader(store.workspace) as reader:
        return [str(message.body["text"]) for message in reader.conversation() if message.role == role]


@pytest.mark.parametrize(("policy", "kind"), [(ASKS, "ask"), (HOLDS, "hold")])
def test_a_question_is_answered_late_and_by_another(store: Store, policy: dict[str, Any], kind: str) -> None:
    script(store.workspace, bash("echo two >> a.txt"), SUBMIT, policy=policy)

    async def work(host: Hosted) -> None:
        async with await host.client() as first:
            await first.ask("task", file=task_file(first), text="do it")
            asked = await question(first)
        assert (asked["kind"], asked["shown"], asked["actor"]) == (kind, "$ echo two >> a.txt", "agent")
        assert asked["because"] and ":" in asked["rule"]
        async with await host.client() as second, await host.client() as third:
            assert await question(second) == asked
            assert (await second.ask("answer", question=asked["id"], allow=True)) == {"remembered": False}
            with pytest.raises(UsageError, match="does not wait"):
                await third.ask("answer", question=asked["id"], allow=False)
            state = await idle(third)
            assert (state["ending"]["code"], state["questions"]) == ("submit", [])
        with open_reader(store.workspace) as reader:
            decision = reader.show(1).decision
            assert decision is not None and decision.answer == "allowed by a person"

    with_host(store, work)


def test_a_no_is_told_to_the_agent(store: Store) -> None:
    script(store.workspace, bash("echo two >> a.txt"), SUBMIT, policy=ASKS)

    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("task", file=task_file(client), text="do it")
            id = (await question(client))["id"]
            with pytest.raises(UsageError, match="whether an action may run"):
                await client.ask("reply", question=id, text="no")
            await client.ask("answer", question=id, allow=False, because="not that file")
            await idle(client)
        assert "not that file" in said(store, "observation")[0]

    with_host(store, work)


def test_a_yes_is_remembered_as_a_rule(store: Store) -> None:
    push = bash("git push origin main")
    script(store.workspace, push, push, SUBMIT, policy="strict")
    mine = store.workspace.parent / "config/agentrt/policy.yaml"

    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("task", file=task_file(client), text="do it")
            id = (await question(client))["id"]
            diff = (await client.ask("approval", question=id))["diff"]
            assert "policy.yaml" in diff and "git push" in diff
            assert (await client.ask("answer", question=id, allow=True, remember=True))["remembered"]
            assert (await idle(client))["ending"]["code"] == "submit"
        assert "git push" in mine.read_text()

    with_host(store, work)


def test_an_agents_own_question(store: Store) -> None:
    turns: list[dict[str, Any]] = [{"actions": [{"ask": {"question": "which one?"}}]}, SUBMIT]
    script(store.workspace, *turns)

    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("task", file=task_file(client), text="do it")
            asked = await question(client)
            assert (asked["kind"], asked["shown"]) == ("inquire", "which one?")
            with pytest.raises(UsageError, match="an agent's own"):
                await client.ask("answer", question=asked["id"], allow=True)
            with pytest.raises(UsageError, match="an agent's own"):
                await client.ask("approval", question=asked["id"])
            await client.ask("reply", question=asked["id"], text="the first")
            await idle(client)
        assert said(store, "observation")[0] == "A person says: the first"

    with_host(store, work)


@pytest.mark.parametrize("how", ["limit", "rejected", "interrupted", "nothing"])
def test_how_a_run_ended_is_known_to_the_next_host(store: Store, how: str) -> None:
    last = [bash("sleep 1000")] if how == "interrupted" else [] if how == "nothing" else [SUBMIT]
    more: dict[str, Any] = {"limit": {"limits": {"actions": 1}}, "rejected": {"verify": "grep -q never a.txt"}}
    script(store.workspace, bash("echo two >> a.txt"), bash("true"), *last, **more.get(how, {}))
    endings: list[dict[str, Any]] = []

    async def first(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("task", file=task_file(client), text="do it")
            if how == "interrupted":
                await until(lambda: client.ask("state"), lambda s: s["running"] and "sleep" in s["running"]["shown"])
                await client.ask("interrupt")
            endings.append((await idle(client))["ending"])

    async def second(host: Hosted) -> None:
        async with await host.client() as client:
            endings.append((await client.ask("state"))["ending"])

    with_host(store, first)
    with_host(store, second)
    assert endings[0] == endings[1] and endings[0]["reason"], endings
    assert endings[0]["code"] == {"limit": "actions", "rejected": "verify"}.get(how, how)


def test_going_on_is_for_who_plans_now(store: Store) -> None:
    script(store.workspace, bash("echo two >> a.txt"), bash("sleep 1000"), SUBMIT)

    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("task", file=task_file(client), text="do it")
            await until(lambda: client.ask("state"), lambda s: s["running"] and "sleep" in s["running"]["shown"])
            await client.ask("interrupt")
            other, task = store.workspace / "other.yaml", store.workspace / "today.yaml"
            other.write_text(json.dumps({"turns": [bash("false"), bash("echo other >> a.txt"), SUBMIT]}))
            task.write_text(json.dumps({"objective": "any", "planer": {"script": "other.yaml"}}))
            with pytest.raises(DocumentError, match="unknown key `planer`"):
                await client.ask("go_on", file=str(task))
            task.write_text(json.dumps({"objective": "any", "planner": {"script": "other.yaml"}}))
            await client.ask("go_on", file=str(task))
            assert (await idle(client))["ending"]["code"] == "submit"
            seen = await client.ask("act", kind="bash", arguments={"command": "cat a.txt"})
            assert seen["observation"]["output"] == "one\ntwo\nother\n"

    with_host(store, work)


@pytest.mark.parametrize("limits", [{"actions": 1}, {"turns": 1}])
def test_a_run_that_ended_at_a_limit_goes_on_beyond_it(store: Store, limits: dict[str, int]) -> None:
    both = {"actions": [*bash("echo two >> a.txt")["actions"], *bash("echo three >> a.txt")["actions"]]}
    script(store.workspace, both, SUBMIT, limits=limits)

    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("task", file=task_file(client), text="do it")
            assert (await idle(client))["ending"]["code"] in limits
            await client.ask("go_on", file=task_file(client))
            state = await idle(client)
            assert (state["ending"]["code"], state["turns"]) == ("submit", 1)
            seen = await client.ask("act", kind="bash", arguments={"command": "cat a.txt"})
            assert seen["observation"]["output"] == "one\ntwo\nthree\n"
        assert said(store) == ["The user says:\ngo on"]

    with_host(store, work)


def test_an_interrupted_run_goes_on_when_it_is_told_to(store: Store) -> None:
    script(store.workspace, bash("echo two >> a.txt"), bash("test -e ../go || sleep 1000; true"), SUBMIT)

    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("task", file=task_file(client), text="do it")
            await until(lambda: client.ask("state"), lambda s: s["running"] and "sleep" in s["running"]["shown"])
            with pytest.raises(UsageError, match="at work"):
                await client.ask("go_on")
            assert (await client.ask("interrupt"))["interrupted"] is True
            state = await client.ask("state")
            assert (state["phase"], state["ending"]["code"], state["running"]) == ("idle", "interrupted", None)
            assert (await client.ask("interrupt"))["interrupted"] is False
            with open_reader(store.workspace) as reader:
                cut = reader.show(2)
                assert cut.observation is not None
                assert (cut.status, cut.observation.error) == ("failed", "interrupted")
            script(store.workspace, bash("echo two >> a.txt"), bash("true"), SUBMIT)
            await client.ask("go_on")
            state = await idle(client)
            assert (state["ending"]["code"], state["turns"] > 2) == ("submit", True)

    with_host(store, work)


@pytest.mark.parametrize(("move", "params"), [("undo", {}), ("restore", {"op": 0})])
def test_a_move_interrupts_the_run_first(store: Store, move: str, params: dict[str, Any]) -> None:
    script(store.workspace, bash("echo two >> a.txt"), bash("sleep 1000"), SUBMIT)

    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("task", file=task_file(client), text="do it")
            await until(lambda: client.ask("state"), lambda s: s["running"] and "sleep" in s["running"]["shown"])
            assert (await client.ask("task", file=task_file(client), text="mind the gap"))["queued"] is True
            with pytest.raises(UnknownOperation):
                await client.ask("undo", n=40)
            assert (await client.ask("state"))["phase"] == "acting"
            moved = await client.ask(move, **params)
            assert moved["paths"] == ["a.txt"]
            state = await client.ask("state")
            assert (state["phase"], state["ending"]["code"]) == ("idle", "interrupted")
            assert state["queued"] == []
            assert "mind the gap" in said(store)[-1]

    with_host(store, work)


def test_review_waits_for_its_turn_and_the_run_goes_on(store: Store) -> None:
    script(
        store.workspace,
        bash("echo two >> a.txt"),
        bash("for n in $(seq 600); do test -e /tmp/go && break; sleep 0.05; done"),
        SUBMIT,
        policy={"limits": {"seconds": 2}},
    )

    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("task", file=task_file(client), text="do it")
            await until(lambda: client.ask("state"), lambda s: s["running"] and "seq" in s["running"]["shown"])
            accepted = await client.ask("accept", ops=[1])
            assert accepted["kind"] == "accept"
            assert (await idle(client))["ending"]["code"] == "submit"

    with_host(store, work)


def test_what_is_said_meanwhile_is_heard_before_the_next_turn(store: Store) -> None:
    script(store.workspace, bash("test -e b.txt || sleep 3"), {"expect": "exit code 0", **bash("true")}, SUBMIT)

    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("task", file=task_file(client), text="do it")
            await phase(client, "acting")
            assert (await client.ask("task", file=task_file(client), text="use tabs"))["queued"] is True
            assert (await client.ask("state"))["queued"] == ["use tabs"]
            state = await idle(client)
            assert (state["queued"], state["ending"]["code"]) == ([], "submit")
        with open_reader(store.workspace) as reader:
            roles = [(m.role, m.body.get("asked")) for m in reader.conversation()]
        assert roles.index(("notice", "use tabs")) < len(roles) - 3

    with_host(store, work)


def test_what_comes_too_late_for_a_run_is_the_next_task(store: Store) -> None:
    # The check is the last that a run does, after the agent's last turn.
    script(store.workspace, SUBMIT, bash("echo two >> a.txt"), SUBMIT, verify="test -e /tmp/x || sleep 3")

    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("task", file=task_file(client), text="do it")
            await until(lambda: client.ask("state"), lambda s: s["running"] and "sleep" in s["running"]["shown"])
            assert (await client.ask("task", file=task_file(client), text="and then that"))["queued"] is True
            state = await idle(client)
            assert (state["queued"], state["ending"]["code"]) == ([], "submit")
        assert any("and then that" in text for text in said(store))
        with open_reader(store.workspace) as reader:
            assert "a.txt" in {effect.path for op in reader.log() for effect in op.files}

    with_host(store, work)


def test_a_second_task_goes_on_in_the_same_conversation(store: Store) -> None:
    script(store.workspace, bash("echo two >> a.txt"), SUBMIT, bash("echo three >> a.txt"), SUBMIT)

    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("task", file=task_file(client), text="do it")
            await idle(client)
            await client.ask("task", file=task_file(client), text="once more", session="s1")
            assert (await idle(client))["ending"]["code"] == "submit"
        assert said(store, "task") == ["do it"]
        with open_reader(store.workspace) as reader:
            assert [op.id for op in reader.log() if op.files] == [1, 2]

    with_host(store, work)


def test_a_run_in_one_session_and_an_undo_in_another(store: Store) -> None:
    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            await client.ask("act", kind="bash", arguments={"command": "echo by hand > b.txt"})
            other = (await client.ask("new"))["session"]
            script(store.workspace, bash("sleep 1000"), SUBMIT)
            await client.ask("task", file=task_file(client), text="do it", session=other)
            await phase(client, "acting", session=other)
            assert (await client.ask("undo", session="s1"))["paths"] == ["b.txt"]
            assert (await client.ask("state", session=other))["phase"] == "acting"
            await client.ask("interrupt", session=other)

    with_host(store, work)


def test_all_clients_are_told_and_one_that_goes_changes_nothing(store: Store) -> None:
    script(store.workspace, bash("for n in $(seq 30); do echo line $n; sleep 0.05; done"), SUBMIT)

    async def work(host: Hosted) -> None:
        first, second, third = [await host.client() for _ in range(3)]
        await first.ask("task", file=task_file(first), text="do it")
        await phase(third, "acting")
        await first.close()
        with pytest.raises(HostGone):
            await first.ask("hello")
        told: list[list[dict[str, Any]]] = []
        for client in (second, third):
            seen: list[dict[str, Any]] = []
            async for event in client.events():
                seen.append(event)
                if event["event"] == "state" and (event["state"]["ending"] or {}).get("code") == "submit":
                    break
            told.append(seen)
        for seen in told:
            whats = [event["what"] for event in seen if event["event"] == "told"]
            kinds = [what["event"] for what in whats if what["event"] != "output"]
            assert kinds == ["started", "asked", "turn", "action", "operation", "asked", "turn", "ended"]
            printed = "".join(what["data"] for what in whats if what["event"] == "output")
            assert printed == "".join(f"line {n}\n" for n in range(1, 31))
            assert {"event": "journal"} in seen
        assert told[0] == told[1]
        await second.close()
        await third.close()

    with_host(store, work)


def test_all_lines_of_what_runs_are_counted(store: Store) -> None:
    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            command = {"command": "yes 0123456789abcde | head -c 8000000; sleep 1000"}
            act = asyncio.create_task(client.ask("act", kind="bash", arguments=command))
            await until(lambda: client.ask("state"), lambda s: s["lines"] == 500_000)
            await client.ask("interrupt")
            await act
            assert (await client.ask("state"))["lines"] == 0

    with_host(store, work)


def test_output_that_is_too_fast_is_told_in_part(store: Store) -> None:
    async def work(host: Hosted) -> None:
        async with await host.client() as client:
            done = await client.ask("act", kind="bash", arguments={"command": "yes 0123456789abcde | head -c 8000000"})
            assert done["status"] == "settled"
            pieces: list[dict[str, Any]] = []
            async for event in client.events():
                if event["event"] == "told" and event["what"]["event"] == "output":
                    pieces.append(event["what"])
                if event["event"] == "told" and event["what"]["event"] == "operation":
                    break
            assert max(len(piece["data"]) for piece in pieces) <= 64 * 1024
            assert sum(len(piece["data"]) + piece["skipped"] for piece in pieces) == 8_000_000
            assert sum(piece["skipped"] for piece in pieces) > 0
            assert sum(piece["data"].count("\n") + piece["skipped_lines"] for piece in pieces) == 500_000

    with_host(store, work)
