"""A row as pieces of text: what stays in place when one scrolls sideways, and what moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agentrt.history.hunks import title
from agentrt.showing.marks import FOLDED, STATES, UNFOLDED
from agentrt.showing.patch import NO_NEWLINE

from .rows import PAGE, Row, Rows
from .syntax import Colours
from .text import Piece, Span, decoded, more_text, pieces, wrapped
from .words import changed_words

States = Mapping[str, Mapping[int, str]]
"""By path and hunk the review: ``pending``, ``accepted`` or ``rejected``; hunk 0 is the whole file."""
Side = Literal["old", "new"]
_SIGNS = {"removed": "-", "added": "+", "context": " "}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One row, or one side of it."""

    fixed: Sequence[Piece] = ()
    text: Sequence[Piece] = ()
    looks: tuple[str, ...] = ()
    """Of the columns that are left over."""

    def __str__(self) -> str:
        return "".join(piece.text for piece in (*self.fixed, *self.text))


@dataclass
class Palette:
    """The colours of a model's files; kept while their bodies are the same."""

    _known: dict[tuple[int, Side], tuple[object, Colours]] = field(default_factory=dict)

    def of(self, rows: Rows, file: int, side: Side) -> Colours:
        body = rows.body(file)
        known = self._known.get((file, side))
        if known is None or known[0] is not body:
            effect = rows.model.files[file].effect
            path = (effect.renamed_from or effect.path) if side == "old" else effect.path
            known = self._known[file, side] = body, Colours(path, body.old if side == "old" else body.new)
        return known[1]


def draw(rows: Rows, row: Row, states: States, palette: Palette) -> list[Drawn]:
    """The row; where it shows two sides both of them, the left one as wide as ``rows.side_width``."""
    if row.kind == "file":
        return [Drawn(text=_file(rows, row, states), looks=("file",))]
    if row.kind == "hunk":
        return [Drawn(text=[Piece(_hunk(rows, row, states), ("hunk",))], looks=("hunk",))]
    if row.kind == "fold":
        text = f"… {row.more:,} lines more, enter shows {min(PAGE, row.more):,}"
        return [Drawn(text=[Piece(text, ("fold",))])]
    if row.kind in ("note", "wait"):
        return [Drawn(text=[Piece(row.text or "…", ("note",))])]
    if rows.mode == "side-by-side":
        return [_line(rows, row, "old", palette), _line(rows, row, "new", palette)]
    return [_line(rows, row, "old" if row.kind == "removed" else "new", palette)]


def _file(rows: Rows, row: Row, states: States) -> list[Piece]:
    file = rows.model.files[row.file]
    folded = rows.folded(row.file)
    text = f"{(FOLDED if folded else UNFOLDED).glyph} {file.title}"
    if file.body is not None and file.body.hunks:
        text += f"  +{file.body.added:,} -{file.body.removed:,}"
        if folded:
            count = len(file.body.hunks)
            text += f" in {count:,} hunk{'s' * (count != 1)}"
    return [Piece(text + _state(states, file.path, 0), ("file",))]


def _hunk(rows: Rows, row: Row, states: States) -> str:
    file = rows.model.files[row.file]
    count = len(rows.body(row.file).hunks)
    text = title(rows.body(row.file).hunks[row.hunk - 1])
    return f"{text}  hunk {row.hunk:,} of {count:,}{_state(states, file.path, row.hunk)}"


def _state(states: States, path: str, hunk: int) -> str:
    state = states.get(path, {}).get(hunk)
    return "" if state is None else f"  {STATES[state]}"


def _line(rows: Rows, row: Row, side: Side, palette: Palette) -> Drawn:
    number = row.old if side == "old" else row.new
    digits = rows.digits(row.file)
    kind = row.kind
    if kind == "pair":
        kind = "removed" if side == "old" else "added"
    numbers = (row.old, row.new) if rows.mode == "unified" else (number,)
    if not number:
        return Drawn(fixed=[Piece(" " * (digits + 3), ("gutter",))])
    first = row.part == 0
    gutter = " ".join(f"{n if n and first else '':>{digits}}" for n in numbers)
    looks = () if kind == "context" else (kind,)
    fixed = [Piece(gutter, ("gutter",)), Piece(f" {_SIGNS[kind] if first else ' '} ", looks)]
    text = _text(rows, row, side, number, looks, palette)
    if rows.options.wrap:
        text = wrapped(text, rows.text_width(row.file), row.part)
    return Drawn(fixed, text, looks)


def _text(rows: Rows, row: Row, side: Side, number: int, looks: tuple[str, ...], palette: Palette) -> list[Piece]:
    body = rows.body(row.file)
    line = (body.old if side == "old" else body.new)[number - 1]
    text, more = decoded(line)
    spans = [*palette.of(rows, row.file, side).spans(number), *_changed(rows, row, side, text)]
    found = pieces(text, spans, looks)
    if more:
        found.append(Piece(more_text(more), ("fold",)))
    if not line.endswith(b"\n"):
        found.append(Piece(f"  {NO_NEWLINE}", ("note",)))
    return found


def _changed(rows: Rows, row: Row, side: Side, text: str) -> Sequence[Span]:
    """What changed of a line that stands for another one."""
    other = row.new if side == "old" else row.old
    mate = other if row.kind == "pair" else row.mate
    if not mate:
        return ()
    body = rows.body(row.file)
    its, _ = decoded((body.new if side == "old" else body.old)[mate - 1])
    old, new = (text, its) if side == "old" else (its, text)
    return changed_words(old, new)[side == "new"]
