"""The live transcript: it follows the end, and shows what waits for a person in its place, without being in the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Static

from .blocks import Note, Question
from .drawn import Rows, question
from .scroll import Blocks
from .transcript import Transcript

_PAUSE = 0.05
"""Seconds between two drawings at least."""


class Live(Vertical):
    """Shows a transcript. Of several questions the keys are about one: the oldest, or the one chosen."""

    DEFAULT_CSS = """
    Live > #paused { height: 1; color: $text-warning; text-style: reverse; display: none; }
    """

    def __init__(self, choices: Mapping[str, str] = {}, *, id: str | None = None, classes: str | None = None) -> None:
        """``choices``: by which keys a question is answered, in words, by its kind."""
        super().__init__(id=id, classes=classes)
        self._choices = choices
        self._blocks = Blocks(self._question)
        self._transcript = Transcript()
        self._timer: Timer | None = None
        self._stale = False
        self._chosen = ""
        self._welcome: tuple[Note, ...] = ()

    def compose(self) -> ComposeResult:
        yield self._blocks
        yield Static("paused, end follows", id="paused", markup=False)

    def focus(self, scroll_visible: bool = True) -> Self:
        self._blocks.focus(scroll_visible)
        return self

    @property
    def follows(self) -> bool:
        return self._blocks.follows

    def follow(self) -> None:
        """Go to the end, and stay there."""
        self._blocks.follow()

    @property
    def current(self) -> Question | None:
        """The question that the keys are about."""
        waiting = self._transcript.questions
        chosen = (question for question in waiting if question.key == self._chosen)
        return next(chosen, waiting[0] if waiting else None)

    @property
    def drawn(self) -> bool:
        """All that was shown is on the screen."""
        return not self._stale and self._timer is None

    def show(self, transcript: Transcript) -> None:
        """May be called as often as something comes: it is drawn a few times a second."""
        self._transcript = transcript
        self._redraw()

    def welcome(self, *texts: str) -> None:
        """What stands there while nothing was said or done; the texts are safe to show."""
        self._welcome = tuple(Note(f"w{number}", f"\n{text}") for number, text in enumerate(texts))
        self._redraw()

    def choose(self, question: str) -> None:
        """The keys are about this one."""
        self._chosen = question
        self._redraw()

    def on_mount(self) -> None:
        if self._stale:
            self._draw()

    def _redraw(self) -> None:
        self._stale = True
        if self._timer is None and self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        self._stale = False
        self._blocks.show(self._transcript.blocks or self._welcome)
        self._timer = self.set_timer(_PAUSE, self._again)

    def _again(self) -> None:
        self._timer = None
        if self._stale:
            self._draw()

    @on(Blocks.Followed)
    def _followed(self, event: Blocks.Followed) -> None:
        event.stop()
        self.query_one("#paused").display = not event.follows

    def _question(self, asked: Question, width: int) -> Rows:
        current = self.current
        mine = current is not None and current.key == asked.key
        return question(asked, width, self._choices.get(asked.kind, "") if mine else "")
