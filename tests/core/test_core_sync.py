"""The blocking twin, and the door of the package."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import agentrt
from agentrt import Runtime as Asynchronous
from agentrt import SessionBusy, UnknownOperation, UsageError
from agentrt.sync import Runtime
from agentrt.testing.memory_sandbox import open_sandbox


def test_everything_without_await(workspace: Path, box: Any) -> None:
    with Runtime.open(workspace, sandbox=box) as rt:
        op = rt.act("bash", command="echo two > a.txt")
        assert [e.path for e in op.effects] == ["a.txt"]
        rt.undo()
        assert rt.redo().target == (1,)
        with rt.read_at(1, "a.txt") as file:
            assert file.read() == b"two\n"
        assert rt.preview("apply").target == (1,)
        assert rt.apply() is not None
        assert (workspace / "a.txt").read_text() == "two\n"
        rt.say("task", {"text": "x"})
        assert [m.body for m in rt.conversation()][-1] == {"text": "x"}
        assert [o.kind for o in rt.log()] == ["act", "undo", "redo", "apply"]
        assert rt.session == "s1" and rt.store.workspace == workspace and rt.view.applied == (4,)
        with pytest.raises(UnknownOperation):
            rt.restore(77)
    with Runtime.open(workspace, sandbox=box) as rt:
        assert rt.show(4).kind == "apply"


def test_forks_close_in_any_order(workspace: Path, box: Any) -> None:
    rt = Runtime.open(workspace, sandbox=box)
    rt.act("write", path="f", content="1")
    branch = rt.fork(1)
    assert (branch.session, rt.session) == ("s2", "s1")
    rt.close()
    rt.close()
    branch.act("write", path="g", content="2")
    assert [e.path for e in branch.pending()] == ["f", "g"]
    branch.close()
    with Runtime.open(workspace, sandbox=box, session="s1") as again:
        assert [e.path for e in again.pending()] == ["f"]


def test_it_has_every_public_method_of_the_asynchronous_one() -> None:
    def public(kind: type) -> set[str]:
        return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}

    inner = {
        "operations",
        "layer",
        "note",
        "intend",
        "settle",
        "forget_messages_of",
        "info",
        "work",
        "flags",
        "narrowings",
        "count",
        "sent_for",
    }
    assert public(Asynchronous) - inner <= public(Runtime)


def test_inside_an_event_loop_it_says_what_to_use(workspace: Path) -> None:
    async def work() -> None:
        Runtime.open(workspace, sandbox=open_sandbox)

    with pytest.raises(UsageError, match="event loop"):
        asyncio.run(work())


def test_a_failed_opening_leaves_nothing_held(workspace: Path) -> None:
    with pytest.raises(UnknownOperation):
        Runtime.open(workspace, sandbox=open_sandbox, session="s9")
    try:
        Runtime.open(workspace, sandbox=open_sandbox).close()
    except SessionBusy:
        pytest.fail("the lock was kept")


def test_the_public_names() -> None:
    assert sorted(agentrt.__all__) == agentrt.__all__
    for name in agentrt.__all__:
        assert getattr(agentrt, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        agentrt.nonsense  # noqa: B018 (to ask for it is enough)


def test_importing_costs_nothing() -> None:
    code = "import sys, agentrt; print(sorted({'pydantic', 'asyncio', 'sqlite3'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
