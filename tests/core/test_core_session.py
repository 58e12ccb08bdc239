"""A task from its file to its verdict, in the real sandbox."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agentrt import Runtime
from agentrt.agent.events import ActionStarted, Event, OperationSettled
from agentrt.errors import Conflict, DocumentError, UsageError
from agentrt.session import Result, open_planners, resume_task, run_task
from agentrt.task import load_task

REPAIR = """\
turns:
  - actions: [{bash: {command: cat calc.txt}}]
  - when: broken
    actions: [{edit: {path: calc.txt, old: broken, new: fixed}}]
  - actions: [{submit: {text: repaired}}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "calc.txt").write_text("broken\n")
    return tmp_path


def write(folder: Path, *, script: str = REPAIR, more: str = "") -> Path:
    (folder / "script.yaml").write_text(script)
    task = folder / "task.yaml"
    task.write_text(f"objective: repair it\nworkspace: project\nplanner: {{script: script.yaml}}\n{more}")
    return task


def run(task: Path, events: list[Event] | None = None) -> Result:
    seen = [] if events is None else events
    return asyncio.run(run_task(load_task(task), on_event=seen.append))


def test_a_task_that_succeeds_leaves_the_workspace_alone(folder: Path) -> None:
    events: list[Event] = []
    result = run(write(folder, more="verify: grep -q fixed calc.txt\n"), events)
    assert (result.success, result.code, result.reason, result.turns) == (True, "submit", "repaired", 3)
    assert result.operations == (1, 2, 3)
    assert result.verify is not None and result.verify.id == 3
    assert (result.verify.kind, result.verify.actor, result.verify.status) == ("act", "agentrt", "settled")
    assert result.apply is None
    assert (folder / "project" / "calc.txt").read_text() == "broken\n"
    actors = [event.actor for event in events if isinstance(event, ActionStarted)]
    assert actors == ["agent", "agent", "agentrt"]

    async def later() -> tuple[str, list[str], str]:
        async with Runtime.open(folder / "project") as runtime:
            roles = [message.role for message in runtime.conversation()]
            assert (await runtime.undo()).target == (2,)
            again = await runtime.act("bash", command="cat calc.txt")
            assert again.observation is not None
            return runtime.info.title, roles, again.observation.output

    title, roles, output = asyncio.run(later())
    assert title == "repair it"
    assert (roles[0], roles[-2:]) == ("task", ["notice", "ended"])
    assert output == "broken\n"


def test_what_verify_writes_is_told_and_never_kept(folder: Path) -> None:
    verify = "verify: mkdir .cache; echo x > .cache/x; echo junk >> calc.txt; grep fixed calc.txt\n"
    result = run(write(folder, more=f"{verify}apply: on_success\n"))
    assert result.success and result.verify is not None and result.apply is not None
    assert (result.verify.effects, result.verify.is_verification) == ((), True)
    assert result.verify.observation is not None and result.verify.observation.output == "fixed\n"
    assert [effect.path for effect in result.apply.effects] == ["calc.txt"]
    assert [path.name for path in (folder / "project").iterdir()] == ["calc.txt"]
    assert (folder / "project" / "calc.txt").read_text() == "fixed\n"


def test_after_a_run_undo_takes_back_the_agents_last_action(folder: Path) -> None:
    run(write(folder, more="verify: rm calc.txt; exit 1\n"))

    async def later() -> None:
        async with Runtime.open(folder / "project") as runtime:
            assert [effect.path for effect in await runtime.pending()] == ["calc.txt"]
            undo = await runtime.undo()
            assert (undo.target, [effect.change for effect in undo.effects]) == ((2,), ["modified"])
            assert await runtime.pending() == []
            assert (await runtime.redo()).target == (2,)
            # The whole of it, with what was said of the verification.
            await runtime.restore(3)
            said = [message.body["text"] for message in runtime.conversation()]
            assert said[-2] == "The task is not done yet. Verification, `rm calc.txt; exit 1`:\nexit code 1"

    asyncio.run(later())


def test_each_run_is_a_session_of_its_own(folder: Path) -> None:
    task = write(folder)
    assert [run(task).session, run(task).session] == ["s1", "s2"]


def test_verify_decides_against_it(folder: Path) -> None:
    result = run(write(folder, more="verify: exit 7\napply: on_success\n"))
    assert (result.success, result.code) == (False, "verify")
    assert result.reason == "`exit 7` ended with exit code 7 (operation 3)"
    assert result.apply is None
    assert (folder / "project" / "calc.txt").read_text() == "broken\n"


def test_verify_decides_for_a_run_that_reached_a_limit(folder: Path) -> None:
    result = run(write(folder, more="limits: {turns: 2}\nverify: grep -q fixed calc.txt\n"))
    assert (result.success, result.code) == (True, "turns")


def test_without_verify_a_limit_is_no_success(folder: Path) -> None:
    result = run(write(folder, more="limits: {turns: 2}\napply: on_success\n"))
    assert (result.success, result.code, result.reason) == (False, "turns", "the limit of 2 turns is reached")
    assert result.apply is None


def test_verify_has_what_is_left_of_the_time(folder: Path) -> None:
    result = run(write(folder, more="verify: sleep 60\nlimits: {minutes: 0.05}\n"))
    assert (result.success, result.code) == (False, "verify")
    assert "stopped after" in result.reason


def test_a_verification_that_is_rolled_back_or_denied_is_no_success(folder: Path) -> None:
    policy = "policy: {limits: {files_deleted: 0}}\n"
    result = run(write(folder, more=f"verify: rm calc.txt\n{policy}"))
    assert (result.success, result.reason) == (False, "`rm calc.txt` was rolled back (operation 3)")
    script = "turns: [{actions: [{submit: {}}]}]\n"
    policy = "policy: {decide: [{verdict: deny, actions: [bash]}]}\n"
    result = run(write(folder, script=script, more=f"verify: 'true'\n{policy}"))
    assert (result.success, result.reason) == (False, "`true` was denied (operation 1)")


def test_a_planner_that_fails_is_not_verified(folder: Path) -> None:
    script = "turns: [{actions: [{bash: {command: echo hi}}]}, {expect: bye, actions: [{submit: {}}]}]\n"
    result = run(write(folder, script=script, more="verify: 'true'\n"))
    assert (result.success, result.code, result.verify) == (False, "planner", None)
    assert result.reason.startswith(f'{folder / "script.yaml"}:1:59: expected a match of "bye", but came:\n')
    assert result.reason.endswith("hi")


def test_success_is_applied_where_the_task_says_so(folder: Path) -> None:
    events: list[Event] = []
    result = run(write(folder, more="verify: grep -q fixed calc.txt\napply: on_success\n"), events)
    assert result.apply is not None
    assert (result.apply.kind, result.apply.actor) == ("apply", "agentrt")
    assert result.operations == (1, 2, 3, result.apply.id)
    assert (folder / "project" / "calc.txt").read_text() == "fixed\n"
    last = events[-1]
    assert isinstance(last, OperationSettled) and last.operation == result.apply


def test_nothing_is_applied_without_asking(folder: Path) -> None:
    result = run(write(folder, more="apply: ask\n"))
    assert (result.success, result.apply) == (True, None)
    assert (folder / "project" / "calc.txt").read_text() == "broken\n"


def test_success_without_a_change_has_nothing_to_apply(folder: Path) -> None:
    result = run(write(folder, script="turns: [{actions: [{submit: {}}]}]\n", more="apply: on_success\n"))
    assert (result.success, result.apply, result.reason) == (True, None, "handed in")


def test_a_policy_file_lies_beside_the_task(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "careful.yaml").write_text("decide: [{verdict: deny, actions: [edit]}]\n")
    monkeypatch.chdir("/")
    result = run(write(folder, more="policy: careful.yaml\nverify: grep -q broken calc.txt\n"))
    assert result.success


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ("policy: gone.yaml\n", DocumentError, "gone.yaml:1:1: no such file"),
        ("policy:\n  limits: {secnds: 5}\n", DocumentError, "task.yaml:5:12: unknown key `secnds`"),
        ("policy: nosuchpack\n", DocumentError, 'task.yaml:4:9: no policy pack is called "nosuchpack"'),
        ("sandbox: loacl\n", DocumentError, 'task.yaml:4:10: no sandbox is called "loacl"'),
    ],
)
def test_mistakes_come_before_anything_is_made(folder: Path, more: str, error: type[UsageError], said: str) -> None:
    with pytest.raises(error) as caught:
        run(write(folder, more=more))
    assert said in str(caught.value)
    assert not (folder / "state").exists()


def test_an_unknown_planner_and_a_missing_workspace(folder: Path) -> None:
    task = write(folder)
    task.write_text("objective: x\nplanner: {provider: scrpt}\n")
    with pytest.raises(DocumentError, match=r'task\.yaml:2:21: no planner is called "scrpt"') as caught:
        run(task)
    assert caught.value.hint == "did you mean `script`?"
    task.write_text("objective: x\nplanner: {script: script.yaml}\nworkspace: gone\n")
    with pytest.raises(DocumentError, match=r"task\.yaml:3:12: there is no folder"):
        run(task)


def test_what_the_user_changed_meanwhile_is_a_conflict(folder: Path) -> None:
    def interfere(event: Event) -> None:
        if isinstance(event, OperationSettled) and event.operation.id == 2:
            (folder / "project" / "calc.txt").write_text("mine\n")

    task = load_task(write(folder, more="apply: on_success\n"))
    with pytest.raises(Conflict):
        asyncio.run(run_task(task, on_event=interfere))
    assert (folder / "project" / "calc.txt").read_text() == "mine\n"


def cut_off_after(actions: int, task: Path) -> None:
    """Cancel a run as the next action begins."""
    begun: list[Event] = []

    async def work() -> None:
        def watch(event: Event) -> None:
            begun.extend([event] if isinstance(event, ActionStarted) else [])
            if len(begun) > actions:
                running.cancel()

        running = asyncio.ensure_future(run_task(load_task(task), on_event=watch))
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(work())


def test_a_run_goes_on_from_python_with_the_task_it_recorded(folder: Path) -> None:
    task = write(folder, more="verify: grep -q fixed calc.txt\nlimits: {actions: 10}\n")
    cut_off_after(1, task)
    task.unlink()
    result = asyncio.run(resume_task(workspace=folder / "project"))
    assert (result.success, result.code, result.already) == (True, "submit", False)
    again = asyncio.run(resume_task(workspace=folder / "project", session=result.session))
    assert (again.success, again.already, again.operations) == (True, True, ())


def test_a_fork_that_is_resumed_has_the_tasks_deadline_for_review(folder: Path) -> None:
    run(write(folder, more="review: {deadline: 2h, then: reject}\n"))

    async def forked() -> list[str]:
        async with Runtime.open(folder / "project") as runtime, await runtime.fork(2):
            pass
        result = await resume_task(workspace=folder / "project")
        async with Runtime.open(folder / "project", session=result.session) as runtime:
            return [
                str((operation.action or {}).get("kind")) for operation in runtime.log() if operation.kind == "note"
            ]

    assert asyncio.run(forked()) == ["review_deadline"]


def test_what_a_person_did_since_is_no_reason_to_run_an_action_again(folder: Path) -> None:
    script = "turns: [{actions: [{bash: {command: echo x >> calc.txt}}, {bash: {command: echo y}}, {submit: {}}]}]\n"
    task = write(folder, script=script)

    async def work() -> str:
        # It dies when the action is through, and before that is told.
        async with Runtime.open(folder / "project") as runtime:
            session = runtime.session
            planned = load_task(task)
            body = {"text": planned.objective, "document": planned.to_dict(), "folder": str(folder)}
            runtime.say("task", body)
            runtime.say("planner", (await open_planners(planned)["agent"].plan(runtime.conversation(), ())).to_dict())
            await runtime.act("bash", command="echo x >> calc.txt")
            await runtime.accept(1)
            await runtime.act("bash", actor="user", command="true")
        await resume_task(workspace=folder / "project", session=session)
        async with Runtime.open(folder / "project") as runtime:
            with await runtime.read_at(max(runtime.operations), "calc.txt") as file:
                return file.read().decode()

    assert asyncio.run(work()) == "broken\nx\n"
