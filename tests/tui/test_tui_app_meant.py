"""What a person says yes to is what is done, whatever happened since it was asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from app_ground import SUBMIT, Driven, bash, drive, presses, script

from agentrt.tui.prompt import Prompt


async def runs(d: Driven, what: str) -> None:
    """The action that is running."""
    await d.until(lambda: (running := d.app.state.running) is not None and what in running.shown)


async def go_to(d: Driven, session: str) -> None:
    """By the list of sessions, whatever is asked meanwhile."""
    await d.pilot.click("#timeline")
    await d.act("sessions")
    await d.sees("Sessions of this workspace")
    await d.press("up" if session == "s1" else "down", "enter")
    await d.until(lambda: d.app.book.session == session)


@presses("sessions", "new_session")
@pytest.mark.parametrize("what", ["apply", "reject"])
def test_a_question_is_about_the_session_it_was_asked_in(workspace: Path, what: str) -> None:
    async def work(d: Driven) -> None:
        await d.type("!echo 1 > one.txt")
        await d.idle(1)
        await d.press("escape")
        await d.act("new_session")
        await d.until(lambda: d.app.book.session == "s2")
        await d.type("!echo 2 > two.txt")
        await d.idle(1)
        await d.select(1)
        await d.act(what)
        await d.until(lambda: d.choice.shown or "operation 1 is rejected" in d.screen)
        await go_to(d, "s1")
        await d.pilot.click("#choice" if what == "apply" else "#prompt")
        await d.press("w" if what == "apply" else "enter")
        await d.said("applied" if what == "apply" else "operation 1 rejected")
        assert d.kinds == ["act"] and not (workspace / "one.txt").exists()
        await go_to(d, "s2")
        assert d.kinds == ["act", what] and (workspace / "two.txt").exists() == (what == "apply")

    drive(workspace, work)


@presses("undo")
def test_undo_is_of_the_step_that_was_named(workspace: Path, config: Path) -> None:
    script(config, bash("echo 1 > one.txt"), bash("echo 2 > two.txt; sleep 3"), bash("sleep 1000", "on"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await runs(d, "sleep 3")
        await d.press("escape")
        await d.act("undo")
        await d.sees("Undo operation 1")
        await runs(d, "sleep 1000")
        await d.press("b")
        await d.said("about operation 2 by now, not about 1")
        assert "undo" not in d.kinds and d.app.state.phase == "acting"
        await d.act("undo")
        await d.sees("Undo operation 2")
        await d.press("b")
        await d.said("undone: operation 2")
        assert d.kinds[-1] == "undo" and d.log[-1].target == (2,)

    drive(workspace, work)


@presses("undo")
def test_undo_is_of_no_command_that_was_still_running(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await d.type("!echo 1 > one.txt")
        await d.idle(1)
        await d.type("!echo 2 > two.txt; sleep 3")
        await d.until(lambda: d.app.state.phase == "acting")
        await d.press("escape")
        await d.act("undo")
        await d.sees("Undo operation 1", "this stops what goes on")
        await d.press("y")
        await d.said("about operation 2 by now, not about 1")
        assert d.kinds == ["act", "act"]

    drive(workspace, work)


@presses("apply", "interrupt")
def test_apply_writes_what_was_shown_or_nothing(workspace: Path, config: Path) -> None:
    script(config, bash("echo 1 > one.txt"), bash("sleep 1"), bash("sleep 3; echo 2 > two.txt"), bash("sleep 1000"))

    async def work(d: Driven) -> None:
        await d.type("do it")
        await runs(d, "sleep 1")
        await d.press("escape")
        await d.act("apply")
        await d.sees("Write to your real workspace (1 path)", "one.txt")
        await runs(d, "sleep 1000")
        await d.press("w")
        await d.act("interrupt")
        await d.said("files were changed since that was looked at")
        assert not (workspace / "one.txt").exists() and "apply" not in d.kinds
        await d.act("apply")
        await d.sees("Write to your real workspace (2 paths)", "two.txt")
        await d.press("w")
        await d.said("applied")
        assert (workspace / "one.txt").exists() and (workspace / "two.txt").exists()

    drive(workspace, work)


@presses("open")
def test_an_answer_that_comes_too_late_is_not_lost(workspace: Path, config: Path) -> None:
    script(config, {"actions": [{"ask": {"question": "which one?"}}]}, bash("sleep 1000"))

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.until(lambda: d.app.state.phase == "asking" and bool(d.inbox.rows))
        d.inbox.focus()
        await d.act("open")
        await d.sees("your answer to the agent: enter sends")
        d.app.query_one(Prompt).insert("a long answer")
        async with d.client() as other:
            await other.ask("reply", question=d.app.state.questions[0].id, text="the first")
        await runs(d, "sleep 1000")
        await d.press("enter")
        await d.said("does not wait for an answer")
        d.app.query_one(Prompt).focus()
        await d.press("up")
        assert d.app.query_one(Prompt).text == "a long answer"

    drive(workspace, work)
