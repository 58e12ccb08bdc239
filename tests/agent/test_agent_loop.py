"""The loop with a real runtime: what is proposed is done, told and written down, until there is a reason to end."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any, Literal

import pytest
from agent_ground import Scripted, alone, bash, said, script

from agentrt import Runtime
from agentrt.agent.conclusion import Budget, Ending, RunLimits
from agentrt.agent.events import (
    ActionRefused,
    ActionStarted,
    Event,
    OperationSettled,
    OutputCame,
    PlannerAsked,
    RunEnded,
    TurnTaken,
)
from agentrt.agent.loop import run_loop
from agentrt.contracts import Planner
from agentrt.errors import PlannerError
from agentrt.records import Message, Operation, ProposedAction, Turn
from agentrt.testing.memory_sandbox import open_sandbox


def run(workspace: Path, planner: Planner, **limits: Any) -> tuple[Ending, list[Event], list[Message]]:
    async def whole() -> tuple[Ending, list[Event], list[Message]]:
        events: list[Event] = []
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            runtime.say("task", {"text": "x"})
            budget = Budget(RunLimits(**limits))
            ending = await run_loop(runtime, alone(runtime, planner), budget, on_event=events.append)
            return ending, events, runtime.conversation()

    return asyncio.run(whole())


def test_a_script_is_carried_out_told_and_written_down(workspace: Path) -> None:
    planner = script(
        workspace,
        """\
turns:
  - text: first
    actions:
      - bash: {command: "echo hello; echo two > a.txt; exit 3"}
      - write: {path: b.txt, content: new}
  - expect: "exit code 3"
    actions:
      - submit: {text: all done}
""",
    )
    ending, events, messages = run(workspace, planner)
    assert ending == Ending(code="submit", reason="all done")
    assert [message.role for message in messages] == [
        "task",
        "planner",
        "observation",
        "observation",
        "planner",
        "observation",
    ]
    assert said(messages, "observation")[0] == "exit code 3\nhello\n[modified a.txt]"
    assert said(messages, "observation")[1].endswith("[created b.txt]")
    assert [message.operation for message in messages if message.role == "observation"] == [1, 2, None]

    kinds = [type(event) for event in events if not isinstance(event, OutputCame | PlannerAsked)]
    one = [ActionStarted, OperationSettled]
    assert kinds == [TurnTaken, *one, *one, TurnTaken, RunEnded]
    assert b"".join(event.data for event in events if isinstance(event, OutputCame)) == b"hello\n"
    assert [event.operation.status for event in events if isinstance(event, OperationSettled)] == ["settled"] * 2
    assert next(event.shown for event in events if isinstance(event, ActionStarted)).endswith("exit 3")
    assert (workspace / "a.txt").read_text() == "one\n"


def test_the_planner_is_offered_every_tool_and_submit(workspace: Path) -> None:
    planner = Scripted(Turn())
    run(workspace, planner)
    assert set(planner.tools) >= {"bash", "read", "write", "edit", "search", "git", "submit"}


def test_no_proposal_ends_it(workspace: Path) -> None:
    ending, _, messages = run(workspace, Scripted(Turn(text="I give up")))
    assert (ending.code, ending.reason) == ("nothing", "the planner proposed no further action")
    assert said(messages, "planner") == ["I give up"]


def test_what_is_no_action_goes_back_in_words_and_the_run_goes_on(workspace: Path) -> None:
    wrong = (
        ProposedAction(call="1", kind="bahs", arguments={"command": "ls"}),
        ProposedAction(call="2", kind="bash", arguments={"comand": "ls"}),
        ProposedAction(call="3", kind="bash", arguments={"command": ["ls"]}),
        ProposedAction(call="4", kind="bash", arguments={"command": "ls\0"}),
        ProposedAction(call="5", kind="bash", arguments={"command": "echo fine"}),
    )
    ending, events, messages = run(workspace, Scripted(Turn(actions=wrong), Turn()))
    assert ending.code == "nothing"
    told = said(messages, "observation")
    assert "Did you mean `bash`?" in told[0]
    assert "unknown argument `comand` (did you mean `command`?)" in told[1]
    assert "`command` must be text, not a list" in told[2]
    assert "`command` must not hold a NUL character" in told[3]
    assert told[4] == "exit code 0\nfine"
    refused = [event.because for event in events if isinstance(event, ActionRefused)]
    assert [f"Not carried out: {because}" for because in refused] == told[:4]


def test_a_denied_and_a_rolled_back_action_are_told(workspace: Path) -> None:
    for name in "bcd":
        (workspace / name).write_text(name)
    policy = {
        "limits": {"files_deleted": {"most": 2, "because": "be careful"}},
        "decide": [{"verdict": "deny", "actions": ["git"], "because": "history is mine"}],
    }

    async def whole() -> tuple[list[Message], bool]:
        git = ProposedAction(call="g", kind="git", arguments={"args": ["status"]})
        both = Turn(actions=(git, *bash("rm b c d", call="r").actions, *bash("ls", call="l").actions))
        async with Runtime.open(workspace, sandbox=open_sandbox, policy=policy) as runtime:
            await run_loop(runtime, alone(runtime, Scripted(both, Turn())), Budget(RunLimits()))
            return runtime.conversation(), (workspace / "b").exists()

    messages, kept = asyncio.run(whole())
    denied, rolled_back, listed = said(messages, "observation")
    assert "history is mine" in denied
    assert "deleted 3 files; the limit is 2" in rolled_back and "be careful" in rolled_back
    assert listed == "exit code 0\na.txt\nb\nc\nd"
    assert kept


@pytest.mark.parametrize(
    ("limits", "code", "reason", "done"),
    [
        ({"actions": 2}, "actions", "the limit of 2 actions is reached", 2),
        ({"turns": 1}, "turns", "the limit of 1 turns is reached", 1),
        ({"cost_usd": 0.5}, "cost", "it has cost 0.60 USD; the limit is 0.50 USD", 1),
    ],
)
def test_limits_end_it(workspace: Path, limits: dict[str, Any], code: str, reason: str, done: int) -> None:
    planner = Scripted(*(bash("true", call=str(n), cost=0.3) for n in range(5)))
    ending, events, _ = run(workspace, planner, **limits)
    assert (ending.code, ending.reason) == (code, reason)
    assert len([event for event in events if isinstance(event, OperationSettled)]) == done


def test_malformed_actions_count_as_actions(workspace: Path) -> None:
    wrong = tuple(ProposedAction(call=str(n), kind="nonsense", arguments={"n": n}) for n in range(9))
    ending, events, _ = run(workspace, Scripted(Turn(actions=wrong)), actions=3)
    assert ending.code == "actions"
    assert len([event for event in events if isinstance(event, ActionRefused)]) == 3


def test_time_ends_it_between_actions_and_while_the_planner_thinks(workspace: Path) -> None:
    async def long() -> Turn:
        await asyncio.sleep(60)
        return Turn()

    ending, _, _ = run(workspace, Scripted(long), minutes=0.005)
    assert (ending.code, ending.reason) == ("minutes", "the limit of 0.005 minutes is reached")
    ending, events, _ = run(workspace, Scripted(bash("sleep 0.4"), bash("echo again")), minutes=0.005)
    assert ending.code == "minutes"
    assert len([event for event in events if isinstance(event, OperationSettled)]) == 1


def test_many_actions_in_one_turn_are_no_matter(workspace: Path) -> None:
    actions = tuple(bash("true", call=str(n)).actions[0] for n in range(40))
    ending, events, _ = run(workspace, Scripted(Turn(actions=actions), Turn()), actions=40, turns=2)
    assert ending.code == "nothing"
    assert len([event for event in events if isinstance(event, OperationSettled)]) == 40


def test_a_planner_that_fails_ends_it_with_its_reason(workspace: Path) -> None:
    async def fails() -> Turn:
        raise PlannerError("the model is gone")

    ending, events, _ = run(workspace, Scripted(fails))
    assert ending == Ending(code="planner", reason="the model is gone")
    assert events[-1] == RunEnded(code="planner", reason="the model is gone")


def test_a_planners_bug_and_its_own_timeout_pass_through(workspace: Path) -> None:
    async def times_out() -> Turn:
        raise TimeoutError("of its own")

    async def breaks() -> Turn:
        raise ZeroDivisionError

    with pytest.raises(TimeoutError, match="of its own"):
        run(workspace, Scripted(times_out))
    with pytest.raises(ZeroDivisionError):
        run(workspace, Scripted(breaks))


def test_a_cancelled_run_ends_at_once_and_leaves_a_readable_journal(workspace: Path) -> None:
    async def whole() -> list[tuple[str, str]]:
        started = asyncio.Event()

        def watch(event: Event) -> None:
            if isinstance(event, ActionStarted):
                started.set()

        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            planner = Scripted(bash("echo x > a.txt; sleep 30"))
            running = asyncio.create_task(
                run_loop(runtime, alone(runtime, planner), Budget(RunLimits()), on_event=watch)
            )
            await started.wait()
            await asyncio.sleep(0.3)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(running, 10)
        async with Runtime.open(workspace, sandbox=open_sandbox) as again:
            done = await again.act("bash", command="cat a.txt")
            assert done.observation is not None and done.observation.output == "one\n"
            return [(operation.kind, operation.status) for operation in again.log()]

    statuses = asyncio.run(whole())
    assert statuses[0][0] == "act" and statuses[0][1] in ("failed", "intent")
    assert statuses[-1] == ("act", "settled")


def test_an_action_that_was_cut_off_is_told_and_not_run_again(workspace: Path) -> None:
    slow = ProposedAction(call="1", kind="bash", arguments={"command": "echo x >> log; sleep 30"})
    quick = ProposedAction(call="2", kind="bash", arguments={"command": "ls"})
    done = ProposedAction(call="3", kind="submit", arguments={})
    planner = Scripted(Turn(actions=(slow, quick)), Turn(actions=(done,)))

    async def whole() -> list[str]:
        started = asyncio.Event()

        def watch(event: Event) -> None:
            if isinstance(event, ActionStarted):
                started.set()

        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            running = asyncio.create_task(
                run_loop(runtime, alone(runtime, planner), Budget(RunLimits()), on_event=watch)
            )
            await started.wait()
            await asyncio.sleep(0.3)
            running.cancel()
            await asyncio.wait([running])
        async with Runtime.open(workspace, sandbox=open_sandbox) as again:
            await run_loop(again, alone(again, planner), Budget(RunLimits()))
            assert len(again.log()) == 1
            return said(again.conversation(), "observation")

    heard = asyncio.run(whole())
    assert "interrupted" in heard[0]
    # What was proposed behind it may build on it.
    behind = "Not carried out: what you proposed before it was cut off, and nothing of that is kept."
    assert heard[1:] == [behind, "handed in"]


def test_after_an_undo_the_script_is_taken_up_where_it_was(workspace: Path) -> None:
    turns = """\
turns:
  - actions: [{bash: {command: echo 1 >> log}}]
  - actions: [{bash: {command: echo 2 >> log}}]
  - actions: [{bash: {command: cat log}}, {submit: {}}]
"""

    async def whole() -> tuple[str, list[str]]:
        planner = script(workspace, turns)
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            await run_loop(runtime, alone(runtime, planner), Budget(RunLimits(actions=2)))
            await runtime.undo()
            ending = await run_loop(runtime, alone(runtime, planner), Budget(RunLimits()))
            return ending.code, said(runtime.conversation(), "observation")

    code, heard = asyncio.run(whole())
    assert code == "submit"
    assert heard[-2] == "exit code 0\n1\n2"


@pytest.mark.parametrize("scope", ["both", "conversation"])
def test_what_a_person_took_back_is_not_done_again_unasked(
    workspace: Path, scope: Literal["both", "conversation"]
) -> None:
    first = [ProposedAction(call=str(n), kind="bash", arguments={"command": f"echo {n} >> log"}) for n in (1, 2)]
    planner = Scripted(Turn(actions=tuple(first)), Turn(ending="refused"), bash("true"), Turn(text="I see"))

    async def whole() -> tuple[list[str], list[str]]:
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            await run_loop(runtime, alone(runtime, planner), Budget(RunLimits()))
            await runtime.undo(2, scope=scope)
            await run_loop(runtime, alone(runtime, planner), Budget(RunLimits()))
            done = [str(op.action["command"]) for op in runtime.log() if op.kind == "act" and op.action]
            return done, said(runtime.conversation(), "observation")

    done, heard = asyncio.run(whole())
    assert done == ["echo 1 >> log", "echo 2 >> log", "true"]
    assert ["a person changed" in text for text in heard] == [True, True, False]


def test_the_graph_keeps_a_cursor_and_no_messages(workspace: Path, tmp_path: Path) -> None:
    marker = "a-word-of-the-conversation"
    run(workspace, Scripted(bash(f"echo {marker}"), Turn(text=marker)))
    (file,) = (tmp_path / "state").rglob("checkpoints.db")
    with contextlib.closing(sqlite3.connect(file)) as db:
        rows = db.execute("SELECT checkpoint, metadata FROM checkpoints").fetchall()
        rows += db.execute("SELECT value, channel FROM writes").fetchall()
    kept = b"".join(part if isinstance(part, bytes) else str(part).encode() for row in rows for part in row)
    assert b"head" in kept
    assert marker.encode() not in kept


class Undoing(Runtime):
    """A person is quick: what is done first is taken back before anybody was told of it."""

    async def propose(self, proposed: ProposedAction, **more: Any) -> Operation:
        operation = await super().propose(proposed, **more)
        if operation.id == 1:
            await self.undo()
        return operation


def test_what_is_taken_back_at_once_is_not_told_of(workspace: Path) -> None:
    async def whole() -> list[str]:
        async with Undoing.open(workspace, sandbox=open_sandbox) as runtime:
            runtime.say("task", {"text": "x"})
            planner = Scripted(bash("echo 1 >> log", call="1"), bash("ls", call="2"), Turn())
            await run_loop(runtime, alone(runtime, planner), Budget(RunLimits()))
            return said(runtime.conversation(), "observation")

    heard = asyncio.run(whole())
    assert heard[-1] == "exit code 0\na.txt"
    assert not any("created log" in text for text in heard)
