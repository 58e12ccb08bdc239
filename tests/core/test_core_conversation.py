"""What an open session says the conversation is, is what its journal says, whatever was said, done and taken back."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentrt import Conflict, Runtime, UnknownOperation, UsageError
from agentrt.records import Message
from agentrt.testing.memory_sandbox import open_sandbox

Step = tuple[str, int, bool]
"""What, which of the things it can be done to, and whether the conversation is looked at afterwards."""
WHATS = ("say", "act", "say", "act", "undo", "redo", "restore", "revert", "fork", "open again")
SCOPES: tuple[Any, ...] = ("both", "files", "conversation")
STEPS = st.lists(st.tuples(st.sampled_from(WHATS), st.integers(0, 99), st.booleans()), min_size=4, max_size=16)


@settings(deadline=None)
@given(STEPS)
def test_the_conversation_at_hand_is_the_journals(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_work(Path(folder), steps))


async def _work(folder: Path, steps: Sequence[Step]) -> None:
    workspace = folder / "ws"
    workspace.mkdir()
    state = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    runtimes = [await Runtime.open(workspace, sandbox=open_sandbox)]
    try:
        await runtimes[0].act("bash", command="echo > first")
        for what, number, looked in steps:
            if what == "open again":
                session = runtimes[-1].session
                while runtimes:
                    await runtimes.pop().close()
                runtimes.append(await Runtime.open(workspace, sandbox=open_sandbox, session=session))
            else:
                # What there is nothing to be done to, and what is in the way of what, is other tests' matter.
                with suppress(UnknownOperation, UsageError, Conflict):
                    await _take(runtimes, what, number)
            if looked:
                _check(runtimes[-1])
        for runtime in runtimes:
            _check(runtime)
    finally:
        for runtime in reversed(runtimes):
            await runtime.close()
        os.environ.pop("XDG_STATE_HOME") if state is None else os.environ.update(XDG_STATE_HOME=state)


async def _take(runtimes: list[Runtime], what: str, number: int) -> None:
    runtime = runtimes[-1]
    scope, operations = SCOPES[number % 3], len(runtime.operations)
    if what == "say":
        role = ("task", "planner", "observation", "notice")[number % 4]
        runtime.say(role, {"text": f"{number} \udcff", "actions": ({"call": str(number)},)})
    elif what == "act":
        await runtime.act("bash", command=("echo {} > a", "echo {} > b", "true")[number % 3].format(number))
    elif what == "undo":
        await runtime.undo(1 + number % 2, scope=scope)
    elif what == "redo":
        await runtime.redo(scope=scope)
    elif what == "restore":
        await runtime.restore(number % (operations + 1), scope=scope)
    elif what == "revert":
        await runtime.revert(1 + number % operations if operations else 1)
    else:
        runtimes.append(await runtime.fork(number % (operations + 1)))


def _check(runtime: Runtime) -> None:
    journal: Sequence[Message] = runtime.journal.conversation(runtime.view.conversation)
    assert [message.to_dict() for message in runtime.conversation()] == [message.to_dict() for message in journal]
