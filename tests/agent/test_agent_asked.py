"""Several things asked for in one session, and words of people while an agent works."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_ground import Scripted, acts, bash

from agentrt import Runtime
from agentrt.agent.conclusion import RunLimits
from agentrt.agent.events import Event, PlannerAsked
from agentrt.agent.loop import Heard, silence
from agentrt.planners.transcript import transcript
from agentrt.records import Turn
from agentrt.session import Result, Session
from agentrt.task import Task

pytestmark = pytest.mark.anyio


async def work(runtime: Runtime, planner: Scripted, objective: str, heard: Heard = silence, **more: object) -> Result:
    task = Task(objective=objective, planner={"provider": "scripted"}, **more)
    return await Session(runtime, task, {"agent": planner}, None, lambda event: None, heard).run()


SUBMIT = acts(("submit", {"text": "done"}))


async def test_the_next_task_goes_on_in_the_same_conversation(workspace: Path) -> None:
    planner = Scripted(bash("echo 1 > one"), SUBMIT, bash("echo 2 > two"), SUBMIT)
    async with Runtime.open(workspace) as runtime:
        first = await work(runtime, planner, "make one")
        second = await work(runtime, planner, "make two")

    assert (first.code, first.turns, second.code, second.turns) == ("submit", 2, "submit", 2)
    seen = transcript(planner.heard[2])
    assert seen.task["text"] == "make one"
    assert seen.steps[-1].notes == ("The user says:\nmake two",)


async def test_limits_count_anew_for_each_task(workspace: Path) -> None:
    planner = Scripted(bash("true"), SUBMIT, bash("true"), SUBMIT)
    async with Runtime.open(workspace) as runtime:
        await work(runtime, planner, "one", limits=RunLimits(turns=2))
        again = await work(runtime, planner, "two", limits=RunLimits(turns=2))
    assert again.code == "submit"


@pytest.mark.parametrize("undone", [False, True])
async def test_what_a_limit_left_undone_is_told_as_that_to_who_hears_the_next_task(
    workspace: Path, undone: bool
) -> None:
    three = acts(*(("bash", {"command": f"echo {n} > {n}"}) for n in range(3)))
    planner = Scripted(three, SUBMIT)
    async with Runtime.open(workspace) as runtime:
        await work(runtime, planner, "make them", limits=RunLimits(actions=1))
        if undone:
            await runtime.undo(scope="files")
        await work(runtime, planner, "and now that")
        done = [op.action["command"] for op in runtime.log() if op.kind == "act" and op.action]

    assert done == ["echo 0 > 0"]
    left = [outcome.text for outcome in transcript(planner.heard[1]).steps[1].outcomes[1:]]
    why = "a person changed meanwhile where the session stands" if undone else "the run was over before it came to that"
    assert left == [f"Not carried out: {why}. Propose it again if it still holds."] * 2


async def test_what_was_done_before_the_first_task_is_no_part_of_it(workspace: Path) -> None:
    planner = Scripted(SUBMIT)
    async with Runtime.open(workspace) as runtime:
        await runtime.act("bash", actor="user", command="echo 1 > one")
        await runtime.undo()
        assert [message.role for message in runtime.conversation()] == ["notice"]
        await work(runtime, planner, "make one")
        assert [message.role for message in runtime.conversation()][:2] == ["task", "planner"]
        await runtime.restore(1)  # to before the task was said
        assert runtime.conversation()[0].role == "notice"


async def test_an_agent_hears_what_is_said_before_its_next_turn(workspace: Path) -> None:
    waiting: list[str] = []
    planner = Scripted(bash("echo 1 > one"), bash("echo 2 > two"), SUBMIT)

    def heard() -> list[str]:
        told, waiting[:] = list(waiting), []
        return told

    def watch(event: Event) -> None:
        if isinstance(event, PlannerAsked) and len(planner.heard) == 0:
            waiting.append("and mind\nthe gap")

    async with Runtime.open(workspace) as runtime:
        task = Task(objective="make files", planner={"provider": "scripted"})
        result = await Session(runtime, task, {"agent": planner}, None, watch, heard).run()
        two = runtime.show(2)

    assert result.code == "submit"
    assert two.files[0].path == "two"  # what was proposed before is carried out all the same
    assert [step.notes for step in transcript(planner.heard[1]).steps][-1] == ("The user says:\nand mind\nthe gap",)
    assert all("gap" not in str(message.body) for message in planner.heard[0])


async def test_a_task_after_one_that_was_cut_off(workspace: Path) -> None:
    async def never() -> Turn:
        raise KeyError("the planner breaks")

    planner = Scripted(acts(("bash", {"command": "echo 1 > one"}), ("bash", {"command": "exit 3"})), never)
    async with Runtime.open(workspace) as runtime:
        with pytest.raises(KeyError):
            await work(runtime, planner, "make one")
        planner.answers = [SUBMIT]
        assert (await work(runtime, planner, "never mind, hand in")).code == "submit"
