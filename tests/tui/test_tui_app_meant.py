"""What a person says yes to is what is done, whatever happened since it was asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from app_ground import Driven, drive, presses


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
