"""The two lists of the left column."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import ClassVar

from textual.content import Content

from agentrt.showing.entries import Entry
from agentrt.showing.plain import plain

from . import inbox, search, timeline
from .inbox import Asked, Item
from .listing import Listing
from .rows import Columns, Key, Part
from .search import Paths, Query
from .timeline import History, Row


class Inbox(Listing[Item]):
    """What waits for a person."""

    TITLE: ClassVar[str] = "Inbox"
    EMPTY: ClassVar[str] = "nothing waits"

    _columns = Columns()

    def update(self, questions: Iterable[Asked], entries: Sequence[Entry], to_review: Iterable[int]) -> None:
        """As the host and the feed have them."""
        items = inbox.inbox(questions, entries, to_review)
        if (shared := inbox.columns(items)) != self._columns:
            self._columns = shared
            self.forget()
        self.show(items)

    def next(self, current: Key | None) -> Key | None:
        """What needs eyes after ``current``; None where nothing waits."""
        return inbox.next_item(self.rows, current)

    def line(self, row: Item, width: int) -> list[Part]:
        return inbox.line(row, self._columns, width)


class Timeline(Listing[Row]):
    """All that happened, or what a filter lets through."""

    TITLE: ClassVar[str] = "Timeline"
    EMPTY: ClassVar[str] = "nothing like that"
    TAILS: ClassVar[bool] = True

    def __init__(self, paths: Paths, *, id: str | None = None, classes: str | None = None) -> None:
        """``paths`` says what an operation changed; it is asked once for each."""
        self._all: Sequence[Row] = ()
        self._entries: Sequence[Entry] = ()
        self._columns = Columns()
        self._query = Query()
        self._place = ""
        self._ask_paths, self._known = paths, dict[int, Collection[str]]()
        super().__init__(id=id, classes=classes)

    @property
    def query_text(self) -> str:
        """The filter; "" where all is shown."""
        return self._query.text

    @property
    def counted(self) -> str:
        found = sum(row.entry is not None for row in self.rows)
        return f"{found:,} of {len(self._entries):,}" if self._query.text else f"{len(self._entries):,}"

    def update(self, history: History) -> None:
        """As the feed has it."""
        if history.entries[:1] != self._entries[:1]:
            self._known.clear()  # another session
        self._entries = history.entries
        self._all = timeline.timeline(history, self._all)
        if (shared := timeline.columns(history)) != self._columns:
            self._columns = shared
            self.forget()
        self.show(self._picked())

    def narrow(self, text: str) -> None:
        """Show what the filter ``text`` lets through; all for "". The cursor stays where it can."""
        self._query = search.read(text)
        self._say_where()
        self.show(self._picked(), filtered=True)

    def named(self, place: str) -> None:
        """What is shown at the bottom while nothing is filtered: whose operations these are. It is safe to show."""
        self._place = place
        self._say_where()

    def _say_where(self) -> None:
        said = "; ".join(self._query.mistakes)
        self.border_subtitle = Content(said or (f"/{plain(self.query_text)}" if self.query_text else self._place))

    def line(self, row: Row, width: int) -> list[Part]:
        return timeline.line(row, self._columns, width)

    def _picked(self) -> list[Row]:
        return self._query.pick(self._all, self._paths_of)

    def _paths_of(self, op: int) -> Collection[str]:
        if op not in self._known:
            paths = self._ask_paths(op)
            if self._entries[op - 1].status == "intent":  # not over yet
                return paths
            self._known[op] = paths
        return self._known[op]
