"""The whole app as people see it, in terminals of several sizes."""

from __future__ import annotations

import json
from pathlib import Path

from app_ground import SUBMIT, Driven, bash, drive, script
from screens import assert_approved
from textual.widgets._toast import Toast

CHANGING = {r"\d\d:\d\d:\d\d": "12:34:56", r"after \d\.\d s": "after 0.0 s"}
TURNS = (
    bash("sed -i 's/two/TWO/' a.txt; printf 'import os\\n\\nprint(os.name)\\n' > new.py", "I change **two** files."),
    bash("rm b.txt"),
    SUBMIT,
)


async def drawn(d: Driven) -> None:
    """Nothing comes any more."""
    await d.until(lambda: "2 to review" in d.screen and "3 files to apply" in d.screen)
    if d.app.current.what == "operation":
        await d.until(lambda: "undo" in d.screen or "stands" in d.screen or d.app.size.height < 30)
        await d.until(lambda: "…" not in d.app.query_one("#diff").render_line(1).text)


def test_an_operation_at_80_by_24_and_as_the_terminal_is_resized(workspace: Path, config: Path) -> None:
    script(config, *TURNS)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.idle(2)
        await drawn(d)
        assert_approved(d.app, "app_live_80", CHANGING)
        await d.read_diff(1)
        await drawn(d)
        assert_approved(d.app, "app_operation_80", CHANGING)
        for width, height in ((140, 45), (60, 24), (80, 24)):
            await d.pilot.resize_terminal(width, height)
            await d.pilot.pause()
            await drawn(d)
            assert_approved(d.app, f"app_operation_{width}", CHANGING)
            assert d.focus == "diff"

    drive(workspace, work)


def test_what_is_asked_is_seen(workspace: Path, config: Path, tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text(json.dumps({"turns": [bash("make install", "Now I install it."), SUBMIT]}))
    given = {"objective": "x", "workspace": "work", "planner": {"script": "script.yaml"}}
    policy = {"decide": [{"verdict": "ask", "actions": ["bash"], "because": "look first"}]}
    (tmp_path / "task.yaml").write_text(json.dumps({**given, "policy": policy}))

    async def work(d: Driven) -> None:
        await d.type("install it")
        await d.until(lambda: bool(d.app.state.questions))
        await d.press("escape", "n")
        await d.sees(" you", "   install it", "look first", "1 to review")
        assert_approved(d.app, "app_question_80", CHANGING)
        await d.act("reject")
        await d.sees("why?")
        assert_approved(d.app, "app_reason_80", CHANGING)

    drive(workspace, work, task=tmp_path / "task.yaml")


def test_a_choice_stands_above_the_prompt(workspace: Path, config: Path) -> None:
    script(config, *TURNS)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.idle(2)
        await d.press("escape")
        await d.act("undo")
        await d.until(lambda: d.choice.shown)
        await drawn(d)
        assert_approved(d.app, "app_choice_60", CHANGING)
        d.app.say("something else\n" * 5, "error")
        await d.until(lambda: any(toast.region.height for toast in d.app.screen.query(Toast)))
        (toast,) = d.app.screen.query(Toast)
        for asked in ("#choice", "#prompt", "#status"):
            assert not toast.region.overlaps(d.app.query_one(asked).region)

    drive(workspace, work, size=(60, 24))
