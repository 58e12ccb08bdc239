"""What all the keys do: a screen that any key closes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from agentrt.showing.plain import cells

Groups = Sequence[tuple[str, Sequence[tuple[str, str]]]]
"""Headings, each with lines of keys and what they do (``keys.groups``)."""
_SCROLLING: dict[str, Callable[..., None]] = {
    **dict.fromkeys(("up", "k"), VerticalScroll.scroll_up),
    **dict.fromkeys(("down", "j"), VerticalScroll.scroll_down),
    **dict.fromkeys(("home", "g"), VerticalScroll.scroll_home),
    **dict.fromkeys(("end", "G"), VerticalScroll.scroll_end),
    "pageup": VerticalScroll.scroll_page_up,
    "pagedown": VerticalScroll.scroll_page_down,
}


def lines(groups: Groups) -> list[tuple[str, str]]:
    """Each with its style: headings, and below them keys in a column and what they do."""
    column = max((cells(keys) for _, given in groups for keys, _ in given), default=0)
    found: list[tuple[str, str]] = []
    for heading, given in groups:
        found += [("", "")] if found else []
        found.append((heading, "bold"))
        found += [(f"  {keys}{' ' * (column - cells(keys))}  {does}", "") for keys, does in given]
    return found


class Help(ModalScreen[None]):
    """Scrolls by the usual keys; any other one closes it, as does a click."""

    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > VerticalScroll {
        width: auto; max-width: 95%; height: auto; max-height: 90%; border: round $border; padding: 0 1;
    }
    Help > VerticalScroll > Static { width: auto; }
    """

    def __init__(self, groups: Groups) -> None:
        super().__init__()
        self._groups = groups

    def compose(self) -> ComposeResult:
        text = Content("\n").join(Content.styled(text, style) for text, style in lines(self._groups))
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "any key closes"
            yield Static(text, markup=False)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        scroll = _SCROLLING.get(event.key)
        if scroll is None:
            self.dismiss()
        else:
            scroll(self.query_one(VerticalScroll), animate=False)

    def on_click(self) -> None:
        self.dismiss()
