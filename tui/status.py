"""The status line: state, step, cost, changes, to review, not undoable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from agentrt.records import Usage
from agentrt.showing.marks import HARMS
from agentrt.showing.plain import cells, cut, plain
from agentrt.showing.words import counted


@dataclass(frozen=True)
class Status:
    """What there is to say; numbers of the session unless another thing is said."""

    phase: str = "idle"
    doing: str = ""
    """What is being done: ``$ pytest -q``."""
    turns: int = 0
    actions: int = 0
    usage: Usage = field(default_factory=Usage)
    changes: int | None = None
    """Files that are not in the real workspace yet; None where that is not known."""
    review: int = 0
    final: int = 0
    """Operations that no undo takes back whole."""
    paused: bool = False
    waiting: str = ""
    """What was asked for and waits until an action is done."""
    trouble: str = ""
    """Where the host cannot be had: why."""


_SEPARATOR = " · "
_LEAST = 20
"""Columns that no hint takes from what is said."""


def pieces(status: Status) -> list[str]:
    """What there is to say, the most important first."""
    final = HARMS["irreversible"].glyph
    said = [
        plain(status.phase) + (f" {plain(status.doing)}" if status.doing else ""),
        f"{status.waiting} waits (esc)" if status.waiting else "",
        f"{status.review} to review" if status.review else "",
        f"{final} {status.final} not undoable" if status.final else "",
        f"{counted(status.changes, 'file')} to apply" if status.changes else "",
        f"step {status.turns}" if status.turns else "",
        cost(status.usage),
        "paused: end follows" if status.paused else "",
        f"{counted(status.actions, 'action')}" if status.actions else "",
    ]
    return [piece for piece in ([f"no host: {plain(status.trouble)}"] if status.trouble else []) + said if piece]


def cost(usage: Usage) -> str:
    """Money where the price is known, else tokens."""
    if usage.cost_usd is not None:
        return f"${usage.cost_usd:.2f}"
    tokens = usage.input_tokens + usage.output_tokens
    return f"{tokens / 1000:.1f}k tokens" if tokens >= 1000 else f"{tokens} tokens" if tokens else ""


def hints(focus: Literal["prompt", "filter", "choice", "pane"], *, works: bool) -> tuple[str, ...]:
    """What keys do there, the most important first. ``works``: something goes on that can be stopped."""
    if focus == "choice":
        return ()  # it says so itself
    if focus == "filter":
        return ("ctrl+p everything",)
    if focus == "prompt":
        return ("esc esc stops it" if works else "enter sends", "esc leaves", "ctrl+p everything")
    return ("esc stops it", "? help", "n next") if works else ("? help", "q quit", "n next")


def line(status: Status, width: int, hints: Sequence[str] = ()) -> str:
    """In ``width`` columns: what does not fit is left out, the least important first; hints fill what is left. While
    something goes on the first one, how to stop it, has its place before."""
    kept = cells(hints[0]) + 2 if hints and status.phase != "idle" else 0
    room = width - kept if width - kept >= _LEAST else width
    said = pieces(status)
    said[0] = cut(said[0], max(room - sum(cells(piece) + len(_SEPARATOR) for piece in said[1:3]), min(room, 8)))
    text = said[0]
    for piece in said[1:]:
        if cells(text) + len(_SEPARATOR) + cells(piece) <= room:
            text += _SEPARATOR + piece
    right = ""
    for hint in hints:
        more = f"{right}{_SEPARATOR if right else ''}{hint}"
        if cells(text) + cells(more) + 2 <= width:
            right = more
    return text + " " * (width - cells(text) - cells(right)) + right if right else text
