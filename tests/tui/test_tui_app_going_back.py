"""Undo and its like: what the keys for it leave in the journal and in the sandbox, and when they ask first."""

from __future__ import annotations

from pathlib import Path

import pytest
from app_ground import SUBMIT, Driven, bash, drive, presses, script

from agentrt.reader import open_reader
from agentrt.tui.lists.panes import Timeline
from agentrt.tui.lists.rows import Key

TWO = (bash("echo 1 > one.txt", "First."), bash("echo 2 > two.txt", "Second."), SUBMIT)


async def exists(driven: Driven, path: str) -> bool:
    return path in {effect["path"] for effect in await driven.app.ask("pending")}


async def by_hand(driven: Driven, *commands: str) -> None:
    for number, command in enumerate(commands, start=len(driven.app.book.entries) + 1):
        await driven.type(f"!{command}")
        await driven.idle(number)
    await driven.press("escape")


@presses("undo", "redo")
def test_undo_and_redo_ask_nothing_where_nobody_spoke(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await by_hand(d, "echo 1 > one.txt", "echo 2 > two.txt")
        await d.act("undo")
        await d.until(lambda: d.kinds == ["act", "act", "undo"])
        assert not d.choice.shown and d.focus == "timeline"
        assert await exists(d, "one.txt") and not await exists(d, "two.txt")
        await d.sees("↶ ")
        await d.until(lambda: len(d.app.book.undone) == 1)
        await d.act("redo")
        await d.until(lambda: d.kinds[-1] == "redo")
        assert await d.file("two.txt") == "2\n"
        await d.until(lambda: not d.app.book.undone)
        await d.act("redo")
        await d.said("nothing to redo")
        assert sorted(path.name for path in workspace.iterdir()) == ["a.txt", "b.txt"]

    drive(workspace, work)


@presses("undo_to", "redo", "undo")
def test_going_back_is_no_undo_that_redo_does_again(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await by_hand(d, "echo 1 > one.txt", "echo 2 > two.txt")
        await d.select(1)
        await d.act("undo_to")
        await d.until(lambda: d.kinds == ["act", "act", "restore"] and len(d.app.book.entries) == 3)
        await d.act("redo")
        await d.said("nothing to redo; u takes back going back")
        await d.act("undo")
        await d.until(lambda: d.kinds[-1] == "undo")
        assert await d.file("two.txt") == "2\n"

    drive(workspace, work)


@pytest.mark.parametrize(("key", "files", "words"), [("b", False, False), ("f", False, True), ("c", True, False)])
@presses("undo")
def test_undo_asks_what_goes_back_where_the_agent_spoke(
    workspace: Path, config: Path, key: str, files: bool, words: bool
) -> None:
    script(config, *TWO)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.idle(2)
        await d.select(1)
        await d.act("undo")
        await d.sees("what goes back?", "b both", "f files only", "c conversation only")
        await d.press("escape")
        assert d.kinds == ["act", "act"] and d.focus == "timeline"
        await d.act("undo")
        await d.until(lambda: d.choice.shown)
        await d.press(key)
        await d.until(lambda: d.kinds == ["act", "act", "undo"])
        assert await exists(d, "two.txt") is files
        assert ("all done" in d.heard) is words

    drive(workspace, work)


@presses("undo")
def test_undo_across_an_apply_asks_and_takes_the_workspace_along(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await by_hand(d, "echo changed > a.txt")
        await d.press("w")
        await d.until(lambda: d.choice.shown)
        await d.press("w")
        await d.until(lambda: (workspace / "a.txt").read_text() == "changed\n")
        await d.until(lambda: d.app.book.head == 2)
        await d.act("undo")
        await d.sees("your real workspace too (apply 2)", "y do it")
        await d.press("escape")
        assert (workspace / "a.txt").read_text() == "changed\n"
        await d.act("undo")
        await d.until(lambda: d.choice.shown)
        await d.press("y")
        await d.until(lambda: d.kinds[-1] == "undo")
        assert (workspace / "a.txt").read_text() == "one\ntwo\nthree\n"

    drive(workspace, work)


@presses("undo")
def test_undo_while_the_agent_works_stops_it(workspace: Path, config: Path) -> None:
    script(config, bash("echo 1 > one.txt"), bash("sleep 100"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.until(lambda: bool(d.app.state.running and "sleep" in d.app.state.running.shown))
        await d.press("escape")
        await d.act("undo")
        await d.until(lambda: d.choice.shown)
        await d.press("b")
        await d.idle(3)
        assert [(one.kind, one.status) for one in d.log] == [("act", "settled"), ("act", "failed"), ("undo", "settled")]
        assert not await d.app.ask("pending")

    drive(workspace, work)


@presses("undo")
def test_undo_across_an_apply_that_somebody_changed_since_is_a_conflict(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await by_hand(d, "echo changed > b.txt")
        await d.press("w")
        await d.until(lambda: d.choice.shown)
        await d.press("w")
        await d.until(lambda: d.app.book.head == 2)
        (workspace / "b.txt").write_text("mine\n")
        await d.act("undo")
        await d.until(lambda: d.choice.shown)
        await d.press("y")
        await d.said("b.txt")
        assert (workspace / "b.txt").read_text() == "mine\n" and d.kinds == ["act", "apply"]

    drive(workspace, work)


@presses("undo_to")
def test_undo_to_here(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await by_hand(d, "echo 1 > one.txt", "echo 2 > two.txt", "echo 3 > three.txt")
        await d.select(1)
        await d.act("undo_to")
        await d.until(lambda: d.kinds[3:] == ["restore"])
        assert await exists(d, "one.txt") and not await exists(d, "two.txt") and not await exists(d, "three.txt")
        await d.sees("2 ↶ undone", "3 ↶ undone")
        await d.act("undo_to")
        await d.said("there is nothing to undo")
        d.app.query_one(Timeline).action_home()
        await d.until(lambda: d.app.current == Key("operation", 0))
        await d.act("undo_to")
        await d.until(lambda: d.kinds[4:] == ["restore"])
        assert not await d.app.ask("pending")

    drive(workspace, work)


@presses("revert")
def test_revert_takes_out_one_and_keeps_the_later(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await by_hand(d, "echo 1 > one.txt", "echo 2 > two.txt")
        await d.select(1)
        await d.act("revert")
        await d.until(lambda: d.kinds == ["act", "act", "revert"])
        assert not await exists(d, "one.txt") and await exists(d, "two.txt")
        await d.sees("✗ rejected")
        await d.act("revert")
        await d.said("operation 1 does not stand")

    drive(workspace, work)


@presses("revert", "preview")
def test_revert_with_what_stands_on_it(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await by_hand(d, "echo 1 > one.txt", "echo 2 > one.txt")
        await d.select(1)
        await d.act("preview")
        assert d.focus == "detail"
        await d.sees("undo", "2")
        await d.act("revert")
        await d.sees("stand on operation 1", "w all of them")
        await d.press("escape")
        assert d.focus == "detail" and d.kinds == ["act", "act"]
        await d.act("revert")
        await d.until(lambda: d.choice.shown)
        await d.press("w")
        await d.until(lambda: d.kinds == ["act", "act", "revert"])
        assert not await exists(d, "one.txt")

    drive(workspace, work)


@presses("fork", "open")
def test_fork_and_come_back(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await by_hand(d, "echo 1 > one.txt", "echo 2 > two.txt")
        here = d.app.book.session
        await d.select(1)
        await d.act("fork")
        await d.until(lambda: d.app.book.session != here)
        fork = d.app.book.session
        assert fork is not None and d.focus == "timeline"
        assert not [note for note in d.notes if "no operation" in note]
        assert await exists(d, "one.txt") and not await exists(d, "two.txt")
        await by_hand(d, "echo 3 > three.txt")
        with open_reader(workspace, session=here) as reader:
            assert [operation.kind for operation in reader.log()] == ["act", "act"]
        await d.press("S")
        await d.until(lambda: len(d.app.screen_stack) == 2)
        d.app.screen.query_one("OptionList").highlighted = next(
            n for n, row in enumerate(d.app.screen._rows) if row.place and row.place.session == here
        )
        await d.press("enter")
        await d.until(lambda: d.app.book.session == here)
        d.app.query_one(Timeline).select(Key("fork", fork))
        await d.act("open")
        await d.until(lambda: d.app.book.session == fork)
        assert await d.file("three.txt") == "3\n"

    drive(workspace, work)
