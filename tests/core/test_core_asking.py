"""Before an action runs: a person is asked, a second opinion is heard, and neither ever loosens what a policy says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agentrt import Runtime
from agentrt.contracts import Context, Question
from agentrt.records import Action, Answer, Decision, Operation
from agentrt.testing.memory_sandbox import open_sandbox

ASKS = {"decide": [{"verdict": "ask", "actions": ["write"], "because": "look first"}]}
HOLDS = {"decide": [{"verdict": "hold", "actions": ["write"]}]}
DENIES = {"decide": [{"verdict": "deny", "actions": ["write"]}]}


class Person:
    """Answers, and remembers what was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[Question] = []

    async def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        return self.answer


async def write(workspace: Path, policy: Any, **more: Any) -> Operation:
    async with Runtime.open(workspace, sandbox=open_sandbox, policy=policy, **more) as rt:
        operation = await rt.act("write", path="new", content="x")
        assert rt.show(operation.id) == operation, "what was decided is in the journal"
        return operation


@pytest.mark.parametrize("policy", (ASKS, HOLDS), ids=("ask", "hold"))
def test_with_nobody_there_it_is_denied_and_the_rule_named(workspace: Path, policy: Any) -> None:
    operation = asyncio.run(write(workspace, policy))
    assert operation.status == "denied" and operation.decision is not None and operation.observation is not None
    assert operation.decision.verdict == policy["decide"][0]["verdict"]
    assert "asks for a person, and none is here" in (operation.observation.error or "")


@pytest.mark.parametrize("policy", (ASKS, HOLDS), ids=("ask", "hold"))
def test_a_yes_lets_it_run(workspace: Path, policy: Any) -> None:
    person = Person(Answer(allow=True))
    operation = asyncio.run(write(workspace, policy, ask=person))
    assert operation.status == "settled" and operation.decision is not None
    assert operation.decision.answer == "allowed by a person"
    (question,) = person.asked
    assert question.action.to_dict()["path"] == "new" and "new" in question.shown
    assert question.decision.rule == operation.decision.rule


def test_a_no_denies_it_and_the_agent_is_told_why(workspace: Path) -> None:
    operation = asyncio.run(write(workspace, ASKS, ask=Person(Answer(allow=False, because="not that file"))))
    assert operation.status == "denied" and operation.observation is not None
    assert "a person said no: not that file" in (operation.observation.error or "")


def test_nobody_is_asked_about_what_is_denied_or_allowed(workspace: Path) -> None:
    person = Person(Answer(allow=True))
    assert asyncio.run(write(workspace, DENIES, ask=person)).status == "denied"
    assert asyncio.run(write(workspace, "default", ask=person)).status == "settled"
    assert person.asked == []


def test_while_a_person_thinks_the_session_is_free(workspace: Path) -> None:
    async def work() -> None:
        asked, go = asyncio.Event(), asyncio.Event()

        async def person(question: Question) -> Answer:
            asked.set()
            await go.wait()
            return Answer(allow=True)

        async with Runtime.open(workspace, sandbox=open_sandbox, policy=ASKS, ask=person) as rt:
            waiting = asyncio.create_task(rt.act("write", path="late", content="x"))
            await asked.wait()
            first = await rt.act("bash", command="echo > early")
            await rt.undo()
            go.set()
            late = await waiting
        assert (first.id, late.id, late.status) == (1, 3, "settled")
        assert [effect.path for effect in late.files] == ["late"]

    asyncio.run(work())


def test_a_yes_is_to_what_was_asked_and_to_nothing_that_came_since(workspace: Path) -> None:
    async def work() -> None:
        async def person(question: Question) -> Answer:
            rt.rules.given = rt.rules.given.narrowed({"decide": HOLDS["decide"]}, origin="meanwhile")
            rt.rules.read_again = lambda: None
            rt.rules._narrowed = ((), rt.rules.given)
            return Answer(allow=True)

        async with Runtime.open(workspace, sandbox=open_sandbox, policy=ASKS, ask=person) as rt:
            operation = await rt.act("write", path="new", content="x")
        assert operation.status == "denied" and operation.decision is not None
        assert operation.decision.verdict == "hold" and operation.decision.answer == ""

    asyncio.run(work())


def opinion(verdict: Any) -> Any:
    async def say(action: Action, decision: Decision, context: Context) -> Decision:
        return Decision(verdict=verdict, rule="opinion", because="it looks odd")

    return say


@pytest.mark.parametrize(
    ("policy", "said", "came_to"),
    [
        ("default", "deny", "deny"),
        ("default", "ask", "ask"),
        ("default", "allow", "allow"),
        (ASKS, "allow", "ask"),
        (HOLDS, "ask", "hold"),
        (DENIES, "allow", "deny"),
    ],
)
def test_an_opinion_only_escalates(workspace: Path, policy: Any, said: str, came_to: str) -> None:
    operation = asyncio.run(write(workspace, policy, opinion=opinion(said)))
    assert operation.decision is not None and operation.decision.verdict == came_to
    assert (operation.status == "settled") == (came_to == "allow")


def test_an_opinion_that_fails_means_that_a_person_should_look(workspace: Path) -> None:
    async def broken(action: Action, decision: Decision, context: Context) -> Decision:
        raise TimeoutError("no answer in 10 s")

    operation = asyncio.run(write(workspace, "default", opinion=broken))
    assert operation.status == "denied" and operation.decision is not None
    assert operation.decision.because == "the second opinion could not be had: no answer in 10 s"
    allowed = asyncio.run(write(workspace, "default", opinion=broken, ask=Person(Answer(allow=True))))
    assert allowed.status == "settled"
