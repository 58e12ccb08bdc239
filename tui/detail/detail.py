"""The selected operation, scrolled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice, repeat
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size

from agentrt.showing.words import counted

from .about import Section
from .lines import Line, fitted
from .pages import Pages

_TITLES = 8
"""Columns of the sections' titles, at the left."""


class Detail(Pages):
    """Shows sections. Enter unfolds the first folded one in sight; where there is none, all are folded again.

    The same operation shown again stays where it is scrolled to, and as it is unfolded.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "fold", "Unfold", show=False)]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._sections: tuple[Section, ...] = ()
        self._rows: list[Line] = []
        self._starts: list[int] = []
        """The first row of each section."""
        self._key: object = None
        self._unfolded: set[str] = set()

    def show(self, sections: Sequence[Section], key: object = None) -> None:
        """``key``: which operation it is; one that is not equal to the last begins at the top. None: the first
        section."""
        sections = tuple(sections)
        key = key if key is not None else (sections[0] if sections else None)
        if key == self._key and sections == self._sections:
            return
        if key != self._key:
            self._unfolded.clear()
        top = self.scroll_offset.y if key == self._key else 0
        self._key, self._sections = key, sections
        self._lay_out(top)

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out(self.scroll_offset.y)

    def reveal(self, title: str) -> None:
        """Scroll to a section, where there is one of that title."""
        at = next((number for number, section in enumerate(self._sections) if section.title == title), None)
        if at is not None:
            self.scroll_to(y=self._starts[at], animate=False, force=True, immediate=True)

    def row(self, y: int) -> Line | None:
        return self._rows[y] if 0 <= y < len(self._rows) else None

    def action_fold(self) -> None:
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self.scrollable_content_region.height
        ends = [*self._starts[1:], len(self._rows)]
        for section, start, end in zip(self._sections, self._starts, ends, strict=True):
            if start < bottom and end > top and self._is_folded(section):
                self._unfolded.add(section.title)
                self._lay_out(top)
                return
        self._unfolded.clear()
        self._lay_out(top)

    def _is_folded(self, section: Section) -> bool:
        if not section.fold or section.title in self._unfolded:
            return False
        return next(islice(self._fitted(section), section.fold, None), None) is not None

    def _fitted(self, section: Section) -> Iterator[Line]:
        width = max(self.scrollable_content_region.width - _TITLES, 1)
        titles = chain([(f"{section.title:<{_TITLES}}", "title")], repeat((" " * _TITLES, "")))
        return ((next(titles), *row) for line in section.lines for row in fitted(line, width, words=True))

    def _lay_out(self, top: int) -> None:
        self._rows, self._starts = [], []
        for section in self._sections:
            self._starts.append(len(self._rows))
            folded = self._is_folded(section)
            self._rows += islice(self._fitted(section), section.fold if folded else None)
            if folded:
                said = f"… of {counted(len(section.lines), 'line')}; enter shows all"
                self._rows.append(((" " * _TITLES + said, "dim"),))
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows))
        self.scroll_to(y=top, animate=False, force=True, immediate=True)
        self.refresh()
