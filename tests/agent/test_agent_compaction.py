"""A conversation that gets long: what stays in sight, and that an undo brings the rest back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent_ground import Scripted, acts, alone
from hypothesis import given
from hypothesis import strategies as st

from agentrt import Runtime
from agentrt.agent import compaction, conversation
from agentrt.agent.conclusion import Budget, Ending, RunLimits
from agentrt.agent.events import ConversationCompacted, Event
from agentrt.agent.loop import run_loop
from agentrt.errors import ContextOverflow
from agentrt.planners.transcript import transcript
from agentrt.records import Message, Turn, Usage
from agentrt.testing.memory_sandbox import open_sandbox

ROOM = 2000
"""Tokens; four characters are taken for one."""
LOUD = "echo the-beginning-{n}; printf '%0.sx' $(seq 1500)"
"""What prints 400 tokens."""


def loud(n: int) -> Turn:
    return acts(("bash", {"command": LOUD.format(n=n)}), text=f"turn {n}")


class Summing(Scripted):
    """One that can say what is to be kept."""

    async def summarize(self, conversation: Sequence[Message]) -> Turn:
        return Turn(text="What I know: the bug is in b.py.", usage=Usage(output_tokens=7))


class Narrow(Scripted):
    """One whose model takes only so much, and says so."""

    def __init__(self, most: int, *answers: Turn) -> None:
        super().__init__(*answers)
        self.most = most

    async def plan(self, conversation: Sequence[Message], *more: Any) -> Turn:
        if sum(len(str(message.body)) for message in _seen(conversation)) > self.most:
            raise ContextOverflow("too long")
        return await super().plan(conversation, *more)


def _seen(line: Sequence[Message]) -> list[Message]:
    return conversation.compacted(line)


def run(workspace: Path, planner: Scripted, **limits: Any) -> tuple[Ending, list[Event], list[Message], Budget]:
    async def whole() -> tuple[Ending, list[Event], list[Message], Budget]:
        events: list[Event] = []
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            if not runtime.conversation():
                runtime.say("task", conversation.task("mend it", rules=["be kind"]))
            budget = Budget(RunLimits(context_tokens=ROOM, **limits))
            ending = await run_loop(runtime, alone(runtime, planner), budget, on_event=events.append)
            return ending, events, runtime.conversation(), budget

    return asyncio.run(whole())


def test_what_is_too_long_is_cut_down_and_says_what_matters(workspace: Path) -> None:
    plan = ("plan", {"steps": ["look", "mend"]})
    change = ("bash", {"command": "echo two > a.txt; ls nowhere"})
    planner = Scripted(acts(plan, change, text="I plan."), *(loud(n) for n in range(9)), Turn())
    ending, events, messages, _ = run(workspace, planner)
    assert ending.code == "nothing"
    compacted = [event for event in events if isinstance(event, ConversationCompacted)]
    assert compacted and all(event.tokens_after < event.tokens_before for event in compacted)
    assert all(compaction.tokens(heard) <= ROOM for heard in planner.heard)
    last = transcript(planner.heard[-1])
    assert last.steps[0].notes[0] == "mend it"
    assert last.reminder == (
        "Rules of this task; all of them hold, now and at the end:\n1. be kind\n\n"
        "Your plan, as you wrote it down last:\n1. look\n2. mend"
    )
    summary = last.steps[0].notes[1]
    assert "(operation 1): failed: modified a.txt" in summary
    assert "This waits for a person's review:\n- operation 1" in summary
    assert "the-beginning-" in summary and "more are left out)" in summary and "x" * 300 not in summary
    # The last turns are there word for word.
    assert last.steps[-1].turn is not None and last.steps[-1].turn.text == "turn 8"
    # The journal has everything.
    texts = [message.body["text"] for message in messages if message.role == "observation"]
    assert [f"the-beginning-{n}" in text for n, text in enumerate(texts[2:])] == [True] * 9


def test_an_undo_crosses_it(workspace: Path) -> None:
    run(workspace, Scripted(*(loud(n) for n in range(9)), Turn()))

    async def later() -> tuple[list[str], list[str]]:
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            notes = [operation for operation in runtime.log() if operation.kind == "note"]
            assert [operation.action for operation in notes] == [{"kind": "compaction"}] * len(notes)
            before = [message.role for message in runtime.conversation()]
            await runtime.restore(notes[0].id - 1)
            return before, [message.role for message in runtime.conversation()]

    before, after = asyncio.run(later())
    assert "compaction" in before and "compaction" not in after
    assert after.count("planner") >= 3


def test_what_was_undone_and_why_stays_in_sight(workspace: Path) -> None:
    run(workspace, Scripted(acts(("bash", {"command": "echo two > a.txt"})), Turn()))

    async def reject() -> None:
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            await runtime.reject(1, because="two is one too many")

    asyncio.run(reject())
    planner = Scripted(*(loud(n) for n in range(9)), Turn())
    run(workspace, planner)
    (summary,) = transcript(planner.heard[-1]).steps[0].notes[1:2]
    assert "two is one too many" in summary


def test_a_planner_that_can_says_what_is_to_be_kept(workspace: Path) -> None:
    planner = Summing(*(loud(n) for n in range(9)), Turn())
    _, events, _, budget = run(workspace, planner)
    assert "What I know: the bug is in b.py." in transcript(planner.heard[-1]).steps[0].notes[1]
    times = sum(isinstance(event, ConversationCompacted) for event in events)
    assert (budget.turns, budget.usage.output_tokens) == (10 + times, 7 * times)


def test_a_model_that_takes_less_than_the_limit_is_asked_again(workspace: Path) -> None:
    planner = Narrow(6000, *(loud(n) for n in range(6)), Turn())
    ending, events, _, _ = run(workspace, planner)
    assert ending.code == "nothing"
    assert any(isinstance(event, ConversationCompacted) for event in events)


def test_one_that_takes_nothing_at_all_ends_it(workspace: Path) -> None:
    ending, _, _, _ = run(workspace, Narrow(10, Turn()))
    assert ending == Ending(code="planner", reason="too long")


def test_the_count_of_a_server_is_believed() -> None:
    turn = Turn(text="x", usage=Usage(input_tokens=900, output_tokens=50))
    line = [
        Message(id=1, role="task", body=conversation.task("x" * 4000)),
        Message(id=2, role="planner", body=turn.to_dict()),
        Message(id=3, role="notice", body={"text": "y" * 389}),
    ]
    assert compaction.tokens(line) == 950 + 97 + 8


# ---------------------------------------------------------------------------------------- the transcript, by its laws


@st.composite
def lines(draw: st.DrawFn) -> list[Message]:
    line = [Message(id=1, role="task", body=conversation.task("do it", rules=draw(st.lists(st.text(max_size=5)))))]
    kinds = ["turn", "rest", "observation", "notice", "talk", "compaction"]
    open_calls: list[str] = []
    for id in range(2, draw(st.integers(2, 30))):
        kind = draw(st.sampled_from(kinds))
        if kind == "turn":
            open_calls = [f"{id}.{n}" for n in range(draw(st.integers(1, 3)))]
            turn = acts(*[("bash", {"command": "x"})] * len(open_calls))
            actions = tuple(
                a.model_copy(update={"call": call}) for a, call in zip(turn.actions, open_calls, strict=True)
            )
            line.append(Message(id=id, role="planner", body=turn.model_copy(update={"actions": actions}).to_dict()))
        elif kind == "rest":
            open_calls = []
            line.append(Message(id=id, role="planner", body=Turn(text="…").to_dict()))
        elif kind == "observation" and open_calls:
            line.append(Message(id=id, role="observation", body=conversation.observation(open_calls.pop(0), "done")))
        elif kind == "talk":
            line.append(Message(id=id, role="talk", body=conversation.talk("hi", actor="b", to="a")))
        elif kind == "compaction" and (turns := [m.id for m in line if m.role == "planner"]):
            body = conversation.compaction("summary", draw(st.sampled_from(turns)))
            line.append(Message(id=id, role="compaction", body=body))
        else:
            line.append(Message(id=id, role="notice", body={"text": draw(st.text(max_size=5))}))
    return line


@given(lines())
def test_every_request_of_a_transcript_has_one_answer(line: list[Message]) -> None:
    told = transcript(line)
    assert told.steps[0].turn is None and told.steps[0].outcomes == ()
    for step in told.steps[1:]:
        assert step.turn is not None
        assert [outcome.call for outcome in step.outcomes] == [action.call for action in step.turn.actions]
    assert all(note.strip() for step in told.steps for note in step.notes)
    turns = [Turn.from_dict(message.body) for message in _seen(line) if message.role == "planner"]
    assert [step.turn for step in told.steps[1:]] == turns


@given(lines())
def test_a_compaction_hides_what_was_before_and_nothing_else(line: list[Message]) -> None:
    seen = _seen(line)
    last = next((message for message in reversed(line) if message.role == "compaction"), None)
    if last is None:
        assert seen == line
        return
    since = last.body["since"]
    assert [message.id for message in seen if message.role != "compaction"][1:] == [
        message.id for message in line[1:] if message.id >= since and message.role != "compaction"
    ]
    assert [message for message in seen if message.role == "compaction"] == [last]


@given(lines(), st.lists(st.integers(1, 30), max_size=6))
def test_a_line_that_is_followed_is_the_line(said: list[Message], lengths: list[int]) -> None:
    """Also where the conversation was taken back and went on."""
    sight = compaction.Sight("agent")
    for length in [*lengths, len(said)]:
        now = [*said[:length], Message(id=1000 + length, role="notice", body={"text": "n" * length})]
        sight.follow(now)
        assert sight.line == conversation.line_of(now, "agent")
        assert sight.tokens == compaction.tokens(sight.line)


def test_what_is_cut_holds_no_half_of_a_word(workspace: Path) -> None:
    """Half of an address is not found by what hides addresses from models."""
    long = "y" * 180 + " alice@example.com"
    turns = [acts(("bash", {"command": f"echo {long}"})), *(acts(("bash", {"command": "seq 2000"})) for _ in range(5))]
    _, _, messages, _ = run(workspace, Scripted(*turns, Turn(text="done")))
    made = [message.body["text"] for message in messages if message.role == "compaction"]
    assert made and "yyy …" in made[-1] and "alice" not in made[-1]
