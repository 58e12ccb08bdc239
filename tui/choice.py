"""A question of the app's own, on one line above the prompt: a key for each answer, and nothing is hidden by it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

_STARTLED = 0.6
"""Seconds."""


@dataclass(frozen=True)
class Option:
    key: str
    word: str


class Choice(Vertical, can_focus=True):
    """Shown while something is to be chosen. Escape chooses nothing, arrows scroll what there is to read."""

    DEFAULT_CSS = """
    Choice { height: auto; padding: 0 1; display: none; border: heavy $warning; }
    Choice.shown { display: block; }
    Choice > VerticalScroll { height: auto; max-height: 9; scrollbar-size-vertical: 1; }
    Choice Static { height: auto; }
    """

    class Chosen(Message):
        """``key`` is None where nothing was chosen."""

        def __init__(self, key: str | None) -> None:
            super().__init__()
            self.key = key

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.options: tuple[Option, ...] = ()
        self._from = 0.0
        """When keys begin to count."""
        self._text, self._keys = Static(markup=False), Static(markup=False)
        self._scroll = VerticalScroll(self._text, can_focus=False)

    def compose(self) -> ComposeResult:
        yield self._scroll
        yield self._keys

    @property
    def shown(self) -> bool:
        return bool(self.options)

    @property
    def listens(self) -> bool:
        """Keys count."""
        return time.monotonic() >= self._from

    def ask(self, text: str, options: Sequence[Option], *, late: bool = False) -> None:
        """``text`` is safe to show; it may have several lines. An option's key may be ``enter``. ``late``: nobody may
        have expected it any more, so a key that was just being pressed is no answer to it."""
        self._from = time.monotonic() + (_STARTLED if late else 0)
        self.options = tuple(options)
        keys = "  ".join(f"{option.key} {option.word}" for option in self.options)
        self._text.update(Content(text))
        self._keys.update(Content(f"{keys}  esc leave it"))
        self._scroll.scroll_home(animate=False)
        self.add_class("shown")
        self.focus()

    def leave(self) -> None:
        self.options = ()
        self.remove_class("shown")

    def on_key(self, event: events.Key) -> None:
        if not self.listens and event.key != "escape":
            event.stop()
            event.prevent_default()
            return
        pressed = event.character if event.character and event.character.isprintable() else event.key
        if event.key == "escape" or pressed in {option.key for option in self.options}:
            self.leave()
            self.post_message(self.Chosen(None if event.key == "escape" else pressed))
        elif event.key in ("up", "pageup"):
            self._scroll.scroll_page_up(animate=False)
        elif event.key in ("down", "pagedown"):
            self._scroll.scroll_page_down(animate=False)
        elif event.key in ("tab", "shift+tab"):
            return
        event.stop()
        event.prevent_default()
