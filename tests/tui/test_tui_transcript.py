"""The transcript: what the journal has and what is told give the same, in whatever order they come."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from detail_ground import Run, bash, entry, file_effect, operation
from hypothesis import given
from hypothesis import strategies as st

from agentrt.agent.events import ActionStarted, OperationSettled, OutputCame, PlannerDelayed, TextCame
from agentrt.hosting.state import SessionState
from agentrt.records import Observation, ProposedAction
from agentrt.showing.words import operation_json
from agentrt.tui.detail.blocks import Action, Asked, Note, Said
from agentrt.tui.detail.drawn import drawn
from agentrt.tui.detail.lines import text_of
from agentrt.tui.detail.tail import Tail
from agentrt.tui.detail.transcript import Transcript
from agentrt.tui.detail.worded import result_of

_STEPS = st.lists(st.sampled_from(["say", "act", "act twice", "refuse", "plan", "act and refuse"]), max_size=6)


def a_run(steps: list[str]) -> Run:
    """Turns that say the same again and again, with calls of their own."""
    run = Run()
    run.task("mend it")
    for number, step in enumerate(steps):
        one, two = bash(f"c{number}.1"), bash(f"c{number}.2")
        plan = ProposedAction(call=f"c{number}.3", kind="plan", arguments={"steps": ["look", "mend"]})
        actions = {"act": [one], "act twice": [one, two], "refuse": [one], "plan": [plan], "act and refuse": [one, two]}
        run.turn("on it" if step != "plan" else "", actions.get(step, []))
        if step.startswith("act"):
            run.act(one, [file_effect("a.py")])
        if step == "act twice":
            run.act(two)
        if step == "plan":
            run.plan(plan)
        if step == "refuse":
            run.refuse(one)
        if step == "act and refuse":
            run.refuse(two)
    run.end()
    return run


@given(steps=_STEPS, data=st.data())
def test_any_order_of_reading_and_telling_gives_the_same(steps: list[str], data: st.DataObject) -> None:
    run = a_run(steps)
    reads = sorted(data.draw(st.lists(st.integers(0, len(run.versions) - 1), max_size=8)))
    order = data.draw(st.permutations(["told"] * len(run.events) + ["read"] * len(reads)))
    seen, events = Transcript(), iter(run.events)
    for step in order:
        seen = seen.told(next(events)) if step == "told" else seen.read(*run.versions[reads.pop(0)])
        operations = Counter(b.operation for b in seen.blocks if isinstance(b, Action) and b.operation)
        assert max(operations.values(), default=0) <= 1
        assert sum(isinstance(b, Said) and b.complete for b in seen.blocks) <= sum(step != "plan" for step in steps)
        keys = Counter(block.key for block in seen.blocks)
        assert max(keys.values(), default=0) <= 1
    final = seen.read(*run.versions[-1])
    expected = Transcript.of(*run.versions[-1]).told(run.events[-1])
    assert final.blocks == expected.blocks


@given(steps=_STEPS)
def test_what_is_told_shows_the_same_as_what_is_read(steps: list[str]) -> None:
    """Without any reading after the task, the words are those the journal would have."""
    run = a_run(steps)
    told = Transcript.of(*run.versions[0])
    for event in run.events:
        told = told.told(event)

    def words(seen: Transcript) -> list[Any]:
        return [
            (type(b), getattr(b, "text", ""), getattr(b, "shown", ""), getattr(b, "effects", ""))
            for b in seen.blocks
            if not (isinstance(b, Action) and "not carried out" in b.more.lower())
        ]

    assert words(told) == words(Transcript.of(*run.versions[-1]).told(run.events[-1]))


def test_what_is_being_said_runs_and_waits_is_at_the_end() -> None:
    run = Run()
    run.task("mend it")
    seen = Transcript.of(run.messages, run.entries)
    for text in ("I will ", "look"):
        seen = seen.told(TextCame(actor="agent", text=text).to_dict())
    said = seen.blocks[-1]
    assert isinstance(said, Said) and said.text == "I will look" and not said.complete
    seen = seen.told(PlannerDelayed(actor="agent", seconds=2, because="the server is busy").to_dict())
    delay = seen.blocks[-1]
    assert isinstance(delay, Note) and delay.text.startswith("the server is busy, asked again in 2 s; what it has")
    assert not any(isinstance(block, Said) for block in seen.blocks)
    seen = seen.told(ActionStarted(actor="agent", action=bash("c"), shown="$ make").to_dict())
    seen = seen.told(OutputCame(data=b"10%\r20%\x1b[K\rdone\n\x1b[31mred\x1b[0m \xff").to_dict())
    runs = seen.blocks[-1]
    assert isinstance(runs, Action) and runs.state == "intent" and runs.output == ("done", "red \\xff")


def test_what_was_undone_is_gone_and_said() -> None:
    run = a_run(["act", "act"])
    seen = Transcript.of(*run.versions[-1])
    went_back = [
        *run.messages[:3],
        run.messages[-1].model_copy(
            update={"id": 99, "role": "notice", "operation": 3, "body": {"text": "The user undid operation 2"}}
        ),
    ]
    seen = seen.told(run.events[-2]).read(went_back, run.entries, stands={1})
    assert [type(block) for block in seen.blocks] == [Asked, Said, Action, Note]
    assert [b.operation for b in seen.blocks if isinstance(b, Action)] == [1]


def test_a_person_s_own_action_stands_where_it_was_done() -> None:
    run = a_run(["act"])
    run.put(operation(2, actor="user", action={"kind": "bash", "command": "git status"}))
    run.say("notice", {"text": "The user says:\nmore", "asked": "more"})
    (one,) = [b for b in Transcript.of(run.messages, run.entries).blocks if isinstance(b, Action) and b.actor == "user"]
    assert one.shown == "$ git status" and one.operation == 2


def test_of_what_a_person_ran_its_end_and_its_output_are_shown() -> None:
    run, action = a_run(["act"]), {"kind": "bash", "command": "ls; ls /nope"}
    seen = Observation(exit_code=2, output="a.txt\n10%\r20%\n\x1b[31mls: /nope: no\x1b[0m\n")
    own = operation(2, actor="user", action=action, observation=seen)
    told = Transcript.of(run.messages, run.entries).told(OperationSettled(operation=own).to_dict())
    run.put(own)
    read = Transcript().read(run.messages, run.entries, own={2: result_of(own)})
    assert (
        told.blocks[-1] == read.blocks[-1] == told.read(run.messages, run.entries, own={2: result_of(own)}).blocks[-1]
    )
    assert [text_of(row) for row in drawn(read.blocks[-1], 60)] == [
        "· user: $ ls; ls /nope  exit code 2", "│ a.txt", "│ 20%", "│ ls: /nope: no",
    ]  # fmt: skip
    (agent,) = [block for block in read.blocks if isinstance(block, Action) and block.operation == 1]
    assert agent.output == () and not agent.ended


@pytest.mark.parametrize(("whole", "left"), [(True, "… 2,964 more lines"), (False, "… more lines")])
def test_of_much_output_the_head_and_the_tail_are_shown(whole: bool, left: str) -> None:
    seen = Observation(exit_code=0, output="".join(f"row {n}\n" for n in range(3000)), truncated=not whole)
    own = operation(1, actor="user", observation=seen)
    (block,) = Transcript().read([], [entry(own)], own={1: result_of(own)}).blocks
    assert isinstance(block, Action) and block.ended == "exit code 0"
    assert len(block.output) <= 40 and left in block.output
    assert (block.output[0], block.output[-1]) == ("row 0", "row 2999")


def test_of_a_long_conversation_the_end_is_read_like_the_end_of_all_of_it() -> None:
    run = a_run(["act", "act", "act"])
    run.put(operation(4, actor="user", action={"kind": "bash", "command": "git status"}))
    whole = Transcript.of(run.messages, run.entries).blocks
    most = next(at for at in range(1, len(run.messages)) if run.messages[-at].role == "planner")
    end = Transcript().read(run.messages[-most:], run.entries, most=most).blocks
    assert len(end) < len(whole) and end == whole[-len(end) :]
    assert Transcript().read(run.messages, run.entries, most=len(run.messages) + 1).blocks == whole


def test_the_operations_of_a_forks_parent_are_not_taken_for_its_own() -> None:
    run = a_run(["act"])
    own = [
        run.entries[0].__class__(
            **{**{n: getattr(run.entries[0], n) for n in run.entries[0].__slots__}, "about": "$ its own"}
        )
    ]
    blocks = Transcript.of(run.messages, own, start=run.messages[-1].id).blocks
    shown = [(b.shown, b.operation) for b in blocks if isinstance(b, Action)]
    assert shown == [("$ make test", None), ("$ its own", 1)]


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ([b"a\nb\n"], ("a", "b")),
        ([b"10%\r", b"20%\r", b"30%"], ("30%",)),
        ([b"long line\rshort\x1b[K"], ("short",)),
        ([b"one\ntwo\x1b[1A\rONE\x1b[1B\rTWO"], ("ONE", "TWO")),
        ([b"\xe2\x82", b"\xac"], ("€",)),
        ([b"a\x1b[3", b"1mb"], ("ab",)),
        ([b"\x1b]0;title\x07x\x1b]8;;http://e\x1b\\link\x1b]8;;\x1b\\"], ("xlink",)),
        ([b"ab\x08c"], ("ac",)),
        ([b"\xff\x00\xe2\x80\xae"], ("\\xff\\x00\\u202e",)),
        ([b"".join(b"%d\n" % n for n in range(100))], tuple(map(str, range(90, 100)))),
    ],
)  # fmt: skip
def test_output_is_what_a_terminal_would_show(printed: list[bytes], shown: tuple[str, ...]) -> None:
    tail = Tail()
    for data in printed:
        tail = tail.fed(data)
    assert tail.lines == shown


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"\x1b", b"[", b"\r", b"\n", b"1", b"A", b"K", b"\x1b]"])))
def test_no_output_is_too_strange(pieces: list[bytes]) -> None:
    tail = Tail()
    for data in pieces:
        tail = tail.fed(data)
    assert all(line.isprintable() for line in tail.lines)


def test_what_is_kept_of_output_does_not_grow() -> None:
    tail = Tail()
    for number in range(200):
        tail = tail.fed(b"x" * 5000 + b"\n" + b"\x1b[%d" % number)
    assert tail.came == 200 and len(tail.screen) <= 40 and sum(map(len, tail.screen)) <= 40 * 400
    assert len(tail.rest) <= 256


def test_lines_that_were_printed_too_fast_to_be_told_are_counted() -> None:
    begun = ActionStarted(actor="agent", action=bash("c"), shown="$ seq 4000")
    piece = "".join(f"row {n}\n" for n in range(2990, 3000))
    seen = Transcript().told(begun.to_dict())
    seen = seen.told({"event": "output", "data": piece, "skipped": 27_000, "skipped_lines": 2990})
    late = Transcript().with_state(SessionState(session="s1", phase="acting", running=begun, output=piece, lines=3000))
    for transcript in (seen, late):
        first, *_ = drawn(transcript.blocks[-1], 60)
        assert text_of(first) == "… $ seq 4000  running · 3,000 lines"


def test_an_apply_is_told_as_a_host_tells_it() -> None:
    applied = operation(1, kind="apply", actor="user", action=None, effects=(file_effect("a.py"),), observation=None)
    seen = Transcript().told({"event": "operation", "operation": operation_json(applied)})
    (block,) = seen.blocks
    assert isinstance(block, Action)
    assert (block.shown, block.actor, block.effects) == ("apply 1 path", "user", "1 file created")
    assert seen.told({"event": "of a later version", "more": 1}) is seen
