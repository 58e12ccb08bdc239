"""An agent may make its policy stricter: it holds from then on, across restarts and forks, until a person undoes it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agentrt import Runtime
from agentrt.testing.memory_sandbox import open_sandbox

NO_WRITES = {"decide": [{"verdict": "deny", "actions": ["write"], "because": "enough written"}]}


def opened(workspace: Path, **more: Any) -> Any:
    return Runtime.open(workspace, sandbox=open_sandbox, **more)


def test_it_holds_from_then_on_and_is_taken_back_by_undo(workspace: Path) -> None:
    async def work() -> None:
        async with opened(workspace) as rt:
            assert (await rt.act("write", path="a", content="1")).status == "settled"
            narrowed = await rt.act("narrow", rules=NO_WRITES)
            assert narrowed.status == "settled" and narrowed.review is None
            denied = await rt.act("write", path="b", content="1")
            assert denied.status == "denied" and denied.decision is not None
            assert denied.decision.rule.startswith("operation 2 of s1")
            assert denied.decision.because == "enough written"
        async with opened(workspace) as rt:
            assert (await rt.act("write", path="b", content="1")).status == "denied"
            branch = await rt.fork(2)
            assert (await branch.act("write", path="b", content="1")).status == "denied"
            await branch.close()
            earlier = await rt.fork(1)
            assert (await earlier.act("write", path="b", content="1")).status == "settled"
            await earlier.close()
            await rt.undo()
            assert (await rt.act("write", path="b", content="1")).status == "settled"

    asyncio.run(work())


@pytest.mark.parametrize(
    "rules",
    (
        {"network": [{"hosts": ["example.com"]}]},
        {"extends": "default"},
        {"tools": {"show": ["/opt"]}},
        {"approved": [{"run": "make deploy", "program": "/usr/bin/make"}]},
        {"secrets": ["TOKEN"]},
        {"nonsense": 1},
        {"decide": [{"verdict": "deny", "actions": ["wrote"]}]},
    ),
    ids=lambda rules: next(iter(rules)),
)
def test_nothing_is_made_looser_and_mistakes_are_told(workspace: Path, rules: Any) -> None:
    async def work() -> None:
        async with opened(workspace) as rt:
            tried = await rt.act("narrow", rules=rules)
            assert tried.status == "settled" and tried.observation is not None
            assert (tried.observation.error or "").startswith("nothing was narrowed: ")
            assert rt.narrowings == {}
            assert (await rt.act("write", path="b", content="1")).status == "settled"

    asyncio.run(work())


def test_an_allow_in_it_allows_nothing(workspace: Path) -> None:
    async def work() -> None:
        policy = {"decide": [{"verdict": "deny", "actions": ["write"]}]}
        async with opened(workspace, policy=policy) as rt:
            await rt.act("narrow", rules={"decide": [{"verdict": "allow"}]})
            assert (await rt.act("write", path="b", content="1")).status == "denied"

    asyncio.run(work())
