"""Looking about: filter, diff, files, shell, report, moving in each pane, and keys of one's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from app_ground import Driven, drive, presses

from agentrt.tui.app import AgentrtApp
from agentrt.tui.keys import ACTS
from agentrt.tui.lists.panes import Timeline
from agentrt.tui.lists.rows import NOW, Key
from agentrt.tui.pane import Pane
from agentrt.tui.prompt import Prompt


async def by_hand(driven: Driven, *commands: str) -> None:
    for number, command in enumerate(commands, start=len(driven.app.book.entries) + 1):
        await driven.type(f"!{command}")
        await driven.idle(number)
    await driven.press("escape")


@presses("filter")
def test_filter_narrows_as_one_types_and_escape_clears(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await by_hand(d, "echo apple > one.txt", "echo pear > two.txt")
        timeline = d.app.query_one(Timeline)

        def shown() -> list[int]:
            return [row.entry.id for row in timeline.rows if row.entry]

        await d.act("filter")
        await d.press(*"pear")
        await d.until(lambda: shown() == [2])
        await d.press("escape")
        await d.until(lambda: shown() == [1, 2] and d.focus == "timeline")
        await d.act("filter")
        await d.press(*"path:one.txt", "enter")
        await d.until(lambda: shown() == [1] and d.focus == "timeline")
        await d.act("filter")
        assert d.app.query_one(Prompt).text == "path:one.txt"
        await d.press("enter")
        await d.press("escape")  # nothing goes on: it shows all again
        await d.until(lambda: shown() == [1, 2])

    drive(workspace, work)


@presses("diff_mode", "next_hunk", "previous_hunk", "next_file", "previous_file")
def test_the_diff(workspace: Path) -> None:
    (workspace / "long.txt").write_text("".join(f"{n}\n" for n in range(60)))

    async def work(d: Driven) -> None:
        await by_hand(d, "sed -i -e 2d -e 58d long.txt; echo more >> a.txt")
        await d.read_diff(1)
        diff = d.app.query_one(Pane).diff
        seen = []
        for name in ("next_hunk", "next_hunk", "next_hunk", "previous_hunk", "previous_file", "next_file"):
            await d.act(name)
            seen.append(diff.under_cursor())
        assert seen[:4] == [("a.txt", 1), ("long.txt", 1), ("long.txt", 2), ("long.txt", 1)]
        assert [path for path, _ in seen[4:]][1] == "long.txt"
        before = diff.rows.options.mode
        await d.act("diff_mode")
        assert diff.rows.options.mode != before and d.focus == "diff"
        await d.act("diff_mode")
        assert diff.rows.options.mode == before

    drive(workspace, work)


@contextmanager
def suspended(app: AgentrtApp) -> Iterator[None]:
    """What a terminal would be given back for."""
    yield


@presses("open_file")
def test_a_file_opens_as_it_was(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = tmp_path / "my editor"
    editor.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/named\ncat "$2" > {tmp_path}/seen\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", f"'{editor}' --wait")
    monkeypatch.setattr(AgentrtApp, "suspend", suspended)

    async def work(d: Driven) -> None:
        await d.press("escape")
        await d.act("open_file")
        await d.said("select an operation")
        await by_hand(d, "echo 1 > one.txt", "echo 2 > one.txt")
        await d.select(1)
        await d.act("open_file")
        await d.until(lambda: (tmp_path / "seen").exists() and (tmp_path / "seen").read_text() == "1\n")
        assert (tmp_path / "named").read_text() == "--wait\n"
        monkeypatch.setenv("VISUAL", "/nowhere/editor")
        await d.act("open_file")
        await d.said("cannot be run")

    drive(workspace, work)


@presses("shell")
def test_a_shell_of_the_sandbox_as_of_here(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AgentrtApp, "suspend", suspended)
    asked: list[tuple[str, ...]] = []

    def command(workspace: Path, session: str | None, *words: str) -> list[str]:
        asked.append(words)
        said = r"printf 'agentrt: a shell\nagentrt: no sandbox: \033[1m\nhint: have one\n' >&2; exit 5"
        return ["sh", "-c", said if words[1:] else "echo agentrt: it has ended >&2"]

    monkeypatch.setattr("agentrt.tui.outside._command", command)

    async def work(d: Driven) -> None:
        await by_hand(d, "echo 1 > one.txt", "echo 2 > one.txt")
        await d.select(1)
        await d.act("shell")
        assert asked == [("shell", "1")] and d.focus == "timeline"
        await d.said(r"no sandbox: \x1b[1m")
        await d.said("hint: have one")

    drive(workspace, work)


@presses("report")
def test_a_report_is_written(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def work(d: Driven) -> None:
        await by_hand(d, "echo apple > one.txt")
        await d.act("report")
        await d.said("written: ")
        (said,) = (note for note in d.notes if note.startswith("written: "))
        assert "echo apple" in Path(said.removeprefix("written: ")).read_text()

    drive(workspace, work)


@presses("up", "down", "page_up", "page_down", "first", "last", "focus_next", "focus_previous")
def test_moving_about(workspace: Path) -> None:
    (workspace / "long.txt").write_text("".join(f"{n}\n" for n in range(200)))

    async def work(d: Driven) -> None:
        await by_hand(d, "sed -i s/1/2/ long.txt", "true", "true")
        await d.select(1)
        order = []
        for _ in range(5):
            await d.act("focus_next")
            order.append(d.focus)
        assert order == ["detail", "diff", "prompt", "inbox", "timeline"]
        await d.act("focus_previous")
        assert d.focus == "inbox"
        await d.act("focus_next")
        timeline, detail, diff = d.app.query_one(Timeline), d.app.query_one("#detail"), d.app.query_one(Pane).diff
        for name, then in (
            ("first", Key("operation", 0)),
            ("down", Key("operation", 1)),
            ("page_down", NOW),
            ("up", Key("operation", 3)),
            ("page_up", Key("operation", 0)),
            ("last", NOW),
        ):
            await d.act(name)
            assert timeline.key == then == d.app.current
        await d.read_diff(1)
        for name, far in (("last", True), ("page_up", True), ("first", False), ("down", False), ("page_down", True)):
            await d.act(name)
            assert (diff.cursor > 5) is far, name
        detail.focus()
        for name, at_top in (
            ("last", False),
            ("first", True),
            ("page_down", False),
            ("page_up", True),
            ("down", False),
        ):
            await d.act(name)
            assert (detail.scroll_offset.y == 0) is at_top, name
        await d.act("up")
        assert detail.scroll_offset.y == 0

    drive(workspace, work)


@presses("open")
def test_enter_on_each_kind_of_row(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await by_hand(d, "echo 1 > one.txt")
        timeline = d.app.query_one(Timeline)
        timeline.action_home()
        await d.act("open")
        assert d.app.current == Key("operation", 0) and d.focus == "timeline"
        await d.select(1)
        await d.act("open")
        assert d.focus == "diff"
        timeline.focus()
        timeline.action_end()
        await d.act("open")
        assert d.focus == "prompt" and d.app.current == NOW

    drive(workspace, work)


@presses("help", "palette")
def test_help_and_palette(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await by_hand(d, "echo 1 > one.txt", "echo 2 > two.txt")
        await d.act("help")
        await d.sees("undo the last step")
        await d.press("escape")
        assert len(d.app.screen_stack) == 1 and d.focus == "timeline"
        await d.act("palette")
        await d.press(*"undo the")
        await d.sees("undo: undo the last step")
        await d.press("enter")
        await d.until(lambda: d.kinds == ["act", "act", "undo"])
        d.app.query_one(Prompt).focus()
        await d.act("palette")  # also while one types
        await d.press(*"1")
        await d.sees("go to 1")
        await d.press("enter")
        await d.until(lambda: d.app.current == Key("operation", 1))

    drive(workspace, work)


def test_keys_of_ones_own_work_everywhere(workspace: Path, config: Path) -> None:
    (config / "agentrt").mkdir(parents=True)
    (config / "agentrt/settings.yaml").write_text(
        "keys: {undo: ctrl+z, down: [down, z], next_hunk: 'M', open: o, open_file: O}\n"
    )

    async def work(d: Driven) -> None:
        await by_hand(d, "echo 1 > one.txt", "echo more >> a.txt")
        await d.press("u")
        await d.select(1)
        await d.press("z")
        assert d.app.current == Key("operation", 2)
        await d.press("o")
        assert d.focus == "diff"
        await d.press("z")
        assert d.app.query_one(Pane).diff.cursor == 1
        await d.press("home", "M")
        assert d.app.selected.hunk == 1
        assert d.kinds == ["act", "act"]
        await d.press("ctrl+z")
        await d.until(lambda: d.kinds == ["act", "act", "undo"])

    drive(workspace, work)


def test_every_key_says_something_sensible_where_there_is_no_session(workspace: Path) -> None:
    quiet = {"quit", "help", "palette", "sessions", "filter", "diff_mode", "shell", "report"}

    async def work(d: Driven) -> None:
        await d.press("escape")
        for act in ACTS:
            if act.widgets or act.name in quiet or act.name.startswith("focus"):
                continue
            before = len(d.app._notifications)
            await d.act(act.name)
            await d.until(lambda before=before: len(d.app._notifications) > before, act.name)
            d.app.query_one(Timeline).focus()
        for name in ("diff_mode", "filter"):
            await d.act(name)
            await d.press("escape")
        assert d.app.is_running and not d.choice.shown
        assert not [note for note in d.notes if "bug" in note]

    drive(workspace, work)
    assert sorted(os.listdir(workspace)) == ["a.txt", "b.txt"]
