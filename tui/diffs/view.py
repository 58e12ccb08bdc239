"""The diff on the screen: moves about in it and folds; whoever holds it says what else keys do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from .drawing import Drawn, Palette, States, draw
from .model import DiffModel
from .rows import PAGE, Kind, Options, Row, Rows
from .runs import Mode
from .syntax import LOOKS
from .text import Piece
from .words import CHANGED

_CURSOR = ">"
_LOOKS = ("file", "hunk", "fold", "note", "gutter", "added", "removed", CHANGED, "cursor")
_SIDEWAYS = 8
"""Columns of one step."""


class DiffView(ScrollView, can_focus=True):
    """A diff, row by row as they come into view."""

    DEFAULT_CSS = """
    DiffView { scrollbar-gutter: stable; overflow-x: hidden; scrollbar-size-vertical: 1; }
    DiffView > .diff--file { background: $panel; text-style: bold; }
    DiffView > .diff--hunk { color: $text-accent; }
    DiffView > .diff--fold { color: $text-accent; text-style: italic; }
    DiffView > .diff--note { text-style: dim italic; }
    DiffView > .diff--gutter { text-style: dim; }
    DiffView > .diff--added { background: $success-muted; }
    DiffView > .diff--removed { background: $error-muted; }
    DiffView > .diff--changed { text-style: bold underline; }
    DiffView > .diff--comment { text-style: dim italic; }
    DiffView > .diff--keyword { color: $text-primary; }
    DiffView > .diff--string { color: $text-success; }
    DiffView > .diff--number { color: $text-warning; }
    DiffView > .diff--name { text-style: bold; }
    DiffView > .diff--cursor { text-style: bold; }
    DiffView:focus > .diff--cursor { background: $primary-muted; text-style: bold; }
    DiffView:ansi > .diff--file { background: ansi_default; text-style: bold; }
    DiffView:ansi > .diff--added { background: ansi_default; color: ansi_green; }
    DiffView:ansi > .diff--removed { background: ansi_default; color: ansi_red; }
    DiffView:ansi:focus > .diff--cursor { background: ansi_default; text-style: reverse; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"diff--{look}" for look in (*_LOOKS, *LOOKS)}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="diff.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="diff.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="diff.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="diff.page_down"),
        Binding("home,g", "edge(-1)", "First", show=False, id="diff.first"),
        Binding("end,G", "edge(1)", "Last", show=False, id="diff.last"),
        Binding("left_square_bracket", "hunk(-1)", "Previous hunk", show=False, id="diff.previous_hunk"),
        Binding("right_square_bracket", "hunk(1)", "Next hunk", show=False, id="diff.next_hunk"),
        Binding("left_curly_bracket", "file(-1)", "Previous file", show=False, id="diff.previous_file"),
        Binding("right_curly_bracket", "file(1)", "Next file", show=False, id="diff.next_file"),
        Binding("left", "sideways(-1)", "Left", show=False),
        Binding("right", "sideways(1)", "Right", show=False),
        Binding("enter", "open", "Fold or unfold", show=False),
        Binding("space", "fold", "Fold or unfold the file", show=False),
    ]

    cursor: reactive[int] = reactive(0)

    class Wanted(Message):
        """The contents of a file are to be shown: ``show`` a model with its body."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    class CursorAt(Message):
        """The cursor came to another place. ``path`` is None outside of files; ``hunk`` outside of hunks, and where
        only the whole file can be reviewed."""

        def __init__(self, path: str | None, hunk: int | None) -> None:
            super().__init__()
            self.path, self.hunk = path, hunk

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.rows = Rows(DiffModel(), Options())
        self._states: States = {}
        self._palette = Palette()
        self._asked: set[str] = set()
        self._sideways = 0
        self._told: tuple[str | None, int | None] | None = None

    # -------------------------------------------------------------------------------------------- what is to be shown

    def show(self, model: DiffModel) -> None:
        """The same effects with more of their contents: nothing moves. Others: from the top, as they start."""
        if model.same_as(self.rows.model):
            row = self._row()
            opened = row is not None and row.kind == "file" and self.rows.model.files[row.file].body is None
            self._again(Rows(model, self.rows.options))
            if opened:
                self._go(self.cursor, top=True)
            return
        self._palette, self._asked, self._sideways, self._told = Palette(), set(), 0, None
        self._lay(Rows(model, replace(self.rows.options, folded={}, more={})))
        self.cursor = 0
        self._scroll(0)
        self._tell()

    def set_states(self, states: States) -> None:
        """The reviews, by path and hunk; hunk 0 is the whole file."""
        self._states = states
        self.refresh()

    def set_mode(self, mode: Mode) -> None:
        self._again(Rows(self.rows.model, replace(self.rows.options, mode=mode)))

    def set_wrap(self, wrap: bool) -> None:
        """Whether long lines go on in the next row; else one scrolls sideways."""
        self._sideways = 0
        self._again(Rows(self.rows.model, replace(self.rows.options, wrap=wrap)))

    def under_cursor(self) -> tuple[str | None, int | None]:
        """Path and hunk, as ``CursorAt`` has them."""
        row = self._row()
        if row is None or row.file < 0:
            return None, None
        file = self.rows.model.files[row.file]
        return file.path, row.hunk if row.hunk and file.by_hunk else None

    def _row(self) -> Row | None:
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def _again(self, rows: Rows) -> None:
        """The same diff in another way: the cursor stays at its line."""
        row = self._row()
        above = self.cursor - self.scroll_offset.y
        self._lay(rows)
        if row is not None:
            self.cursor = rows.index_of(row)
            self._scroll(self.cursor - above)
        self._tell()

    def _lay(self, rows: Rows) -> None:
        self.rows = rows
        self.virtual_size = Size(rows.options.width, len(rows))
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        width = max(self.scrollable_content_region.width - len(_CURSOR), 1)
        if width != self.rows.options.width:
            self._again(Rows(self.rows.model, replace(self.rows.options, width=width)))
        self._ask()

    # ----------------------------------------------------------------------------------------------------- moving about

    def action_move(self, step: int) -> None:
        self._go(self.cursor + step)

    def action_page(self, step: int) -> None:
        self._go(self.cursor + step * max(self.scrollable_content_region.height - 1, 1))

    def action_edge(self, step: int) -> None:
        self._go(0 if step < 0 else len(self.rows) - 1)

    def action_sideways(self, step: int) -> None:
        if not self.rows.options.wrap:
            self._sideways = max(self._sideways + step * _SIDEWAYS, 0)
            self.refresh()

    def action_hunk(self, step: Literal[-1, 1]) -> None:
        self._go(self.rows.hunk_from(self.cursor, step), top=True)

    def action_file(self, step: Literal[-1, 1]) -> None:
        self._go(self.rows.file_from(self.cursor, step), top=True)

    def action_open(self) -> None:
        """What the row stands for: a file's header the file, a fold its next page; else nothing."""
        row = self._row()
        if row is not None and row.kind == "fold" and row.key is not None:
            more = {**self.rows.options.more, row.key: self.rows.options.more.get(row.key, 0) + PAGE}
            at = self.cursor
            self._again(Rows(self.rows.model, replace(self.rows.options, more=more)))
            self._go(at)
        elif row is not None and row.kind == "file":
            self._fold(row.file)

    def action_fold(self) -> None:
        """The file a row belongs to, wherever in it; of a fold the next page."""
        row = self._row()
        if row is not None and row.kind != "fold" and row.file >= 0:
            self._fold(row.file)
        else:
            self.action_open()

    def _fold(self, file: int) -> None:
        path, folded = self.rows.model.files[file].path, not self.rows.folded(file)
        options = replace(self.rows.options, folded={**self.rows.options.folded, path: folded})
        self._again(Rows(self.rows.model, options))
        if not folded:
            self._go(self.cursor, top=True)

    def _go(self, index: int, *, top: bool = False) -> None:
        self.cursor = min(max(index, 0), max(len(self.rows) - 1, 0))
        height = max(self.scrollable_content_region.height, 1)
        first = self.scroll_offset.y
        if top and not first <= self.cursor < first + height - min(height // 2, 8):
            self._scroll(self.cursor - 1)
        elif self.cursor < first:
            self._scroll(self.cursor)
        elif self.cursor >= first + height:
            self._scroll(self.cursor - height + 1)
        self._tell()

    def _scroll(self, top: int) -> None:
        # Also before there is a scrollbar.
        self.scroll_to(y=max(min(top, self.max_scroll_y), 0), animate=False, force=True)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.scroll_offset.y + offset.y if offset is not None else len(self.rows)
        if index < len(self.rows):
            self._go(index)
            self.action_open()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._ask()

    def _tell(self) -> None:
        if self.under_cursor() != self._told:
            self._told = self.under_cursor()
            self.post_message(self.CursorAt(*self._told))
        self._ask()

    def _ask(self) -> None:
        """For the contents that are in view and not there."""
        first = self.scroll_offset.y
        for index in range(first, min(first + self.scrollable_content_region.height, len(self.rows))):
            row = self.rows[index]
            if row.kind == "wait" and (path := self.rows.model.files[row.file].path) not in self._asked:
                self._asked.add(path)
                self.post_message(self.Wanted(path))

    # -------------------------------------------------------------------------------------------------------- drawing

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = self.scroll_offset.y + y
        if index >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        row = self.rows[index]
        cursor = ("cursor",) if index == self.cursor else ()
        sides = draw(self.rows, row, self._states, self._palette)
        strips = [self._strip([Piece(_CURSOR if cursor else " ", cursor)])]
        if len(sides) == 2:
            strips.append(self._side(sides[0], self.rows.side_width, row.kind, cursor))
            strips.append(self._strip([Piece("│", ("gutter",))]))
        left = width - sum(strip.cell_length for strip in strips)
        strips.append(self._side(sides[-1], left, row.kind, cursor))
        return Strip.join(strips).adjust_cell_length(width, self.rich_style)

    def _side(self, side: Drawn, width: int, kind: Kind, cursor: tuple[str, ...]) -> Strip:
        fixed, text = self._strip(side.fixed, cursor), self._strip(side.text, cursor)
        room = max(width - fixed.cell_length, 0)
        if self._sideways and kind not in ("wait", "note"):
            text = text.crop(min(self._sideways, text.cell_length), None)
        style = self._style((*side.looks, *cursor))
        if text.cell_length > room > 0:
            cut = self._strip([Piece("…", ("fold",))], (*side.looks, *cursor))
            text = Strip.join([text.crop(0, room - 1).adjust_cell_length(room - 1, style), cut])
        return Strip.join([fixed, text.adjust_cell_length(room, style)]).adjust_cell_length(width, style)

    def _strip(self, pieces: Iterable[Piece], looks: Sequence[str] = ()) -> Strip:
        return Strip([Segment(piece.text, self._style((*piece.looks, *looks))) for piece in pieces])

    def _style(self, looks: Iterable[str]) -> Style:
        style = self.rich_style
        for look in looks:
            style += self.get_component_rich_style(f"diff--{look}", partial=True)
        return style
