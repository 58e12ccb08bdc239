"""What stands in which row of a diff. Rows are made when they are asked for; only their number is known before."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Literal, NamedTuple

from agentrt.history.hunks import Opcode

from .model import Body, DiffModel
from .runs import Mode, Run, runs, sizes
from .text import height

Kind = Literal["file", "hunk", "context", "added", "removed", "pair", "fold", "note", "wait"]
SIDES_WIDTH = 78
"""Columns that two sides want."""
LONG = 400
"""Lines of one run that are all shown; a longer one is shown page by page."""
PAGE = 200
_GAP = 3
"""Columns between numbers and text: the sign, and spaces around it."""


class RunKey(NamedTuple):
    """A run of lines that look alike: which one of a hunk, from 0."""

    path: str
    hunk: int
    run: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the screen."""

    kind: Kind
    file: int = -1
    """Index in the model's files; -1: of none."""
    hunk: int = 0
    """From 1; 0 outside of hunks."""
    old: int = 0
    """Number of the line before, from 1; 0: there is none."""
    new: int = 0
    mate: int = 0
    """Number of the line on the other side that a removed or an added one is compared with; 0: none."""
    part: int = 0
    """Of a wrapped line: which of its rows, from 0."""
    more: int = 0
    """Lines a fold hides."""
    key: RunKey | None = None
    """What a fold hides lines of."""
    text: str = ""
    """Of a note; safe to show."""


@dataclass(frozen=True)
class Options:
    """How a person wants to see it."""

    mode: Mode = "unified"
    width: int = 80
    wrap: bool = False
    folded: Mapping[str, bool] = field(default_factory=dict)
    """By path, where it is not as it starts."""
    more: Mapping[RunKey, int] = field(default_factory=dict)
    """Lines of long runs that were asked for, beyond the first page."""


class _Section(NamedTuple):
    """Rows that belong together: a header, a note or a hunk."""

    file: int
    hunk: int
    kind: Kind
    rows: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Laid:
    """The runs of a hunk as they are shown."""

    runs: list[Run]
    shown: list[int]
    """Lines of each."""
    starts: list[int]
    """Rows they start at, and where the last one ends."""
    ends: list[list[int]]
    """Of each run, where wrapped each line ends, in rows from the run's start; else empty."""


class Rows:
    """The rows of ``model`` as ``options`` have them; addressed by index, counted with ``len``."""

    def __init__(self, model: DiffModel, options: Options) -> None:
        self.model, self.options = model, options
        self.mode: Mode = "unified" if options.width < SIDES_WIDTH else options.mode
        self._made: dict[tuple[int, int], _Laid] = {}
        self._sections = list(self._cut())
        self._starts = [0, *accumulate(section.rows for section in self._sections)]

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> Row:
        if not 0 <= index < len(self):
            raise IndexError(index)
        at = bisect_right(self._starts, index) - 1
        section, offset = self._sections[at], index - self._starts[at]
        if section.kind == "hunk" and offset:
            return self._in_hunk(section, offset - 1)
        return Row(section.kind, section.file, section.hunk, text=section.text)

    def folded(self, file: int) -> bool:
        entry = self.model.files[file]
        return self.options.folded.get(entry.path, self.model.starts_folded(entry))

    def body(self, file: int) -> Body:
        return self.model.files[file].body or Body()

    def digits(self, file: int) -> int:
        """Columns of a line number."""
        body = self.body(file)
        return len(str(max(len(body.old), len(body.new), 1)))

    @property
    def side_width(self) -> int:
        """Columns of either side; between the sides there is one more."""
        return (self.options.width - 1) // 2

    def text_width(self, file: int) -> int:
        """Columns for a line's text, on either side."""
        digits = self.digits(file)
        if self.mode == "sides":
            return max(self.side_width - digits - _GAP, 1)
        return max(self.options.width - 2 * digits - 1 - _GAP, 1)

    # ------------------------------------------------------------------------------------------ where a cursor goes

    def hunk_from(self, index: int, step: Literal[-1, 1]) -> int:
        """Where the next hunk starts, or the one before; a file that shows no hunks counts as one. ``index`` where
        there is none."""
        return _next(self._hunk_stops, index, step)

    def file_from(self, index: int, step: Literal[-1, 1]) -> int:
        return _next(self._file_stops, index, step)

    def index_of(self, row: Row) -> int:
        """Where a row, maybe of other options or of a model with other bodies, is now; else its hunk, or its file."""
        inside = [number for number, section in enumerate(self._sections) if section.file == row.file]
        if not inside:
            return 0
        at = next((n for n in inside if self._sections[n].hunk == row.hunk and row.hunk), inside[0])
        place = self._line_at(self._sections[at], row) if self._sections[at].hunk and row.old + row.new else 0
        return self._starts[at] + place

    @cached_property
    def _file_stops(self) -> list[int]:
        return [start for start, section in self._started() if section.kind == "file"]

    @cached_property
    def _hunk_stops(self) -> list[int]:
        with_hunks = {section.file for section in self._sections if section.hunk}
        return [
            start
            for start, section in self._started()
            if section.hunk or (section.kind == "file" and section.file not in with_hunks)
        ]

    def _started(self) -> Iterator[tuple[int, _Section]]:
        return zip(self._starts, self._sections, strict=False)

    def _line_at(self, section: _Section, row: Row) -> int:
        """The row of the hunk with this line, or with the last one that is shown of its run; 0: the hunk's title."""
        laid = self._laid(section.file, section.hunk)
        found = 0
        for number, run in enumerate(laid.runs):
            line = run.place(row.old, row.new)
            if line is None or (found and run.kind != row.kind):
                continue
            line = min(line, laid.shown[number] - 1)
            ends = laid.ends[number]
            found = 1 + laid.starts[number] + (ends[line - 1] if ends and line else line)
        return found

    # ------------------------------------------------------------------------------------------------------- counting

    def _cut(self) -> Iterator[_Section]:
        if self.options.mode != self.mode:
            text = f"side by side wants {SIDES_WIDTH} columns, here are {self.options.width}: shown unified"
            yield _Section(-1, 0, "note", 1, text)
        for number, file in enumerate(self.model.files):
            yield _Section(number, 0, "file", 1)
            if self.folded(number):
                continue
            if file.body is None:
                yield _Section(number, 0, "wait", 1)
                continue
            for said in file.body.said:
                yield _Section(number, 0, "note", 1, said)
            for hunk, codes in enumerate(file.body.hunks, 1):
                yield _Section(number, hunk, "hunk", 1 + self._rows_of(number, hunk, codes))

    def _rows_of(self, file: int, hunk: int, codes: Iterable[Opcode]) -> int:
        if self.options.wrap:
            return self._laid(file, hunk).starts[-1]
        path = self.model.files[file].path
        total = 0
        for number, size in enumerate(sizes(codes, self.mode)):
            shown = size if size <= LONG else self._shown(RunKey(path, hunk, number), size)
            total += shown + (shown < size)
        return total

    def _shown(self, key: RunKey, size: int) -> int:
        """Lines of a run that are shown."""
        return size if size <= LONG else min(size, PAGE + self.options.more.get(key, 0))

    # ---------------------------------------------------------------------------------------------------- inside a hunk

    def _laid(self, file: int, hunk: int) -> _Laid:
        found = self._made.get((file, hunk))
        if found is None:
            path = self.model.files[file].path
            made = list(runs(self.body(file).hunks[hunk - 1], self.mode))
            shown = [self._shown(RunKey(path, hunk, number), run.lines) for number, run in enumerate(made)]
            ends: list[list[int]] = [[] for _ in made]
            if self.options.wrap:
                ends = [list(accumulate(self._heights(file, *both))) for both in zip(made, shown, strict=True)]
            rows = [
                (end[-1] if end else count) + (count < run.lines)
                for run, count, end in zip(made, shown, ends, strict=True)
            ]
            found = self._made[file, hunk] = _Laid(made, shown, [0, *accumulate(rows)], ends)
        return found

    def _heights(self, file: int, run: Run, shown: int) -> Iterator[int]:
        body, width = self.body(file), self.text_width(file)
        for line in range(shown):
            old, new, _ = run.numbers(line)
            of_old = height(body.old[old - 1], width) if old else 1
            yield max(of_old, height(body.new[new - 1], width) if new and run.kind != "context" else 1)

    def _in_hunk(self, section: _Section, offset: int) -> Row:
        laid = self._laid(section.file, section.hunk)
        at = bisect_right(laid.starts, offset) - 1
        run, shown, ends = laid.runs[at], laid.shown[at], laid.ends[at]
        offset -= laid.starts[at]
        part = 0
        if ends:
            line = bisect_right(ends, offset)
            part, offset = offset - (ends[line - 1] if line else 0), line
        if offset == shown:
            key = RunKey(self.model.files[section.file].path, section.hunk, at)
            return Row("fold", section.file, section.hunk, more=run.lines - shown, key=key)
        old, new, mate = run.numbers(offset)
        return Row(run.kind, section.file, section.hunk, old, new, mate, part)


def _next(stops: list[int], index: int, step: Literal[-1, 1]) -> int:
    at = bisect_right(stops, index) if step > 0 else bisect_right(stops, index - 1) - 1
    return stops[at] if 0 <= at < len(stops) else index
