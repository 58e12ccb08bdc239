"""What both widgets are: rows of pieces, drawn where they are in sight and nowhere else."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.scroll_view import ScrollView
from textual.strip import Strip

from .lines import STYLES, Line


class Pages(ScrollView, can_focus=True, inherit_bindings=False):
    """Text one scrolls through. ``row`` gives what to draw."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"pages--{style}" for style in STYLES}
    DEFAULT_CSS = """
    Pages {
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
        &> .pages--dim { text-style: dim; }
        &> .pages--strong { text-style: bold; }
        &> .pages--title { color: $text-primary; text-style: bold; }
        &> .pages--emphasis { text-style: italic; }
        &> .pages--code { color: $text-secondary; }
        &> .pages--good { color: $text-success; }
        &> .pages--warn { color: $text-warning; }
        &> .pages--bad { color: $text-error; text-style: bold; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="detail.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="detail.down"),
        Binding("pageup", "page_up", "Page up", show=False, id="detail.page_up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="detail.page_down"),
        Binding("home,g", "scroll_home", "First", show=False, id="detail.first"),
        Binding("end,G", "scroll_end", "Last", show=False, id="detail.last"),
    ]

    def row(self, y: int) -> Line | None:
        """None: there is no such row."""
        raise NotImplementedError

    def row_style(self, y: int) -> str:
        """The name of a style for all of a row."""
        return ""

    # Where what is in sight is measured only then, a scroll that takes its time would be overtaken.

    def action_scroll_up(self) -> None:
        self.scroll_up(animate=False)

    def action_scroll_down(self) -> None:
        self.scroll_down(animate=False)

    def action_page_up(self) -> None:
        self.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        self.scroll_page_down(animate=False)

    def action_scroll_home(self) -> None:
        self.scroll_home(animate=False)

    def action_scroll_end(self) -> None:
        self.scroll_end(animate=False)

    def render_line(self, y: int) -> Strip:
        width, at = self.scrollable_content_region.width, y + self.scroll_offset.y
        line, base = self.row(at), self.rich_style
        if line is None:
            return Strip.blank(width, base)
        if whole := self.row_style(at):
            base += self._style(whole)
        strip = Strip([Segment(text, base + self._style(style)) for text, style in line if text])
        return strip.adjust_cell_length(width, base)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"pages--{name}", partial=True) if name else Style.null()
