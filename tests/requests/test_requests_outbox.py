"""What is held back waits: it is sent once when somebody releases it, and never after it was dropped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rest_ground import BOX, Rest, Seen, Wrong, filled, policy, said, sent

from agentrt import Runtime
from agentrt.errors import UsageError
from agentrt.records import Operation

pytestmark = pytest.mark.anyio


def held(rest: Rest, hold: object = True) -> dict[str, Any]:
    """POST waits, all else goes out."""
    rule = {"hosts": ["127.0.0.1"], "ports": [rest.port], "private": True, "methods": ["POST"], "hold": hold}
    return policy(rest, rule)


async def post(rt: Runtime, rest: Rest, name: str = "two") -> Operation:
    return await rt.act("http", method="POST", url=f"{rest.url}/things", body=json.dumps({"name": name}))


async def test_it_waits_and_is_sent_when_it_is_accepted(workspace: Path, rest: Rest) -> None:
    async with Runtime.open(workspace, policy=held(rest), sandbox=BOX) as rt:
        queued = await post(rt, rest)
        assert "queued, and nothing was sent: it waits until a person releases it (policy:1)" in said(queued)
        (effect,) = queued.requests
        assert (effect.change, effect.method, effect.url) == ("queued", "POST", f"{rest.url}/things")
        assert queued.review == "pending" and rest.seen == [] and rt.spent.requests == 0
        released = await rt.accept(1)
        assert rest.unsafe == ["POST /things"] and [thing["name"] for thing in rest.things.values()] == ["two"]
        assert ("POST", 201, "compensable") in sent(released) and released.review is None
        assert "POST" in released.note and "was answered with 201" in released.note
        assert rt.show(1).review == "accepted" and rt.to_review() == [] and rt.spent.requests == 2
        told = [message for message in rt.conversation() if message.role == "notice"]
        assert "The user released: POST" in str(told[-1].body)
        await rt.undo()
        assert rest.things == {} and rest.unsafe == ["POST /things", "DELETE /things/1"]


@pytest.mark.parametrize("how", ["reject", "undo", "revert", "restore"])
async def test_what_is_dropped_is_never_sent(workspace: Path, rest: Rest, how: str) -> None:
    async with Runtime.open(workspace, policy=held(rest), sandbox=BOX) as rt:
        await post(rt, rest)
        await (rt.restore(0) if how == "restore" else rt.undo() if how == "undo" else getattr(rt, how)(1))
        if how == "reject":
            with pytest.raises(UsageError):
                await rt.accept(1)
        elif rt.show(1).review == "pending":
            await rt.accept(1)
        assert rest.seen == []


async def test_what_was_dropped_and_put_back_waits_again(workspace: Path, rest: Rest) -> None:
    async with Runtime.open(workspace, policy=held(rest), sandbox=BOX) as rt:
        await post(rt, rest)
        await rt.undo()
        await rt.redo()
        assert rest.seen == [] and rt.view.marks == (1,)
        await rt.accept(1)
        assert rest.unsafe == ["POST /things"]
        await rt.accept(1)
        assert rest.unsafe == ["POST /things"]


async def test_where_it_cannot_be_sent_it_waits_on(workspace: Path, rest: Rest) -> None:
    async with Runtime.open(workspace, policy=held(rest), sandbox=BOX) as rt:
        await post(rt, rest)
        await post(rt, rest, "three")
        port = rest.port
        rest.close()
        done = await rt.accept(1, 2)
        assert "waits on" in done.note and rt.show(1).review == "pending" and rt.show(2).review == "pending"
        again = Rest(port=port)
        try:
            await rt.accept(1, 2)
            assert again.unsafe == ["POST /things", "POST /things"] and rt.show(2).review == "accepted"
        finally:
            again.close()


async def test_no_answer_came_and_it_is_not_sent_again(workspace: Path, rest: Rest) -> None:
    async with Runtime.open(workspace, policy=held(rest), sandbox=BOX) as rt:
        await post(rt, rest)
        rest.wrong["POST"] = Wrong(silent=True)
        done = await rt.accept(1)
        assert "may have been carried out" in done.note and len(rest.things) == 1
        assert ("POST", None, "irreversible") in sent(done)
        await rt.accept(1)
        assert rest.unsafe == ["POST /things"]


async def test_what_lies_on_it_is_taken_back_and_it_says_what_stays(workspace: Path, rest: Rest) -> None:
    filled(rest)
    rule = {"hosts": ["127.0.0.1"], "ports": [rest.port], "private": True, "paths": ["/things/1/archive"], "hold": True}
    async with Runtime.open(workspace, policy=policy(rest, rule), sandbox=BOX) as rt:
        await rt.act("write", path="new.txt", content="new\n")
        await rt.act("http", method="POST", url=f"{rest.url}/things/1/archive", body="{}")
        await rt.accept(2)
        assert rest.things["1"]["archived"] is True
        assert "POST" in (await rt.preview("undo")).stays
        undone = await rt.undo()
        assert f"what was sent stays sent, no undo takes it back: POST {rest.url}/things/1/archive" in undone.note


async def test_its_time_is_over(workspace: Path, rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself it goes within the budget only, and only once."""
    rules = {**held(rest, "10m"), "budget": {"irreversible": 1}}
    async with Runtime.open(workspace, policy=rules, sandbox=BOX) as rt:
        queued = await post(rt, rest)
        assert "it waits 600 seconds, unless it is dropped" in said(queued)
        await post(rt, rest, "dropped")
        await rt.reject(2)
        assert await rt.keep_review_deadline() == () and rest.seen == []
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 601)
        (line,) = await rt.keep_review_deadline()
        assert "its time in the outbox was over" in line and rest.unsafe == ["POST /things"]
        assert await rt.keep_review_deadline() == () and rt.show(1).review == "accepted"
        monkeypatch.setattr(time, "time", real)
        await rt.undo(2)


async def test_programs_inside_are_told_how(workspace: Path, rest: Rest) -> None:
    async with Runtime.open(workspace, policy=held(rest), sandbox="local") as rt:
        command = f"""python3 - <<'END'
import os, urllib.request, urllib.error
os.environ['no_proxy'] = os.environ['NO_PROXY'] = ''
try:
    urllib.request.urlopen(urllib.request.Request('{rest.url}/things', b'{{}}', method='POST'))
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
END"""
        done = await rt.act("bash", command=command)
        assert "403" in said(done) and "held back" in said(done) and "the tool http" in said(done)
        assert rest.seen == [] and done.requests[0].change == "refused"


async def test_a_policy_that_holds_the_action_back(workspace: Path, rest: Rest) -> None:
    """Nobody is asked before, and what only asks goes out."""
    filled(rest)
    rules = {**policy(rest), "decide": [{"actions": ["http"], "verdict": "hold", "because": "mind"}]}
    async with Runtime.open(workspace, policy=rules, sandbox=BOX) as rt:
        queued = await rt.act("http", method="PUT", url=f"{rest.url}/things/1", body='{"name": "uno"}')
        assert queued.status == "settled" and queued.review == "pending" and rest.unsafe == []
        assert [one.change for one in queued.requests] == ["sent", "queued"] and "queued" in said(queued)
        asked = await rt.act("http", url=f"{rest.url}/things/1")
        assert said(asked).startswith("200")
        await rt.accept(1)
        assert rest.things["1"]["name"] == "uno"
        await rt.undo(2)
        assert rest.things["1"]["name"] == "one"


async def test_what_is_shown_of_it(workspace: Path, rest: Rest) -> None:
    async with Runtime.open(workspace, policy=held(rest), sandbox="local") as rt:
        await rt.act(
            "http", method="POST", url=f"{rest.url}/things", body='{"name": "two"}', headers={"X-Why": "because"}
        )
    command = [sys.executable, "-m", "agentrt"]
    shown = subprocess.run([*command, "show", "1"], cwd=workspace, capture_output=True, text=True, check=True).stdout
    assert 'x-why: because\n  {"name": "two"}' in shown and f"queued    POST {rest.url}/things" in shown
    assert "1 request held back" in shown
    accepted = subprocess.run(
        [*command, "accept", "1"], cwd=workspace, capture_output=True, text=True, check=True
    ).stdout
    assert "was answered with 201" in accepted and rest.unsafe == ["POST /things"]


async def test_a_deadline_for_review_sends_nothing(workspace: Path, rest: Rest) -> None:
    async with Runtime.open(workspace, policy=held(rest), sandbox=BOX) as rt:
        await post(rt, rest)
        rt.set_review_deadline(0.001, "accept")
        time.sleep(0.01)
        await rt.keep_review_deadline()
        assert rest.seen == [] and rt.show(1).review == "pending"


_PROGRAM = """
import asyncio, json, os, sys
from agentrt import Runtime
from agentrt.testing import memory_sandbox

async def main():
    rules = json.loads(sys.argv[1])
    async with Runtime.open(os.environ["WORKSPACE"], policy=rules, sandbox=memory_sandbox.open_sandbox) as rt:
        await rt.accept(1)

asyncio.run(main())
"""


@pytest.mark.parametrize("before", [True, False], ids=["before it is done", "after it"])
async def test_killed_while_it_is_released(workspace: Path, rest: Rest, before: bool) -> None:
    """It may have been sent: it is in the journal as such, and nobody sends it again."""
    rules = held(rest)
    async with Runtime.open(workspace, policy=rules, sandbox=BOX) as rt:
        await post(rt, rest)
    env = {**os.environ, "WORKSPACE": str(workspace)}
    with subprocess.Popen([sys.executable, "-c", _PROGRAM, json.dumps(rules)], env=env) as process:

        def kill(seen: Seen) -> None:
            if seen.method == ("POST" if before else "GET"):
                process.send_signal(signal.SIGKILL)
                process.wait()

        rest.before_answer = kill
        process.wait(60)
    rest.before_answer = lambda seen: None
    async with Runtime.open(workspace, policy=rules, sandbox=BOX) as rt:
        cut_off = rt.show(2)
        assert cut_off.status == "failed" and "POST" in [one.method for one in cut_off.requests]
        assert any("it had sent, or may have: POST" in note for note in rt.notes)
        await rt.accept(1)
        assert rest.unsafe == ["POST /things"]
