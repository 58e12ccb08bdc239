"""The lists on a screen: the cursor by keys and mouse, following, focus, and that only what is visible is drawn."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from lists_ground import ASKED, WORK, Session, entry
from screens import assert_approved, play, screen_text
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.events import MouseScrollUp
from textual.pilot import Pilot

from agentrt.tui.lists.listing import Listing
from agentrt.tui.lists.panes import Inbox, Timeline
from agentrt.tui.lists.rows import NOW, START, Key, Part
from agentrt.tui.lists.timeline import Row


class Column(App[None]):
    """The left column alone."""

    CSS = "Vertical { width: 28; } Inbox { height: 8; } Timeline { height: 1fr; } .wide { width: 1fr; }"

    def __init__(self, session: Session = WORK, *, wide: bool = False) -> None:
        super().__init__()
        self.session, self.wide, self.files = session, wide, "file"
        self.told: list[tuple[str, str, Key]] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="wide" if self.wide else ""):
            yield Inbox()
            yield Timeline(lambda op: [f"{self.files}{op}"])

    def on_mount(self) -> None:
        self.inbox, self.timeline = self.query_one(Inbox), self.query_one(Timeline)
        self.inbox.update(ASKED, self.session.entries, self.session.to_review)
        self.timeline.update(self.session)
        self.timeline.focus()

    def on_listing_selected(self, message: Listing.Selected) -> None:
        self.told.append(("selected", message.control.TITLE, message.key))

    def on_listing_chosen(self, message: Listing.Chosen) -> None:
        self.told.append(("chosen", message.control.TITLE, message.key))


def op(number: int) -> Key:
    return Key("operation", number)


def many(number: int) -> Session:
    entries = tuple(entry(each, f"$ make {each}") for each in range(1, number + 1))
    return Session(entries, frozenset(range(1, number + 1)))


def column(work: Callable[[Column, Pilot[Any]], Awaitable[None]], size: tuple[int, int] = (80, 24), **how: Any) -> None:
    app = Column(**how)

    async def worked(pilot: Pilot[Any]) -> None:
        await work(app, pilot)

    play(app, worked, size)


def cursors(app: Column) -> list[str]:
    """The rows that a cursor's glyph is at."""
    return [line for line in screen_text(app).splitlines() if line[1:2] == "▸"]


@pytest.fixture(autouse=True)
def no_colours(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NO_COLOR", "1")
    return


@pytest.mark.parametrize(("name", "size", "wide"), [("80x24", (80, 24), False), ("140x45", (140, 45), True)])
def test_the_column_looks_like_this(
    name: str, size: tuple[int, int], wide: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(app: Column, pilot: Pilot[Any]) -> None:
        assert_approved(app, f"lists-{name}")

    monkeypatch.setattr("time.localtime", time.gmtime)
    column(work, size, wide=wide)


def test_keys_move_the_cursor_and_tell_the_app() -> None:
    async def work(app: Column, pilot: Pilot[Any]) -> None:
        seen = []
        for key in ("home", "down", "j", "up", "k", "G", "pageup", "g", "pagedown", "end"):
            await pilot.press(key)
            seen.append(app.timeline.key)
            assert len(cursors(app)) == 2, "one in each list"
        fork = Key("fork", "s-4")
        assert seen[:6] == [START, fork, op(1), fork, START, NOW]
        assert seen[7] == START and seen[9] == NOW and seen[6] not in (START, NOW) and seen[8] not in (START, NOW)
        assert app.told[-1] == ("selected", "Timeline", NOW)
        app.told.clear()

        await pilot.press("down", "up", "enter")
        assert app.told == [("selected", "Timeline", op(12)), ("chosen", "Timeline", op(12))], "down led nowhere"

    column(work)


def test_a_click_selects_and_the_wheel_only_scrolls() -> None:
    async def work(app: Column, pilot: Pilot[Any]) -> None:
        await pilot.click(Timeline, offset=(5, 3))
        first = app.timeline.key
        assert first == op(app.timeline.scroll_offset.y + 2)
        top = app.timeline.scroll_offset.y
        app.timeline.post_message(MouseScrollUp(app.timeline, 5, 3, 0, -1, 0, False, False, False))
        await pilot.pause()
        assert app.timeline.scroll_offset.y < top and app.timeline.key == first
        app.timeline.scroll_to(y=0, animate=False)
        await pilot.pause()
        await pilot.click(Timeline, offset=(5, 1))
        assert app.timeline.key == START
        await pilot.click(Inbox, offset=(5, 2))
        assert app.inbox.key == Key("question", "q1") and app.inbox.has_focus
        await pilot.click(Inbox, offset=(5, 7))
        assert app.inbox.key == Key("question", "q1"), "the border is no row"

    column(work, session=many(50))


def test_another_session_has_paths_of_its_own() -> None:
    async def work(app: Column, pilot: Pilot[Any]) -> None:
        app.timeline.narrow("path:file3")
        app.files = "other"
        app.timeline.update(many(40))
        assert [row.key for row in app.timeline.rows] == []
        app.timeline.narrow("path:other3")
        assert [row.key for row in app.timeline.rows] == [op(3), *map(op, range(30, 40))]

    column(work)


@pytest.mark.parametrize("theme", ["ansi-dark", "textual-light"])
def test_the_chosen_row_is_reversed_where_the_focus_is(theme: str) -> None:
    async def work(app: Column, pilot: Pilot[Any]) -> None:
        app.theme = theme
        await pilot.pause()
        app.inbox.select(op(3))
        chosen = app.inbox.render_line(2)
        assert chosen.text.startswith("▸3 ‼ irreversible $ curl")
        assert not any(segment.style and segment.style.reverse for segment in chosen)
        app.inbox.focus()
        await pilot.pause()
        assert all(segment.style and segment.style.reverse for segment in app.inbox.render_line(2))
        assert not any(segment.style and segment.style.reverse for segment in app.inbox.render_line(1))

    column(work)


def test_focus_is_shown_by_a_glyph_and_the_border() -> None:
    async def work(app: Column, pilot: Pilot[Any]) -> None:
        lines = screen_text(app).splitlines()
        assert lines[0].startswith("╭─ Inbox 5 ") and lines[8].startswith("┏━ ▸ Timeline 12 ")
        await pilot.press("tab")
        lines = screen_text(app).splitlines()
        assert lines[0].startswith("┏━ ▸ Inbox 5 ") and lines[8].startswith("╭─ Timeline 12 ")

    column(work)


def test_new_rows_take_the_cursor_along_until_one_looks_at_something() -> None:
    async def work(app: Column, pilot: Pilot[Any]) -> None:
        async def grow(number: int) -> str:
            app.timeline.update(many(number))
            await pilot.pause()
            return screen_text(app)

        seen = await grow(101)
        assert app.timeline.following and "$ make 101" in seen and cursors(app)[1].endswith("now                ┃")

        await pilot.press("up")
        before = screen_text(app).splitlines()[9:23]
        after = (await grow(120)).splitlines()[9:23]
        assert app.timeline.key == op(101) and not app.timeline.following
        assert [line[:26] for line in after[:-1]] == [line[:26] for line in before[:-1]], "nothing jumped"

        await pilot.press("G")
        assert "$ make 150" in await grow(150)

        app.timeline.scroll_to(y=10, animate=False)
        assert "$ make 151" not in await grow(151), "somebody looks at what was before"
        assert app.timeline.key == NOW

    column(work, session=many(100))


def test_what_was_decided_goes_and_the_next_one_is_chosen() -> None:
    async def work(app: Column, pilot: Pilot[Any]) -> None:
        app.inbox.select(op(3))
        app.inbox.update(ASKED, WORK.entries, (2, 9))
        await pilot.pause()
        assert app.inbox.key == op(9)
        assert app.told[-1] == ("selected", "Inbox", op(9))
        assert app.inbox.next(op(9)) == op(2) and app.inbox.next(NOW) == Key("question", "q2")

        app.inbox.update((), WORK.entries, ())
        await pilot.pause()
        assert app.inbox.key is None
        lines = screen_text(app).splitlines()
        assert "Inbox 0" in lines[0] and "nothing waits" in lines[1]
        app.inbox.focus()
        await pilot.press("down", "enter", "G")
        assert app.told[-1] == ("selected", "Inbox", op(9))

    column(work)


def test_a_filter_shows_what_it_lets_through_and_says_so() -> None:
    async def work(app: Column, pilot: Pilot[Any]) -> None:
        app.timeline.narrow("make 7")
        await pilot.pause()
        lines = screen_text(app).splitlines()
        assert "Timeline 19 of 100" in lines[8] and "/make 7" in lines[-1]
        assert app.timeline.key == op(97)
        await pilot.press("home")
        assert app.timeline.key == op(7)

        app.timeline.narrow("is:udnone")
        await pilot.pause()
        assert "is:undone?" in screen_text(app).splitlines()[-1]
        assert app.timeline.key == op(7), "it stays where it was"

        app.timeline.narrow("path:file33")
        assert app.timeline.key == op(33)
        app.timeline.narrow("[b]nothing")
        await pilot.pause()
        assert "nothing like that" in screen_text(app) and "/[b]nothing" in screen_text(app)
        app.timeline.narrow("")
        await pilot.pause()
        assert "Timeline 100 " in screen_text(app)

    column(work, session=many(100))


def test_what_is_found_and_what_is_left_is_in_sight() -> None:
    async def work(app: Column, pilot: Pilot[Any]) -> None:
        app.timeline.scroll_to(y=0, animate=False)
        await pilot.pause()
        assert "$ make 100" not in screen_text(app)
        app.timeline.narrow("make 9")
        await pilot.pause()
        assert app.timeline.key == op(99) and any("$ make 99" in line for line in cursors(app))

        app.timeline.narrow("")
        await pilot.press("home")
        app.timeline.scroll_to(y=80, animate=False)
        await pilot.pause()
        app.timeline.update(many(20))
        await pilot.pause()
        assert "$ make 20 " in screen_text(app) and "$ make 9 " in screen_text(app)

    column(work, session=many(100))


def test_what_an_operation_changed_is_asked_once_and_again_while_it_runs() -> None:
    asked: list[int] = []

    class Watched(Column):
        def compose(self) -> ComposeResult:
            yield Inbox()
            yield Timeline(lambda op: [asked.append(op) or f"file{op}"])

    async def work(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, Watched)
        app.timeline.narrow("path:x")
        app.timeline.narrow("path:xy")
        assert asked == [*range(1, 13), 12], "of which the last one runs"

    play(Watched(), work)


def test_ten_thousand_rows_are_drawn_where_they_are_looked_at() -> None:
    drawn: list[Key] = []

    class Watched(Timeline):
        def line(self, row: Row, width: int) -> list[Part]:
            drawn.append(row.key)
            return super().line(row, width)

    class Long(App[None]):
        def compose(self) -> ComposeResult:
            yield Watched(lambda op: ())

    async def work(pilot: Pilot[Any]) -> None:
        timeline = pilot.app.query_one(Watched)
        timeline.update(many(10_000))
        await pilot.pause()
        assert "$ make 10000" in screen_text(pilot.app)
        await pilot.press("home")
        assert timeline.key == START
        await pilot.press(*["down"] * 5)
        assert len(drawn) == 22 + 22 + 6, "two screens, and again what the cursor came to or left"

    play(Long(), work)


def test_a_screen_that_shrinks_keeps_the_cursor_in_sight() -> None:
    async def work(app: Column, pilot: Pilot[Any]) -> None:
        app.timeline.select(op(95))
        await pilot.pause()
        for size in ((80, 24), (30, 16), (140, 45), (28, 14)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert any("$ make 95" in line for line in cursors(app)), size

    column(work, (140, 45), session=many(100))


def test_hostile_names_are_shown_as_what_they_are() -> None:
    hostile = replace(WORK.entries[0], actor="\x1b[31m[red]\u202e", about="$ [@click=app.quit]x[/] \u0627")
    session = Session((hostile, WORK.entries[1]), frozenset({1, 2}))

    async def work(app: Column, pilot: Pilot[Any]) -> None:
        app.timeline.narrow("[@click")
        await pilot.pause()
        seen = screen_text(app)
        assert "[@click=app.quit]x[/]" in seen and "\\x1b[31m[re…" in seen
        assert all(character.isprintable() for character in seen.replace("\n", ""))

    column(work, (80, 24), session=session, wide=True)
