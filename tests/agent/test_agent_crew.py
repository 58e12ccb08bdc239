"""Several agents on one workspace: whose turn it is, what each hears, what each may do, and whose work is whose."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from agent_ground import Scripted, acts, said
from hypothesis import given
from hypothesis import strategies as st

from agentrt import Runtime
from agentrt.agent.conclusion import Budget, Ending, RunLimits
from agentrt.agent.conversation import line_of, observation, talk, task
from agentrt.agent.crew import Crew, Member, Schedule
from agentrt.agent.events import ActionStarted, Event
from agentrt.agent.loop import run_loop
from agentrt.agent.parser import Parser
from agentrt.errors import DocumentError
from agentrt.records import Message, Turn
from agentrt.testing.memory_sandbox import open_sandbox

NAMES = ("dev", "test", "review")
REST = Turn(text="nothing to do")


def say(to: str, text: str, *, hand_over: bool = False) -> tuple[str, dict[str, Any]]:
    return "talk", {"to": to, "text": text, "hand_over": hand_over}


def run(
    workspace: Path, planners: dict[str, Scripted], schedule: Schedule = "round_robin", **priorities: int
) -> tuple[Ending, list[Event], list[Message], list[tuple[str, str]]]:
    async def whole() -> tuple[Ending, list[Event], list[Message], list[tuple[str, str]]]:
        events: list[Event] = []
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            runtime.say("task", task("x", agents={name: {"role": "", "instructions": ""} for name in planners}))
            members = [
                Member(
                    name,
                    planner,
                    Parser(runtime.tools, others=[n for n in planners if n != name]),
                    priorities.get(name, 0),
                )
                for name, planner in planners.items()
            ]
            ending = await run_loop(runtime, Crew(members, schedule), Budget(RunLimits()), on_event=events.append)
            return ending, events, runtime.conversation(), [(op.actor, op.status) for op in runtime.log()]

    return asyncio.run(whole())


def bash(command: str) -> tuple[str, dict[str, Any]]:
    return "bash", {"command": command}


def test_round_robin_takes_turns_and_leaves_out_who_rests(workspace: Path) -> None:
    planners = {
        "dev": Scripted(acts(bash("echo 1 >> log")), acts(bash("echo 3 >> log")), acts(bash("cat log")), REST),
        "test": Scripted(acts(bash("echo 2 >> log")), REST),
    }
    ending, _, messages, log = run(workspace, planners)
    assert ending == Ending(code="nothing", reason="the planner proposed no further action")
    assert [actor for actor, _ in log] == ["dev", "test", "dev", "dev"]
    assert said(messages, "observation")[-1] == "exit code 0\n1\n2\n3"


def test_talk_wakes_who_is_spoken_to(workspace: Path) -> None:
    planners = {
        "dev": Scripted(REST, acts(say("test", "thanks")), REST),
        "test": Scripted(acts(say("dev", "look at a.txt")), REST, REST),
        "review": Scripted(REST),
    }
    ending, _, messages, _ = run(workspace, planners)
    assert ending.code == "nothing"
    heard = [message.body["text"] for message in planners["dev"].heard[1] if message.role == "talk"]
    assert heard == ["look at a.txt"]
    assert not any(message.role == "talk" for message in planners["review"].heard[0])
    assert said(messages, "observation") == ["said", "said"]


def test_the_token_stays_until_it_is_handed_over_or_its_holder_rests(workspace: Path) -> None:
    planners = {
        "dev": Scripted(acts(bash("true")), acts(bash("true"), say("review", "yours", hand_over=True)), REST),
        "test": Scripted(acts(("submit", {"text": "fine"}))),
        "review": Scripted(acts(bash("true")), acts(say("all", "done"))),
    }
    planners["review"].answers.append(REST)
    ending, events, _, log = run(workspace, planners, "token_based")
    assert ending == Ending(code="submit", reason="fine")
    assert [actor for actor, _ in log] == ["dev", "dev", "review"]
    assert [event.actor for event in events if isinstance(event, ActionStarted)] == ["dev", "dev", "review"]


def test_priority_goes_first_while_it_has_something_to_do(workspace: Path) -> None:
    planners = {
        "dev": Scripted(acts(bash("echo dev >> log")), acts(say("test", "again")), REST),
        "test": Scripted(acts(bash("echo test >> log")), REST, REST),
    }
    _, _, _, log = run(workspace, planners, "priority", test=5)
    assert [actor for actor, _ in log] == ["test", "dev"]


def test_each_hears_its_own_line_and_what_others_changed(workspace: Path) -> None:
    planners = {
        "dev": Scripted(acts(bash("echo more >> a.txt; echo loud")), REST),
        "test": Scripted(acts(bash("ls nowhere")), REST),
    }
    run(workspace, planners)
    first = planners["test"].heard[0]
    assert [message.role for message in first] == ["task", "notice"]
    assert first[0].body["you"] == "test"
    assert first[1].body["text"] == "Meanwhile dev did this (operation 1): modified a.txt"
    # A command that changed nothing is nobody else's matter.
    assert "nowhere" not in str([message.body for message in planners["dev"].heard[1]])


def test_calls_of_two_agents_may_be_named_alike(workspace: Path) -> None:
    planners = {
        "dev": Scripted(acts(bash("echo dev")), REST),
        "test": Scripted(acts(bash("echo test")), REST),
    }
    _, _, messages, _ = run(workspace, planners)
    assert said(messages, "observation") == ["exit code 0\ndev", "exit code 0\ntest"]
    assert [message.body["text"] for message in planners["dev"].heard[1] if message.role == "observation"] == [
        "exit code 0\ndev"
    ]


def test_whom_one_talks_to_must_be_there(workspace: Path) -> None:
    planners = {"dev": Scripted(acts(say("tset", "hello")), REST), "test": Scripted(REST)}
    _, _, messages, _ = run(workspace, planners)
    assert said(messages, "observation") == [
        'Not carried out: nobody here is called "tset". Did you mean `test`? There is: test.'
    ]


def test_an_agents_own_policy_only_holds_for_it_and_is_only_stricter(workspace: Path) -> None:
    async def whole() -> list[str]:
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            runtime.tighten("review", {"files": {"read_only": ["**"]}})
            with pytest.raises(DocumentError, match="may only make things stricter"):
                runtime.tighten("dev", {"network": [{"verdict": "allow", "hosts": ["example.org"]}]})
            change = {"command": "echo x >> a.txt"}
            done = [await runtime.act("bash", actor=name, **change) for name in ("dev", "review", "dev")]
            branch = await runtime.fork(3)
            async with branch:
                done.append(await branch.act("bash", actor="review", **change))
            return [operation.status for operation in done]

    assert asyncio.run(whole()) == ["settled", "rolled_back", "settled", "rolled_back"]


def test_what_an_agent_narrows_and_its_own_policy_hold_together(workspace: Path) -> None:
    async def whole() -> list[str]:
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            runtime.tighten("review", {"decide": [{"verdict": "deny", "actions": ["write"]}]})
            await runtime.act("narrow", actor="dev", rules={"decide": [{"verdict": "deny", "actions": ["git"]}]})
            statuses = []
            for actor in ("dev", "review"):
                for kind, given in (("git", {"args": ["--version"]}), ("write", {"path": "b", "content": ""})):
                    statuses.append((await runtime.act(kind, actor=actor, **given)).status)
            return statuses

    assert asyncio.run(whole()) == ["denied", "settled", "denied", "denied"]


# ------------------------------------------------------------------------------------------------ the schedulers


def message(id: int, role: str, body: dict[str, Any]) -> Message:
    return Message(id=id, role=role, body=body)


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    said = [message(1, "task", task("x"))]
    for id in range(2, draw(st.integers(2, 25))):
        actor = draw(st.sampled_from(NAMES))
        kind = draw(st.sampled_from(["rest", "act", "talk", "notice"]))
        if kind == "talk":
            to = draw(st.sampled_from(["all", *(name for name in NAMES if name != actor)]))
            said.append(message(id, "talk", talk("t", actor=actor, to=to, hand_over=draw(st.booleans()))))
        elif kind == "notice":
            said.append(message(id, "notice", {"text": "n"}))
        else:
            turn = acts(bash("true")) if kind == "act" else REST
            said.append(message(id, "planner", turn.model_copy(update={"actor": actor}).to_dict()))
            if kind == "act":
                said.append(message(id, "observation", observation("1", "done", actor=actor)))
    return said


def crew(schedule: Schedule, names: tuple[str, ...] = NAMES) -> Crew:
    return Crew([Member(name, Scripted(), Parser({}), at) for at, name in enumerate(names)], schedule)


def resting(conversation: list[Message], name: str) -> bool:
    """Told anew, from the end: it rested, or handed over, and nobody has said anything to it since."""
    for entry in reversed(conversation):
        body = entry.body
        if entry.role == "notice":
            return False
        if entry.role == "talk" and body["actor"] != name and body["to"] in (name, "all"):
            return False
        if entry.role == "talk" and body["actor"] == name and body.get("hand_over"):
            return True
        if entry.role == "planner" and body["actor"] == name:
            return not body["actions"]
    return False


@given(conversations(), st.sampled_from(["round_robin", "token_based", "priority"]))
def test_laws_of_every_schedule(conversation: list[Message], schedule: Schedule) -> None:
    chosen = crew(schedule).next(conversation)
    awake = [name for name in NAMES if not resting(conversation, name)]
    assert (chosen is None) == (awake == [])
    if chosen is None:
        return
    assert chosen.name in awake
    turns = [entry.body["actor"] for entry in conversation if entry.role == "planner"]
    if schedule == "priority":
        assert chosen.name == awake[-1]
    if schedule == "round_robin" and turns:
        order = [*NAMES[NAMES.index(turns[-1]) + 1 :], *NAMES[: NAMES.index(turns[-1]) + 1]]
        assert chosen.name == next(name for name in order if name in awake)


@given(conversations())
def test_a_line_has_nothing_of_what_is_not_for_its_agent(conversation: list[Message]) -> None:
    for name in NAMES:
        line = line_of(conversation, name)
        assert [entry.id for entry in line] == sorted(entry.id for entry in line)
        for entry in line:
            if entry.role in ("planner", "observation"):
                assert entry.body["actor"] == name
            if entry.role == "talk":
                assert entry.body["to"] in (name, "all") and entry.body["actor"] != name


@given(conversations())
def test_one_that_works_alone_goes_on_until_it_rests(conversation: list[Message]) -> None:
    alone: list[Message] = []
    for entry in conversation:
        # Nobody asks one that rests.
        if entry.role == "notice" or (entry.body.get("actor") == "dev" and not resting(alone, "dev")):
            alone += [entry] if entry.role != "talk" else []
    chosen = crew("round_robin", ("dev",)).next(alone)
    assert (chosen is None) == resting(alone, "dev")
