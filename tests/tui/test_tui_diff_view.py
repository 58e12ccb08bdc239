"""The diff on the screen: its keys, what it asks for and tells, and that nothing is read or drawn before it is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from diffs_ground import Sides, effect, model, numbered
from rich.color import ColorSystem
from rich.segment import Segment
from screens import assert_approved, play, screen_text
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from agentrt.tui.diffs.model import DiffModel
from agentrt.tui.diffs.view import DiffView

CODE = (
    b"import os\n\n\ndef walk(top):\n    return os.walk(top)\n\n\n# the end\n" + numbered(20, "# line") + b"last = 1\n"
)
CHANGED = CODE.replace(b"walk(top)", b"walk(top, deep)").replace(
    b"last = 1", b"last = '\x1b[31m[b]\xe2\x80\xae\xff'\t# tab"
)
FILES: dict[str, Sides] = {
    "src/walk.py": (CODE, CHANGED),
    "logo.png": (b"\x89PNG\0", b"\x89PNG\0\0"),
    "docs/new.md": (None, b"# New\n\nWords.\n"),
    "numbers.txt": (b"", numbered(5000)),
}


class Holder(App[None]):
    """Shows a diff and fetches what is wanted; writes down what it was told."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, files: Mapping[str, Sides], *, there: bool = True) -> None:
        super().__init__()
        self.files = files
        self.model = model(files, there=False)
        self.there = there
        self.wanted: list[str] = []
        self.places: list[tuple[str | None, int | None]] = []

    def compose(self) -> ComposeResult:
        yield DiffView()

    def on_mount(self) -> None:
        self.view.show(self.model)
        self.view.focus()

    @property
    def view(self) -> DiffView:
        return self.query_one(DiffView)

    @property
    def at(self) -> tuple[Any, ...]:
        row = self.view.rows[self.view.cursor]
        return row.kind, row.file, row.hunk

    def on_diff_view_wanted(self, event: DiffView.Wanted) -> None:
        self.wanted.append(event.path)
        if self.there:
            self.model = self.model.with_sides(event.path, *self.files[event.path])
            self.view.show(self.model)

    def on_diff_view_cursor_at(self, event: DiffView.CursorAt) -> None:
        self.places.append((event.path, event.hunk))


def lines(app: App[Any]) -> list[str]:
    return screen_text(app).splitlines()


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
def test_the_screen(size: tuple[int, int]) -> None:
    app = Holder(FILES)

    async def work(pilot: Pilot[Any]) -> None:
        app.view.set_states({"src/walk.py": {1: "accepted", 2: "pending"}})
        app.view.set_mode("unified" if size[0] < 100 else "sides")
        await pilot.press("}", "}", "}", "enter", "{", "{", "]")
        await pilot.pause()
        assert_approved(app, f"diff-{size[0]}x{size[1]}")

    play(app, work, size)


def test_every_key_that_moves() -> None:
    app = Holder(FILES)
    seen: list[tuple[str, int]] = []

    async def work(pilot: Pilot[Any]) -> None:
        last = len(app.view.rows) - 1
        for key, index in {
            "down": 1, "j": 2, "k": 1, "up": 0, "end": last, "home": 0, "G": last, "g": 0, "pagedown": last, "pageup": 0,
        }.items():  # fmt: skip
            await pilot.press(key)
            seen.append((key, app.view.cursor))
            assert app.view.cursor == index, key

    play(app, work, (80, 40))
    assert len(seen) == 10


def test_brackets_and_braces() -> None:
    app = Holder(FILES)
    seen = []

    async def work(pilot: Pilot[Any]) -> None:
        for key in ("]", "]", "]", "]", "]", "]", "[", "[", "{", "{", "}", "}"):
            await pilot.press(key)
            seen.append(app.at)

    play(app, work)
    assert seen == [
        ("hunk", 0, 1),
        ("hunk", 0, 2),
        ("file", 1, 0),
        ("hunk", 2, 1),
        ("file", 3, 0),
        ("file", 3, 0),
        ("hunk", 2, 1),
        ("file", 1, 0),
        ("file", 0, 0),
        ("file", 0, 0),
        ("file", 1, 0),
        ("file", 2, 0),
    ]


def test_whoever_holds_it_is_told_what_is_under_the_cursor() -> None:
    app = Holder(FILES)

    async def work(pilot: Pilot[Any]) -> None:
        await pilot.press("]", "j", "]", "]", "]")
        await pilot.pause()

    play(app, work)
    assert app.places == [
        ("src/walk.py", None),
        ("src/walk.py", 1),
        ("src/walk.py", 2),
        ("logo.png", None),
        ("docs/new.md", None),
    ], "a file that is new is reviewed as a whole"


def test_only_what_is_in_view_and_unfolded_is_asked_for() -> None:
    files = {f"{number:02}": (b"", numbered(100)) for number in range(10)}
    app = Holder({**files, "big": (b"", b"x" * 300_000)})
    asked: list[list[str]] = []

    async def work(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        asked.append(sorted(app.wanted))
        await pilot.press("end")
        await pilot.pause()
        asked.append(sorted(set(app.wanted) - set(asked[0])))
        await pilot.press("enter")
        await pilot.pause()
        asked.append(app.wanted[-1:])

    play(app, work)
    # All stood in view with a row of dots before the first of them was there.
    assert asked == [sorted(files), [], ["big"]]
    assert len(app.wanted) == len(set(app.wanted)), "nothing is asked for twice"


def test_what_comes_late_moves_nothing() -> None:
    app = Holder({"a": (b"", numbered(30)), "b": (b"", b"x\n")}, there=False)

    async def work(pilot: Pilot[Any]) -> None:
        await pilot.press("}", "j")
        assert app.at == ("wait", 1, 0)
        app.view.show(app.model.with_sides("a", b"", numbered(30)))
        await pilot.pause()
        assert app.at[1] == 1
        assert ">" in lines(app)[app.view.cursor - app.view.scroll_offset.y]

    play(app, work)


def test_another_diff_is_shown_from_its_top() -> None:
    app = Holder(FILES)

    async def work(pilot: Pilot[Any]) -> None:
        await pilot.press("enter", "end")
        app.view.show(model({"src/walk.py": (CODE, CHANGED + b"\n")}))
        await pilot.pause()
        assert (app.view.cursor, app.view.scroll_offset.y) == (0, 0)
        assert lines(app)[0] == ">▾ modified  src/walk.py  +4 -3"

    play(app, work)
    assert app.places[-1] == ("src/walk.py", None)


def test_the_same_effects_of_another_operation_are_asked_for_anew() -> None:
    app = Holder(FILES, there=False)

    async def work(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        app.view.show(model(FILES, there=False))
        await pilot.pause()

    play(app, work)
    assert app.wanted == 2 * ["src/walk.py", "logo.png", "docs/new.md", "numbers.txt"]


def test_files_fold_and_long_runs_come_page_by_page() -> None:
    app = Holder({"numbers.txt": (b"", numbered(5000))})
    seen = []

    async def work(pilot: Pilot[Any]) -> None:
        for key in ("enter", "end", "enter", "enter", "end", "space", "up", "space"):
            await pilot.press(key)
            await pilot.pause()
            seen.append(len(app.view.rows))
        assert lines(app)[0] == ">▸ modified  numbers.txt  +5,000 -0 in 1 hunk"

    play(app, work)
    assert seen == [203, 203, 403, 403, 403, 603, 603, 1]


def test_a_mode_keeps_the_line() -> None:
    app = Holder(FILES)

    async def work(pilot: Pilot[Any]) -> None:
        await pilot.press("]", "]", "j", "j", "j", "j")
        assert app.view.rows[app.view.cursor].old == 29
        app.view.set_mode("sides")
        assert (app.view.rows[app.view.cursor].kind, app.view.rows[app.view.cursor].old) == ("pair", 29)
        app.view.set_wrap(True)
        app.view.set_mode("unified")
        assert (app.view.rows[app.view.cursor].kind, app.view.rows[app.view.cursor].old) == ("removed", 29)

    play(app, work, (140, 45))


def test_what_is_cut_is_marked_and_reached_sideways() -> None:
    app = Holder({"a": (b"", b"0123456789" * 12 + b"\n")})

    async def work(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        assert lines(app)[2].endswith("…")
        await pilot.press("right", "right", "right", "right", "right", "right", "left")
        assert lines(app)[2] == "   1 + " + ("0123456789" * 12)[40:111] + "…"
        await pilot.press(*["right"] * 9)
        assert lines(app)[2].endswith("9")
        app.view.set_wrap(True)
        await pilot.pause()
        assert "".join(line[7:] for line in lines(app)[2:4]) == "0123456789" * 12

    play(app, work)


def test_the_mouse_moves_the_cursor_and_folds() -> None:
    app = Holder(FILES)

    async def work(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await pilot.click(DiffView, offset=(10, 3))
        assert app.view.cursor == 3
        await pilot.click(DiffView, offset=(10, 0))
        assert (app.view.cursor, lines(app)[0]) == (0, ">▸ modified  src/walk.py  +3 -3 in 2 hunks")
        await pilot.click(DiffView, offset=(10, 20))
        assert app.view.cursor == 0, "below the last row there is nothing"

    play(app, work)


def test_a_narrow_screen_says_what_two_sides_want() -> None:
    app = Holder(FILES)

    async def work(pilot: Pilot[Any]) -> None:
        await pilot.resize_terminal(72, 24)
        app.view.set_mode("sides")
        await pilot.press("home")
        assert "side by side wants 78 columns, here are 7" in lines(app)[0]
        await pilot.resize_terminal(140, 24)
        await pilot.pause()
        assert lines(app)[3].count("│") == 1

    play(app, work)


def test_without_colours_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Holder({"a": (b"old\n", b"new\n")})

    async def work(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        assert lines(app)[:4] == [">▾ modified  a  +1 -1", " @@ -1 +1 @@  hunk 1 of 1", " 1   - old", "   1 + new"]
        strips = [app.view.render_line(y) for y in range(4)]
        assert all(segment.style is None or not segment.style.link for strip in strips for segment in strip)

    play(app, work)


@pytest.mark.parametrize(
    "theme", ["textual-dark", "textual-light", "nord", "solarized-light", "ansi-dark", "ansi-light"]
)
def test_sixteen_colours_are_enough(theme: str) -> None:
    app = Holder({"a.py": (CODE, CHANGED + CODE.replace(b"# line 1\n", b"x = 'text' + f(1)\n"))})
    looked: list[str] = []

    async def work(pilot: Pilot[Any]) -> None:
        app.theme = theme
        for key in ("home", "]", "]", "j", "j", "j", "j", "j"):
            await pilot.press(key)
            for y in range(24):
                for segment in app.view.render_line(y):
                    style = segment.style
                    if style is not None and style.color is not None and style.bgcolor is not None:
                        colours = [colour.downgrade(ColorSystem.STANDARD) for colour in (style.color, style.bgcolor)]
                        assert colours[0] != colours[1] or colours[0].is_default, (segment.text, style)
                        looked.append(segment.text)

    play(app, work, (80, 24))
    assert {"import", "def", "# the end", "deep"} <= {text.strip(", ") for text in looked}


def test_nothing_hostile_is_a_segment() -> None:
    bad = bytes(range(1, 256)) * 40 + "[b]\u202e\u200b[/][@click=app.quit]x\n".encode() + b"x" * 1_000_000
    app = Holder({"a\x1b\u202e[b]": (b"\n".join([bad[:99], bad[50:200]]), bad)})

    async def work(pilot: Pilot[Any]) -> None:
        for mode in ("unified", "sides"):
            app.view.set_mode(mode)
            for wrap in (False, True):
                app.view.set_wrap(wrap)
                await pilot.pause()
                for y in range(40):
                    strip = app.view.render_line(y)
                    assert strip.text.isprintable()
                    assert strip.cell_length == app.view.scrollable_content_region.width
                    assert all(
                        isinstance(s, Segment) and not s.control and not (s.style and s.style.meta) for s in strip
                    )

    play(app, work, (120, 40))


def test_nothing_to_show() -> None:
    app = Holder({}, there=False)

    async def work(pilot: Pilot[Any]) -> None:
        await pilot.press("j", "]", "}", "enter", "end", "pagedown", "right")
        app.view.show(DiffModel.of([effect("a", None, b"x")]))
        await pilot.pause()
        assert lines(app)[:2] == [">▾ created   a", " …"]

    play(app, work)
    assert app.places[-1] == ("a", None)
