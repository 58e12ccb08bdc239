"""A list of any length, of which only what is visible is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.content import Content
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from . import selection
from .rows import Key, Part, padded
from .selection import Selection

_CURSOR = "▸"
_KEPT = 1024
"""Rows that are kept as they were drawn."""


class Keyed(Protocol):
    """A row: hashable, and equal only to one that is drawn the same."""

    @property
    def key(self) -> Key: ...


R = TypeVar("R", bound=Keyed)


class Listing(ScrollView, Generic[R], can_focus=True):
    """Rows with a cursor. What a row looks like is its ``line``'s business."""

    TITLE: ClassVar[str] = ""
    EMPTY: ClassVar[str] = "nothing"
    """Said where there are no rows."""
    TAILS: ClassVar[bool] = False
    """Whether new rows take the cursor along where it is at the last one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="list.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="list.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="list.page_down"),
        Binding("home,g", "home", "First", show=False, id="list.first"),
        Binding("end,G", "end", "Last", show=False, id="list.last"),
        Binding("enter", "choose", "Choose", show=False, id="list.choose"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "listing--cursor",
        "listing--dim",
        "listing--good",
        "listing--bad",
        "listing--warn",
        "listing--harm",
        "listing--here",
    }
    DEFAULT_CSS = """
    Listing {
        border: round $foreground 40%;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
    }
    Listing:focus { border: heavy $accent; }
    Listing > .listing--cursor { text-style: bold; }
    Listing:focus > .listing--cursor { text-style: bold reverse; }
    Listing > .listing--dim { text-style: dim; }
    Listing > .listing--good { color: $text-success; }
    Listing > .listing--bad { color: $text-error; }
    Listing > .listing--warn { color: $text-warning; }
    Listing > .listing--harm { color: $text-error; text-style: bold; }
    Listing > .listing--here { color: $text-accent; text-style: bold; }
    """

    class _Told(Message):
        def __init__(self, listing: Listing[Any], key: Key) -> None:
            super().__init__()
            self.listing = listing
            self.key = key

        @property
        def control(self) -> Listing[Any]:
            return self.listing

    class Selected(_Told):
        """The cursor is at another row, also where that is because rows went away."""

    class Chosen(_Told):
        """Enter was pressed on a row."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.moved: Key | None = None
        """Where the cursor went, until that was heard; who acts before sets it right."""
        self._rows: Sequence[R] = ()
        self._selection = Selection(tails=self.TAILS, following=self.TAILS)
        self._strips: LRUCache[tuple[R, int, bool], Strip] = LRUCache(_KEPT)
        self.retitle()

    def line(self, row: R, width: int) -> list[Part]:
        """How a row looks in ``width`` columns."""
        raise NotImplementedError

    @property
    def rows(self) -> Sequence[R]:
        """What is shown."""
        return self._rows

    @property
    def key(self) -> Key | None:
        """Of the row at the cursor; None where there are none."""
        return self._selection.key

    @property
    def following(self) -> bool:
        """New rows take the cursor along."""
        return self._selection.following

    @property
    def counted(self) -> str:
        """What the title says after the name."""
        return f"{len(self._rows):,}"

    def show(self, rows: Sequence[R], *, filtered: bool = False) -> None:
        """Other rows: because they came and went, or because others of the same are ``filtered``."""
        old, keys = self._selection, [row.key for row in rows]
        row_on_screen = old.at - self.scroll_offset.y
        at_end = self.scroll_offset.y >= self.max_scroll_y
        self._rows = rows
        self._selection = (selection.filtered if filtered else selection.grown)(old, keys)
        self.virtual_size = Size(self.size.width, len(rows))
        if self._selection.following and not filtered:
            self._scroll(len(rows) if at_end else self.scroll_offset.y)  # or somebody looks at what was before
        elif 0 <= row_on_screen < self.size.height:
            self._scroll(self._selection.at - row_on_screen)
        else:
            self._scroll(self.scroll_offset.y)
        if filtered:
            self._reveal()
        self.retitle()
        self.refresh()
        self._tell(old)

    def select(self, key: Key) -> None:
        """Move the cursor to the row of ``key``; nothing where it is not shown."""
        self._to(selection.select(self._selection, key))

    def go_along(self, key: Key) -> None:
        """The same, with another list's cursor: nobody is told."""
        self._selection, self.moved = selection.select(self._selection, key), None
        self._reveal()
        self.refresh()

    def forget(self) -> None:
        """What was drawn may look different now."""
        self._strips.clear()
        self.refresh()

    def retitle(self) -> None:
        self.border_title = Content(f"{_CURSOR if self.has_focus else ''} {self.TITLE} {self.counted}".strip())

    # ------------------------------------------------------------------------------------------------- moving about

    def action_move(self, by: int) -> None:
        self._to(selection.move(self._selection, by))

    def action_page(self, by: int) -> None:
        self._to(selection.move(self._selection, by * max(self.size.height - 1, 1)))

    def action_home(self) -> None:
        self._to(selection.home(self._selection))

    def action_end(self) -> None:
        self._to(selection.end(self._selection))

    def action_choose(self) -> None:
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and (at := offset.y + self.scroll_offset.y) < len(self._rows):
            self._to(selection.select(self._selection, self._rows[at].key))

    def _to(self, state: Selection) -> None:
        old, self._selection = self._selection, state
        self._reveal()
        self.refresh()
        self._tell(old)

    def on_resize(self) -> None:
        self._scroll(self.scroll_offset.y)  # not beyond what the end is now
        self._reveal()

    def _reveal(self) -> None:
        at, top, height = self._selection.at, self.scroll_offset.y, self.size.height
        if not top <= at < top + height:
            self._scroll(at if at < top else at - height + 1)

    def _scroll(self, top: int) -> None:
        # Also before there is a scrollbar.
        self.scroll_to(y=max(min(top, self.max_scroll_y), 0), animate=False, force=True)

    def _tell(self, old: Selection) -> None:
        if self.key is not None and self.key != old.key:
            self.moved = self.key
            self.post_message(self.Selected(self, self.key))

    # ------------------------------------------------------------------------------------------------------ drawing

    def watch_has_focus(self, value: bool) -> None:
        super().watch_has_focus(value)
        self.retitle()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        width, at = self.scrollable_content_region.width, self.scroll_offset.y + y
        if at >= len(self._rows):
            said = f" {self.EMPTY}" if not self._rows and y == 0 else ""
            return self._strip([Part(padded(said, width), "dim")], width, chosen=False)
        row, chosen = self._rows[at], at == self._selection.at
        if (strip := self._strips.get((row, width, chosen))) is None:
            parts = [Part(_CURSOR if chosen else " "), *self.line(row, max(width - 1, 0))]
            strip = self._strips[row, width, chosen] = self._strip(parts, width, chosen=chosen)
        return strip

    def _strip(self, parts: Sequence[Part], width: int, *, chosen: bool) -> Strip:
        base = self.rich_style
        if chosen:
            base += self.get_component_rich_style("listing--cursor", partial=True)
        segments = [
            Segment(
                part.text,
                base + self.get_component_rich_style(f"listing--{part.role}", partial=True) if part.role else base,
            )
            for part in parts
        ]
        return Strip(segments).adjust_cell_length(width, base)
