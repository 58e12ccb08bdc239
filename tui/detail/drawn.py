"""Blocks of a transcript as rows of a width."""

from __future__ import annotations

from collections.abc import Iterator

from agentrt.showing.marks import HARMS, HELD, QUESTION, STATES
from agentrt.showing.plain import cells, cut

from .blocks import Action, Asked, Block, Question, Said
from .lines import Line, Piece
from .markdown import as_it_is, markdown

FOLD = 12
"""Rows of what stands below an action, and of a notice, that are shown."""
_ASKED = 40
"""Rows of what a person asked for."""
_SAYING = 200
"""Rows of what an agent is saying."""
_LEAST = 24
"""Columns for what an action was, beside what became of it."""
_STYLES = {
    **dict.fromkeys(("accepted", "done"), "good"),
    **dict.fromkeys(("rejected", "rolled_back", "denied", "failed"), "bad"),
}
Rows = tuple[Line, ...]


def drawn(block: Block, width: int) -> Rows:
    """The rows are of at most ``width`` columns."""
    if isinstance(block, Asked):
        head: Line = (("you", "title"), ("  the agent is told before its next turn" if block.waits else "", "dim"))
        return (_EMPTY, head, *_capped(as_it_is(block.text, width, indent="  "), _ASKED))
    if isinstance(block, Said):
        return (_EMPTY, *_said(block, width))
    if isinstance(block, Action):
        return tuple(_action(block, width))
    if isinstance(block, Question):
        return question(block, width)
    return _capped(as_it_is(block.text, width, block.style), FOLD)


_EMPTY: Line = (("", ""),)


def _said(block: Said, width: int) -> Iterator[Line]:
    if block.actor or block.to:
        to = f" to {block.to}" if block.to else ""
        yield ((f"{block.actor or 'agent'}{to}:", "title"),)
    if block.complete:
        yield from markdown(block.text, width)
    else:
        yield from as_it_is(block.text, width)[-_SAYING:]


def _action(block: Action, width: int) -> Iterator[Line]:
    mark, style = STATES[block.state], _STYLES.get(block.state, "warn")
    came = f"{block.came:,} lines" if block.came > len(block.output) else ""
    words = [mark.word if block.state != "done" else "", block.effects, block.ended, came]
    after = " · ".join(filter(None, words))
    harm = HARMS[block.worst] if block.worst is not None else HARMS["reversible"]
    bad = f" {harm}" if harm.word else ""
    actor = f"{block.actor}: " if block.actor else ""
    room = width - cells(f"{mark.glyph} {actor}{after}{bad}") - 2
    beside = room >= min(_LEAST, cells(block.shown))
    shown = cut(block.shown, max(room if beside else width - cells(f"{mark.glyph} {actor}"), 1))
    line: list[Piece] = [(f"{mark.glyph} ", style), (actor, "dim"), (shown, "code")]
    if beside:
        yield (*line, (f"  {after}" if after else "", "bad" if block.failed else "dim"), (bad, "bad"))
    else:
        yield tuple(line)
        yield from as_it_is((after + bad).strip(), width, "bad" if block.failed or bad else "dim", "  ")
    yield from _capped(as_it_is(block.more, width, "dim", "  ") if block.more else (), FOLD)
    for printed in block.output:
        yield (("│ ", "dim"), (cut(printed, max(width - 2, 1)), "dim"))


def question(block: Question, width: int, choices: str = "") -> Rows:
    """``choices``: how it can be answered now."""
    mark = HELD if block.kind == "hold" else QUESTION
    who = block.actor or ("the agent" if block.kind == "inquire" else "agent")
    head = f"{mark.glyph} {who} asks" if block.kind == "inquire" else f"{mark} · {who} would"
    rows = [_EMPTY, *as_it_is(head, width, "warn"), *_capped(as_it_is(block.text, width, "code", "  "), _ASKED)]
    if block.rule or block.because:
        rows += as_it_is(": ".join(filter(None, (block.rule, block.because))), width, "dim", "  ")
    return (*rows, *(as_it_is(choices, width, "strong", "  ") if choices else ()))


def _capped(rows: Rows, most: int) -> Rows:
    if len(rows) <= most:
        return rows
    return (*rows[: most - 1], ((f"  … {len(rows) - most + 1:,} more lines", "dim"),))
