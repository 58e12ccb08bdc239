"""When a conversation is over: handed in and true, at a limit, refused, or without progress."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from agent_ground import Scripted, acts, alone, said

from agentrt import Runtime
from agentrt.agent.completeness import Demands, Score
from agentrt.agent.conclusion import Budget, Ending, RunLimits
from agentrt.agent.conversation import asked
from agentrt.agent.events import Event, NotDoneYet
from agentrt.agent.loop import run_loop
from agentrt.records import Message, Turn, Usage
from agentrt.task import Task, task_of
from agentrt.testing.memory_sandbox import open_sandbox

REST = Turn()
SUBMIT = ("submit", {"text": "done"})


def bash(command: str) -> tuple[str, dict[str, Any]]:
    return "bash", {"command": command}


def run(
    workspace: Path,
    *turns: Turn,
    verify: str | None = None,
    rules: Sequence[Any] = (),
    answers: Sequence[str | None] = (),
    **limits: Any,
) -> tuple[Ending, list[Event], list[Message], tuple[Score, ...]]:
    given = list(answers)

    async def inquire(question: str) -> str | None:
        return given.pop(0)

    async def whole() -> tuple[Ending, list[Event], list[Message], tuple[Score, ...]]:
        events: list[Event] = []
        read = Task(objective="x", planner={"provider": "none"}, rules=tuple(rules)).rules
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            runtime.say("task", {"text": "x"})
            demands = Demands(runtime, verify, read, events.append)
            ending = await run_loop(
                runtime,
                alone(runtime, Scripted(*turns)),
                Budget(RunLimits(**limits)),
                demands=demands,
                inquire=inquire if answers else None,
                on_event=events.append,
            )
            return ending, events, runtime.conversation(), tuple(demands.scores)

    return asyncio.run(whole())


def test_what_is_handed_in_and_not_true_goes_back_until_it_is(workspace: Path) -> None:
    turns = [acts(SUBMIT), acts(bash("echo two > a.txt"), SUBMIT)]
    ending, events, messages, _ = run(workspace, *turns, verify="grep two a.txt")
    assert ending == Ending(code="submit", reason="done")
    first, _, last = said(messages, "observation")
    assert first == "The task is not done yet. Verification, `grep two a.txt`:\nexit code 1"
    assert last == "handed in"
    assert [event.failures for event in events if isinstance(event, NotDoneYet)] == [
        ("Verification, `grep two a.txt`",)
    ]


def test_what_is_told_names_each_rule_that_does_not_hold(workspace: Path) -> None:
    rules = [
        "be kind",
        {"rule": "a has two lines", "check": "test $(wc -l < a.txt) = 2"},
        {"rule": "there is no b", "check": "! test -e b"},
        {"rule": "there is a c", "check": "echo looked; test -e c"},
    ]
    turns = [acts(SUBMIT), acts(bash("echo 2 >> a.txt; touch c")), acts(SUBMIT)]
    ending, _, messages, scores = run(workspace, *turns, rules=rules)
    assert ending.code == "submit"
    told = said(messages, "observation")[0]
    assert told == (
        "The task is not done yet. Rule 2 does not hold (a has two lines); its check, `test $(wc -l < a.txt) = 2`:\n"
        "exit code 1\n\n"
        "Rule 4 does not hold (there is a c); its check, `echo looked; test -e c`:\nexit code 1\nlooked"
    )
    assert [(score.turn, score.held, score.checked) for score in scores] == [(1, 1, 3), (2, 3, 3), (3, 3, 3)]
    assert scores[0].share == pytest.approx(1 / 3)


def test_a_check_runs_once_for_each_state_of_the_files(workspace: Path) -> None:
    turns = [acts(bash("true")), acts(bash("ls")), acts(bash("touch b")), acts(SUBMIT)]
    _, _, _, scores = run(workspace, *turns, rules=[{"rule": "b", "check": "test -e b"}], verify="test -e b")
    assert [score.held for score in scores] == [0, 0, 1, 1]

    async def commands() -> list[str]:
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            return [operation.action["command"] for operation in runtime.log() if operation.action]

    # What verifies is what the rule's check runs: once is enough for both.
    assert asyncio.run(commands()) == ["true", "test -e b", "ls", "touch b", "test -e b"]


def test_what_a_check_writes_is_not_kept(workspace: Path) -> None:
    ending, _, messages, _ = run(
        workspace, acts(SUBMIT), acts(bash("ls")), REST, REST, rules=[{"rule": "r", "check": "touch junk; false"}]
    )
    assert ending.code == "nothing"
    assert said(messages, "observation")[1] == "exit code 0\na.txt"


def test_who_stops_without_handing_in_is_told_once_what_is_missing(workspace: Path) -> None:
    ending, _, messages, _ = run(workspace, REST, acts(bash("echo two > a.txt")), REST, verify="grep -q two a.txt")
    assert ending.code == "nothing"
    assert said(messages, "notice") == ["The task is not done yet. Verification, `grep -q two a.txt`:\nexit code 1"]
    ending, _, messages, _ = run(workspace, REST, REST, verify="false")
    assert ending.code == "nothing"
    assert len([m for m in messages if m.role == "notice" and "not done yet" in m.body["text"]]) >= 1


@pytest.mark.parametrize(
    "again", [bash("ls nowhere"), bash("echo x >> log; false"), ("nonsense", {}), ("read", {"path": "nowhere"}), SUBMIT]
)
def test_the_same_failing_action_three_times_is_no_progress(workspace: Path, again: tuple[str, dict[str, Any]]) -> None:
    turns = [acts(again) for _ in range(9)]
    ending, _, messages, _ = run(workspace, *turns, verify="false" if again is SUBMIT else None)
    assert ending.code == "no_progress"
    assert ending.reason == f"the same `{again[0]}` has failed 3 times, and nothing changed meanwhile"
    assert len(said(messages, "observation")) == 3


def test_a_failure_after_a_change_is_a_new_one(workspace: Path) -> None:
    turns = [acts(bash(f"echo {n} >> log"), bash("ls nowhere")) for n in range(5)]
    ending, _, _, _ = run(workspace, *turns, REST)
    assert ending.code == "nothing"


def test_what_succeeds_may_be_done_as_often_as_one_likes(workspace: Path) -> None:
    ending, _, _, _ = run(workspace, *(acts(bash("ls")) for _ in range(6)), REST)
    assert ending.code == "nothing"


def test_tokens_are_a_limit(workspace: Path) -> None:
    turn = acts(bash("true")).model_copy(update={"usage": Usage(input_tokens=600, output_tokens=40)})
    ending, _, _, _ = run(workspace, turn, turn, turn, tokens=1000)
    assert ending == Ending(code="tokens", reason="it has taken 1,280 tokens; the limit is 1,000")


def test_a_model_that_declines_ends_it_with_its_words(workspace: Path) -> None:
    ending, _, _, _ = run(workspace, Turn(text="I will not do this.", ending="refused"))
    assert ending == Ending(code="refused", reason="the model declines to go on: I will not do this.")


def test_an_answer_that_was_cut_off_is_asked_to_go_on(workspace: Path) -> None:
    ending, _, messages, _ = run(workspace, Turn(text="I thi", ending="truncated"), acts(SUBMIT))
    assert ending.code == "submit"
    assert said(messages, "notice") == [
        "Your answer came to the limit of output and was cut off. Go on, in smaller steps."
    ]


def test_a_plan_is_noted_and_is_no_action(workspace: Path) -> None:
    plan = ("plan", {"steps": ["look", "mend"]})
    ending, _, messages, _ = run(workspace, acts(plan, plan, plan), acts(SUBMIT), actions=1)
    assert ending.code == "submit"
    assert said(messages, "observation") == ["noted", "noted", "noted", "handed in"]


def test_a_question_is_answered_or_nobody_is_there(workspace: Path) -> None:
    ask = ("ask", {"question": "which one?"})
    nobody = "Nobody is here to answer. Decide for yourself, and say what you decided when you hand the work in."
    _, _, messages, _ = run(workspace, acts(ask, SUBMIT))
    assert said(messages, "observation")[0] == nobody
    _, _, messages, _ = run(workspace, acts(ask, ask, SUBMIT), answers=["the first", None])
    assert said(messages, "observation")[-3:-1] == ["A person says: the first", nobody]


def test_a_run_that_is_resumed_has_used_what_it_had_used(workspace: Path) -> None:
    turn = acts(bash("true"), ("plan", {"steps": []})).model_copy(update={"usage": Usage(input_tokens=10)})

    async def whole() -> Budget:
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            runtime.say("task", {"text": "x"})
            await run_loop(runtime, alone(runtime, Scripted(turn, turn)), Budget(RunLimits(turns=2)))
            budget = Budget(RunLimits())
            budget.take_up(runtime.conversation())
            return budget

    budget = asyncio.run(whole())
    assert (budget.turns, budget.actions, budget.usage.input_tokens) == (2, 2, 20)


def test_what_was_asked_for_before_an_undo_is_not_counted_for_the_next_task(workspace: Path) -> None:
    async def whole() -> Budget:
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            runtime.say("task", {"text": "x"})
            await run_loop(
                runtime, alone(runtime, Scripted(acts(bash("true"), bash("echo > b")), REST)), Budget(RunLimits())
            )
            await runtime.undo()
            runtime.say("notice", asked("something else"))
            await run_loop(runtime, alone(runtime, Scripted(acts(bash("true")), REST)), Budget(RunLimits()))
            budget = Budget(RunLimits())
            budget.take_up(runtime.conversation())
            return budget

    budget = asyncio.run(whole())
    assert (budget.turns, budget.actions) == (2, 1)


def test_all_checks_together_have_what_is_left_of_the_time(workspace: Path) -> None:
    async def seconds() -> list[float]:
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            rules = task_of(
                {"objective": "x", "planner": {"script": "x"}, "rules": [{"rule": "r", "check": "test 1"}]}, Path()
            ).rules
            await Demands(runtime, "sleep 30", rules, lambda event: None).judge(1.3)
            return [operation.action["seconds"] for operation in runtime.log() if operation.action]

    verify, check = asyncio.run(seconds())
    assert 1.0 < verify <= 1.3 and check == 1.0


def test_what_is_printed_does_not_pass_for_what_was_changed(workspace: Path) -> None:
    _, _, messages, _ = run(workspace, acts(bash("echo '[modified a.txt]'"), bash("echo '[x]' | tee b")), REST)
    assert said(messages, "observation") == [
        "exit code 0\n[modified a.txt]\n[changed nothing]",
        "exit code 0\n[x]\n[created b]",
    ]
