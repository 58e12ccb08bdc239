"""What is typed at the bottom: tasks, words while one runs, commands, paths, and what was typed before."""

from __future__ import annotations

import os
from pathlib import Path

from app_ground import SUBMIT, Driven, bash, drive, script
from textual import events

from agentrt.tui.detail.live import Live
from agentrt.tui.lists.rows import NOW
from agentrt.tui.prompt import Prompt


def test_a_second_task_waits_and_is_heard(workspace: Path, config: Path, tmp_path: Path) -> None:
    script(config, bash("while [ ! -e /tmp/go ]; do sleep 0.02; touch /tmp/go; done; sleep 0.5"), SUBMIT, SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("the first")
        await d.until(lambda: d.app.state.phase == "acting")
        await d.type("and mind the gap")
        await d.until(lambda: d.app.state.queued == ("and mind the gap",) or "mind the gap" in d.heard)
        await d.idle(1)
        assert "the first" in d.heard and "and mind the gap" in d.heard
        assert d.app.current == NOW and d.focus == "prompt"

    drive(workspace, work)


def test_a_command_of_ones_own_is_an_operation_and_needs_no_planner(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await d.type("!seq 3; echo 1 > one.txt")
        await d.idle(1)
        (operation,) = d.log
        assert operation.actor == "user" and operation.action is not None
        assert operation.action["command"] == "seq 3; echo 1 > one.txt"
        assert not (workspace / "one.txt").exists()
        await d.type("!")
        await d.type("do it")
        await d.said("there is nobody to plan")
        assert d.kinds == ["act"]

    drive(workspace, work)


def test_what_a_command_of_ones_own_came_to_is_shown_also_when_the_app_is_opened_anew(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await d.type("!ls; ls /nope")
        await d.idle(1)
        await d.sees("user: $ ls; ls /nope  exit code 2", "│ a.txt", "│ ls: cannot access '/nope'")

    async def anew(d: Driven) -> None:
        await d.sees("user: $ ls; ls /nope  exit code 2", "│ a.txt", "│ ls: cannot access '/nope'")

    drive(workspace, work)
    drive(workspace, anew)


def test_what_is_sent_is_in_sight_also_where_one_had_scrolled_back(workspace: Path, config: Path) -> None:
    script(config, {"text": "- a row\n" * 100, **SUBMIT}, SUBMIT)

    async def work(d: Driven) -> None:
        live = d.app.query_one(Live)
        await d.type("the first")
        await d.sees("all done")
        live.focus()
        await d.press("home")
        assert not live.follows and "all done" not in d.screen
        await d.type("and one more")
        await d.sees("   and one more")
        assert live.follows and "paused" not in d.screen

    drive(workspace, work)


def test_the_keys_that_are_shown_are_those_where_one_is(workspace: Path, config: Path) -> None:
    script(config, bash("touch begun; sleep 100"))

    async def work(d: Driven) -> None:
        await d.sees("enter sends · esc leaves · ctrl+p everything")
        await d.press("escape")
        await d.sees("? help · q quit · n next")
        await d.press("slash")
        await d.sees("ctrl+p everything")
        assert "q quit" not in d.screen and "enter sends" not in d.screen
        await d.press("escape")
        await d.type("do it")
        await d.sees("esc esc stops it")
        await d.press("escape", "escape")
        await d.until(lambda: d.app.state.ending is not None, "its end")

    drive(workspace, work)


def test_a_path_is_completed_and_history_is_gone_through(workspace: Path, config: Path) -> None:
    script(config, SUBMIT, SUBMIT)
    (workspace / "docs").mkdir()
    (workspace / "docs/guide.md").write_text("")

    async def work(d: Driven) -> None:
        prompt = d.app.query_one(Prompt)
        await d.until(lambda: "docs/guide.md" in prompt.files)
        await d.press(*"look at @do")
        await d.press("tab")
        assert prompt.text == "look at @docs/guide.md" and d.focus == "prompt"
        await d.press("enter")
        await d.idle(0)
        await d.until(lambda: "docs/guide.md" in d.heard)
        await d.type("!true")
        await d.press(*"draft")
        await d.press("up")
        assert prompt.text == "!true"
        await d.press("up")
        assert prompt.text == "look at @docs/guide.md"
        await d.press("up", "down", "down")
        assert prompt.text == "draft"
        await d.idle(1)
        prompt.clear()
        async with d.beside() as other:  # the journal has it
            await other.press("escape")
            again = other.app.query_one(Prompt)
            again.focus()
            await other.press("up")
            assert again.text == "look at @docs/guide.md"
            await other.press("up")
            assert again.text == "!true"

    drive(workspace, work)


def test_lines_and_what_is_pasted(workspace: Path, config: Path) -> None:
    script(config, SUBMIT)

    async def work(d: Driven) -> None:
        prompt = d.app.query_one(Prompt)
        await d.press(*"one", "ctrl+j", *"two")
        d.app.post_message(events.Paste("\x1b[31mre\x07d\r\nline\u202e three\x00"))
        await d.pilot.pause()
        assert prompt.text == "one\ntwo[31mred\nline three"
        await d.press("enter")
        await d.until(lambda: d.app.book.session is not None and "line three" in d.heard)
        assert "\\u001b" not in d.heard and "one\\ntwo" in d.heard

    drive(workspace, work)


def test_keys_are_letters_while_one_types(workspace: Path) -> None:
    letters = "aAxuUrvpfdosSEnwq?/jkgG[]{}"

    async def work(d: Driven) -> None:
        await d.press(*letters)
        assert d.app.query_one(Prompt).text == letters
        assert d.app.is_running and not d.choice.shown and len(d.app.screen_stack) == 1

    drive(workspace, work)
    assert os.listdir(workspace.parent / "state") == ["agentrt"]
