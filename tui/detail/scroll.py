"""The blocks of a transcript, scrolled: each is drawn once, and only what is in sight or near it at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.timer import Timer

from .blocks import Block, Question, Said
from .drawn import Rows, drawn
from .lines import Line
from .pages import Pages

_AT_ONCE = 10
"""Blocks that are drawn in a row while nothing else waits."""
_NEAR = 50
"""Blocks before the one at the top that may tell where it was."""
_PAUSE = 0.03
"""Seconds between."""


class Blocks(Pages):
    """Follows the end, until one scrolls away from it.

    A block out of sight has the height it probably has. When it turns out to be another, what is in sight stays.
    """

    DEFAULT_CSS = "Blocks { scrollbar-gutter: stable; }"  # a row is as wide with a scrollbar as without

    class Followed(Message):
        """Whether the end is followed has changed."""

        def __init__(self, follows: bool) -> None:
            super().__init__()
            self.follows = follows

    class Topped(Message):
        """One scrolled up to the first block: what was before it may be shown now."""

    def __init__(self, question: Callable[[Question, int], Rows]) -> None:
        """``question`` draws one: what can be answered is for who asks to know."""
        super().__init__()
        self.follows = True
        self._question = question
        self._blocks: Sequence[Block] = ()
        self._drawn: dict[str, tuple[Block, Rows]] = {}
        self._starts: list[int] = [0]
        """The first row of each block, and the row after the last one."""
        self._placing = False
        self._drawn_in = self._asked_for = 0
        """Columns that rows are drawn in, and are to be."""
        self._idle: Timer | None = None

    def show(self, blocks: Sequence[Block]) -> None:
        self._lay_out(blocks)
        if self._idle is None:
            self._idle = self.set_interval(_PAUSE, self._draw_some)

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out(self._blocks)

    def row(self, y: int) -> Line | None:
        if self._width not in (self._drawn_in, self._asked_for):  # no event says so where the first layout was late
            self._asked_for = self._width
            self.call_later(self._lay_out, self._blocks)
        at = bisect_right(self._starts, y) - 1
        if not 0 <= at < len(self._blocks):
            return None
        rows, number = self._rows_of(self._blocks[at]), y - self._starts[at]
        return rows[number] if number < len(rows) else None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._placing and old_value != new_value:
            self._follow(new_value >= self.max_scroll_y)
            if new_value <= 0 and not self.follows:
                self.post_message(self.Topped())
            if not all(map(self._is_drawn, self._in_sight())):
                self._lay_out(self._blocks)

    @property
    def drawing(self) -> bool:
        """Whether blocks out of sight are still to be drawn."""
        return self._idle is not None

    def reveal(self, key: str) -> None:
        """Scroll to a block; to one that is not there not at all."""
        at = next((number for number, block in enumerate(self._blocks) if block.key == key), None)
        if at is not None:
            self.scroll_to(y=self._starts[at], animate=False, force=True, immediate=True)

    def follow(self) -> None:
        """Go to the end, and stay there."""
        self._follow(True)
        self._lay_out(self._blocks)

    def _follow(self, follows: bool) -> None:
        if follows != self.follows:
            self.follows = follows
            self.post_message(self.Followed(follows))

    # ------------------------------------------------------------------------------------------- where things stand

    @property
    def _width(self) -> int:
        return max(self.scrollable_content_region.width, 1)

    def _is_drawn(self, block: Block) -> bool:
        held = self._drawn.get(block.key)
        return held is not None and (held[0] is block or held[0] == block)

    def _rows_of(self, block: Block) -> Rows:
        if self._is_drawn(block):
            return self._drawn[block.key][1]
        rows = self._question(block, self._width) if isinstance(block, Question) else drawn(block, self._width)
        self._drawn[block.key] = block, rows
        return rows

    def _height(self, block: Block) -> int:
        if isinstance(block, Said) and not self._is_drawn(block):
            return 1 + block.text.count("\n") + len(block.text) // self._width
        return len(self._rows_of(block))

    def _in_sight(self) -> Sequence[Block]:
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        first = max(bisect_right(self._starts, top - height) - 1, 0)
        return self._blocks[first : bisect_right(self._starts, top + 2 * height)]

    def _lay_out(self, blocks: Sequence[Block]) -> None:
        """Measures all, draws what is in sight; what was at the top stays there, or the end at the end."""
        if self._width != self._drawn_in:
            self._drawn_in = self._asked_for = self._width
            self._drawn.clear()
        anchor = self._anchor(blocks)
        self._blocks = blocks
        for block in blocks:
            if isinstance(block, Question):  # what can be answered may have changed
                self._drawn.pop(block.key, None)
        if len(self._drawn) > 2 * len(blocks) + 100:
            held = {block.key for block in blocks}
            self._drawn = {key: one for key, one in self._drawn.items() if key in held}
        while True:
            self._starts = [0, *accumulate(map(self._height, blocks))]
            self._place(anchor)
            missing = [block for block in self._in_sight() if not self._is_drawn(block)]
            if not missing:
                break
            for block in missing:
                self._rows_of(block)
        self.refresh()

    def _anchor(self, blocks: Sequence[Block]) -> tuple[int, int] | None:
        """What is to stay: which of ``blocks``, and how far below its first row what is in sight begins. None: the end.

        The block at the top, or one before it: what was told has another key once the journal has it.
        """
        if self.follows:
            return None
        top, places = self.scroll_offset.y, {block.key: number for number, block in enumerate(blocks)}
        at = min(bisect_right(self._starts, top), len(self._blocks)) - 1
        for number in range(at, max(at - _NEAR, -1), -1):
            if (found := places.get(self._blocks[number].key)) is not None:
                return found, top - self._starts[number]
        self._follow(True)  # it was taken back, or is of another session
        return None

    def _place(self, anchor: tuple[int, int] | None) -> None:
        self._placing = True
        try:
            self.virtual_size = Size(self._width, self._starts[-1])
            y = self.max_scroll_y if anchor is None else self._starts[anchor[0]] + anchor[1]
            if y != self.scroll_offset.y:  # else a scroll that is under way goes on
                self.scroll_to(y=y, animate=False, force=True, immediate=True)
        finally:
            self._placing = False

    def _draw_some(self) -> None:
        """Those nearest to the end first."""
        missing = [block for block in reversed(self._blocks) if isinstance(block, Said) and not self._is_drawn(block)]
        if not missing:
            if self._idle is not None:
                self._idle.stop()
            self._idle = None
            return
        for block in missing[:_AT_ONCE]:
            self._rows_of(block)
        self._lay_out(self._blocks)
