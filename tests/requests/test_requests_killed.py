"""agentrt killed at every step of an action of several requests: each was sent once at most, what is known to be taken
back is, and of the rest it is said that it is not."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rest_ground import BOX, Rest, Seen, filled, killed_at, policy, said

from agentrt import Runtime
from agentrt.errors import Conflict, ResourceError, UnknownOperation
from agentrt.records import Operation

pytestmark = pytest.mark.anyio


@pytest.fixture
def rest() -> Iterator[Rest]:
    one = Rest()
    yield one
    one.close()


_PROGRAM = """
import asyncio, json, os, signal, sys
from agentrt import Runtime
from agentrt.history.journal import Journal
from agentrt.testing import memory_sandbox
from agentrt.tools.requests import kept

work = json.loads(sys.argv[1])
saves, write, settle = 0, kept.write_whole, Journal.settle

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def killing(*given):
    global saves
    saves += 1
    if saves == work.get("save") and work["when"] == "before":
        die()
    write(*given)
    if saves == work.get("save") and work["when"] == "after":
        die()

def settling(*given, **more):
    if work.get("save") is None and work.get("settle"):
        die()
    return settle(*given, **more)

kept.write_whole, Journal.settle = killing, settling

async def main():
    async with Runtime.open(os.environ["WORKSPACE"], policy=work["policy"], sandbox=memory_sandbox.open_sandbox) as rt:
        if "move" in work:
            await getattr(rt, work["move"])()
        else:
            await (rt.accept(1) if work.get("release") else rt.act("calls", calls=work["calls"]))

asyncio.run(main())
"""


def calls(rest: Rest) -> dict[str, Any]:
    """A thing that is made, and another one that is changed by what that answered."""

    def one(operation: str, **arguments: Any) -> dict[str, Any]:
        given = {"server": rest.url, "collection": "things", **arguments}
        return {"api": "rest", "operation": operation, "arguments": given}

    return {
        "made": one("create", fields={"name": "two"}),
        "changed": one("change", thing="1", fields={"name": "by {made/id}"}),
    }


def run(workspace: Path, rest: Rest, **kill: Any) -> bool:
    """Whether it was killed."""
    given = json.dumps({"policy": policy(rest), "calls": calls(rest), **kill})
    env = {**os.environ, "WORKSPACE": str(workspace)}
    done = subprocess.run([sys.executable, "-c", _PROGRAM, given], env=env, timeout=60, check=False)
    assert done.returncode in (0, -signal.SIGKILL)
    return done.returncode != 0


def opened(workspace: Path, rest: Rest) -> Any:
    return Runtime.open(workspace, policy=policy(rest), sandbox=BOX)


def changed(operation: Operation) -> dict[str, str]:
    """By method, what it is of those that do something."""
    return {one.method: one.reversibility for one in operation.requests if one.method != "GET"}


async def check(workspace: Path, rest: Rest, before: dict[str, Any]) -> dict[str, str]:
    """Of one that was cut off: what the journal says is what there is, and is there once more after undo."""
    asked, there = list(rest.unsafe), copy.deepcopy(rest.state())
    assert len(set(asked)) == len(asked), "nothing is sent twice"
    async with opened(workspace, rest) as rt:
        cut = rt.show(1)
        what = changed(cut)
        assert rest.unsafe == asked and rest.state() == there, "nothing is sent by looking"
        assert {line.partition(" ")[0] for line in asked} <= what.keys(), "what was sent is in the journal"
        if not what:
            assert cut.status == "intent"
            return what
        assert cut.review == "pending" and [op.id for op in rt.to_review()] == [1]
        back = [method for method, of in what.items() if of == "compensable"]
        if not back:
            with pytest.raises(UnknownOperation):
                await rt.undo()
            assert cut.status == "failed" and rest.state() == there
            return what
        undone = await rt.undo()
        assert len(rest.unsafe) == len(asked) + len(back)
        wanted = dict(there)
        if "POST" in back:
            del wanted["2"]
        if "PATCH" in back:
            wanted["1"] = before["1"]
        assert rest.state() == wanted
        for one in cut.requests:
            if one.reversibility == "unknown":
                told = "what may have been sent was not taken back" if one.status is None else "no undo takes it back"
                assert f"{told}: {one.method} {one.url}" in undone.note
        return what


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_step_of_what_is_kept(workspace: Path, rest: Rest, when: str) -> None:
    seen: list[dict[str, str]] = []
    for save in range(1, 100):
        place = workspace / str(save)
        place.mkdir()
        rest.start_again()
        before = copy.deepcopy(rest.state())
        if not run(place, rest, save=save, when=when):
            break
        seen.append(await check(place, rest, before))
    both = {"POST": "compensable", "PATCH": "compensable"}
    assert seen[-1] == both if when == "after" else {**both, "PATCH": "unknown"} in seen
    assert {"POST": "compensable", "PATCH": "unknown"} in seen, "the first is known, the second is not"
    assert any(what == {"POST": "unknown"} for what in seen)


async def test_killed_at_every_request(workspace: Path, rest: Rest) -> None:
    """When a server has done it, and not answered yet."""
    for at in range(100):
        place = workspace / str(at)
        place.mkdir()
        rest.start_again()
        before = copy.deepcopy(rest.state())
        given = json.dumps({"policy": policy(rest), "calls": calls(rest)})
        if killed_at(at, rest, place, _PROGRAM, given) <= at:
            break
        await check(place, rest, before)
    assert at == 5, "made, looked at, looked at, changed, looked at"


async def test_when_all_was_answered_all_is_taken_back_and_others_are_heard(workspace: Path, rest: Rest) -> None:
    filled(rest)
    before = copy.deepcopy(rest.state())
    assert run(workspace, rest, settle=True)
    async with opened(workspace, rest) as rt:
        cut = rt.show(1)
        assert cut.status == "settled" and cut.resources == ("http",) and rt.view.marks == (1,)
        assert f"undo sends DELETE {rest.url}/things/2" in said(cut) and "cut off" in said(cut)
        assert {one.status for one in cut.requests if one.method != "GET"} == {200, 201}
        made = rest.things["2"]
        rest.edit("2", name="somebody else's")
        there = copy.deepcopy(rest.state())
        with pytest.raises(Conflict):
            await rt.revert(1)
        assert rest.state() == there
        rest.things["2"] = made
        await rt.revert(1)
        assert rest.state() == before


async def test_a_release_of_which_all_was_answered(workspace: Path, rest: Rest) -> None:
    """What was released belongs to the action that had asked for it: that one is undone."""
    filled(rest)
    before = copy.deepcopy(rest.state())
    held = {**policy(rest), "decide": [{"actions": ["calls"], "verdict": "hold"}]}
    async with Runtime.open(workspace, policy=held, sandbox=BOX) as rt:
        one = {"api": "rest", "operation": "change", "arguments": {**calls(rest)["changed"]["arguments"]}}
        one["arguments"]["fields"] = {"name": "uno"}
        await rt.act("calls", calls={"made": calls(rest)["made"], "changed": one})
        assert rest.unsafe == []
    assert run(workspace, rest, release=True, settle=True)
    asked = list(rest.unsafe)
    assert sorted(asked) == ["PATCH /things/1", "POST /things"]
    async with opened(workspace, rest) as rt:
        assert changed(rt.show(2)) == {"POST": "compensable", "PATCH": "compensable"}
        await rt.accept(1)
        assert rest.unsafe == asked, "nothing is sent twice"
        await rt.undo()
        assert rest.state() == before


@pytest.mark.parametrize("move", ["undo", "redo"])
async def test_an_undo_or_redo_that_is_killed_can_be_taken_again(workspace: Path, rest: Rest, move: str) -> None:
    """Of what it had come to nothing is sent once more."""
    for at in range(100):
        place = workspace / str(at)
        place.mkdir()
        rest.start_again()
        id = rest.add(name="other")
        before = copy.deepcopy(rest.state())
        both = {"a": calls(rest)["changed"], "b": copy.deepcopy(calls(rest)["changed"])}
        for one in both.values():
            one["arguments"]["fields"] = {"name": "uno"}
        both["b"]["arguments"]["thing"] = id
        async with opened(place, rest) as rt:
            await rt.act("calls", calls=both)
            after = copy.deepcopy(rest.state())
            if move == "redo":
                await rt.undo()
        rest.seen.clear()
        given = json.dumps({"policy": policy(rest), "move": move})
        if killed_at(at, rest, place, _PROGRAM, given) <= at:
            break
        async with opened(place, rest) as rt:
            assert any("was cut off" in note for note in rt.notes) == (at >= 2), "looking is no operation"
            await getattr(rt, move)()
            assert rest.state() == (before if move == "undo" else after)
            assert sorted(set(rest.unsafe)) == sorted(rest.unsafe), "nothing is sent twice"
    assert at == 6, "two are looked at, and each is sent and looked at again"


async def test_a_redo_that_may_have_made_another_is_not_made_again(workspace: Path, rest: Rest) -> None:
    filled(rest)
    async with opened(workspace, rest) as rt:
        await rt.act("calls", calls={"made": calls(rest)["made"]})
        await rt.undo()

    def kill(seen: Seen) -> None:
        if seen.method == "POST":
            process.send_signal(signal.SIGKILL)
            process.wait()

    rest.before_answer = kill
    env = {**os.environ, "WORKSPACE": str(workspace)}
    given = json.dumps({"policy": policy(rest), "move": "redo"})
    with subprocess.Popen([sys.executable, "-c", _PROGRAM, given], env=env) as process:
        process.wait(60)
    rest.before_answer = lambda seen: None
    assert rest.unsafe == ["POST /things", "DELETE /things/2", "POST /things"]
    async with opened(workspace, rest) as rt:
        with pytest.raises(ResourceError, match="may have been sent again already"):
            await rt.redo()
        assert len(rest.unsafe) == 3


async def test_a_redo_that_is_known_to_have_made_another(workspace: Path, rest: Rest) -> None:
    """It was answered, and agentrt killed before that was in the journal."""
    filled(rest)
    before = copy.deepcopy(rest.state())
    async with opened(workspace, rest) as rt:
        await rt.act("calls", calls={"made": calls(rest)["made"]})
        await rt.undo()
    assert run(workspace, rest, move="redo", settle=True)
    after = copy.deepcopy(rest.state())
    assert after.keys() == {"1", "3"}
    async with opened(workspace, rest) as rt:
        await rt.redo()
        assert rest.state() == after, "not a third"
        await rt.undo()
        assert rest.state() == before


async def test_an_agent_that_asks_again_gets_the_answer(workspace: Path, rest: Rest) -> None:
    filled(rest)
    assert run(workspace, rest, settle=True)
    asked = list(rest.unsafe)
    async with opened(workspace, rest) as rt:
        again = await rt.act("calls", calls=calls(rest))
        assert said(again).count("nothing was sent") == 2 and rest.unsafe == asked


async def test_what_may_have_been_sent_is_not_sent_again_blindly(workspace: Path, rest: Rest) -> None:
    """It is said where it shows, also to a person."""
    filled(rest)
    assert run(workspace, rest, save=6, when="before")
    asked = list(rest.unsafe)
    assert asked == ["POST /things", "PATCH /things/1"]
    async with opened(workspace, rest) as rt:
        where = f"GET {rest.url}/things/1 shows whether it was"
        assert any(where in note for note in rt.notes) and where in said(rt.show(1))
        again = await rt.act("calls", calls=calls(rest))
        assert "what came of it is not known" in said(again) and rest.unsafe == asked
    shown = subprocess.run(
        [sys.executable, "-m", "agentrt", "show", "1"], cwd=workspace, capture_output=True, text=True, check=True
    ).stdout
    assert "unknown" in shown and f"GET {rest.url}/things/1 shows whether it was carried out" in shown
