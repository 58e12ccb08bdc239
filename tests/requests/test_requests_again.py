"""The same intent after a restore or on a fork: what was sent stands out there, and its answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rest_ground import Rest, Wrong, policy

from agentrt import Runtime
from agentrt.testing import memory_sandbox

pytestmark = pytest.mark.anyio
DRAFT = {"method": "POST", "body": '{"name": "two"}'}


def opened(workspace: Path, rest: Rest) -> Any:
    return Runtime.open(workspace, policy=policy(rest, budget={"irreversible": 9}), sandbox=memory_sandbox.open_sandbox)


def output(operation: Any) -> str:
    assert operation.observation is not None
    return f"{operation.observation.output}{operation.observation.error or ''}"


async def test_what_could_not_be_taken_back_is_not_sent_twice(workspace: Path, rest: Rest) -> None:
    async with opened(workspace, rest) as rt:
        draft = {**DRAFT, "url": f"{rest.url}/drafts"}
        first = await rt.act("http", **draft)
        assert "undo cannot take this back" in output(first)
        for back in (lambda: rt.restore(0), lambda: rt.restore(0)):
            await back()
            again = await rt.act("http", **draft)
            assert output(again).startswith("200\n") and '"id": 1' in output(again)
            assert "nothing was sent: operation 1 of session" in output(again) and again.requests == ()
            assert len(rest.unsafe) == 1
        other = await rt.act("http", **{**draft, "body": '{"name": "three"}'})
        assert "nothing was sent" not in output(other) and len(rest.unsafe) == 2
        sent = await rt.act("http", **draft, again=True)
        assert '"id": 3' in output(sent) and len(rest.unsafe) == 3


async def test_who_knows_of_it_may_do_it_twice(workspace: Path, rest: Rest) -> None:
    async with opened(workspace, rest) as rt:
        for number in (1, 2):
            assert "nothing was sent" not in output(await rt.act("http", **DRAFT, url=f"{rest.url}/drafts"))
            assert len(rest.unsafe) == number


async def test_what_was_taken_back_is_sent_anew(workspace: Path, rest: Rest) -> None:
    async with opened(workspace, rest) as rt:
        for number in (1, 2):
            made = await rt.act("http", **DRAFT, url=f"{rest.url}/things")
            assert f'"id": {number}' in output(made) and len(made.requests) > 0
            await rt.undo()
            assert rest.state() == {}


async def test_what_a_revert_put_back_is_not_sent_twice(workspace: Path, rest: Rest) -> None:
    """A revert deletes it, and the revert of that makes it again: that one stands, also after a restore."""
    async with opened(workspace, rest) as rt:
        await rt.act("write", path="note", content="x")
        await rt.act("http", **DRAFT, url=f"{rest.url}/things")
        await rt.revert(2)
        assert rest.state() == {}
        await rt.revert(3)
        assert len(rest.state()) == 1
        async with await rt.fork(1) as fork:
            told = await fork.act("http", **DRAFT, url=f"{rest.url}/things")
            assert "nothing was sent: operation 2 of session" in output(told) and len(rest.state()) == 1
        await rt.revert(4)
        assert rest.state() == {}
        async with await rt.fork(1) as fork:
            assert "nothing was sent" not in output(await fork.act("http", **DRAFT, url=f"{rest.url}/things"))


async def test_on_a_fork(workspace: Path, rest: Rest) -> None:
    """What the session it was forked from did after that stands; until it is undone there."""
    async with opened(workspace, rest) as rt:
        await rt.act("write", path="note", content="x")
        await rt.act("http", **DRAFT, url=f"{rest.url}/things")
        async with await rt.fork(1) as fork:
            told = await fork.act("http", **DRAFT, url=f"{rest.url}/things")
            assert "nothing was sent: operation 2 of session" in output(told) and len(rest.unsafe) == 1
            await rt.undo()
            assert rest.state() == {}
            await fork.act("http", **DRAFT, url=f"{rest.url}/things")
            assert len(rest.state()) == 1


async def test_what_nobody_knows_of_is_told(workspace: Path, rest: Rest) -> None:
    rest.wrong["POST"] = Wrong(silent=True)
    async with opened(workspace, rest) as rt:
        await rt.act("http", **DRAFT, url=f"{rest.url}/drafts")
        await rt.restore(0)
        told = await rt.act("http", **DRAFT, url=f"{rest.url}/drafts")
        assert "what came of it is not known" in output(told) and "again: true" in output(told)
        assert len(rest.unsafe) == 1
        assert '"id": 2' in output(await rt.act("http", **DRAFT, url=f"{rest.url}/drafts", again=True))


async def test_what_was_refused_was_not_sent(workspace: Path, rest: Rest) -> None:
    """By the budget, and by a server that is not there."""
    async with Runtime.open(workspace, policy=policy(rest), sandbox=memory_sandbox.open_sandbox) as rt:
        for _ in range(2):
            assert "budget" in output(await rt.act("http", **DRAFT, url=f"{rest.url}/drafts"))
            await rt.restore(0)
    assert rest.unsafe == []


async def test_what_a_server_refused_was_not_done(workspace: Path, rest: Rest) -> None:
    async with opened(workspace, rest) as rt:
        rest.wrong["POST"] = Wrong(refuse=401)
        assert "401" in output(await rt.act("http", **DRAFT, url=f"{rest.url}/drafts"))
        await rt.restore(0)
        assert '"id": 1' in output(await rt.act("http", **DRAFT, url=f"{rest.url}/drafts"))


async def test_what_was_held_back_was_not_sent(workspace: Path, rest: Rest) -> None:
    """Though it had been looked at."""
    rest.add(name="one")
    put = {"method": "PUT", "url": f"{rest.url}/things/1", "body": '{"name": "uno"}'}
    rules = {**policy(rest), "decide": [{"actions": ["http"], "verdict": "hold"}]}
    async with Runtime.open(workspace, policy=rules, sandbox=memory_sandbox.open_sandbox) as rt:
        for _ in range(2):
            assert "queued" in output(await rt.act("http", **put))
            await rt.restore(0)
    assert rest.unsafe == []
