"""The blocks of a transcript. All text in them is safe to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agentrt.records.effects import Reversibility

MOST = 200_000
"""Characters of one text that are shown."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants done, or says to the agents."""

    key: str
    text: str
    waits: bool = False
    """Nobody has heard it yet."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an agent says."""

    key: str
    actor: str
    """Empty where it works alone."""
    text: str
    to: str = ""
    """Of a crew: to whom."""
    complete: bool = True
    """Else it goes on, and is not read as Markdown yet."""


@dataclass(frozen=True, slots=True)
class Action:
    """What an agent or a person had done, or has."""

    key: str
    actor: str
    shown: str
    """One line."""
    state: str
    """A key of ``marks.STATES``."""
    operation: int | None = None
    effects: str = ""
    worst: Reversibility | None = None
    ended: str = ""
    """``exit code 1``, ``asked, and allowed``"""
    failed: bool = False
    more: str = ""
    """Lines below: an answer, why it was not carried out."""
    output: tuple[str, ...] = ()
    """The last lines of what it prints, while it runs; the first and the last ones of a person's own."""
    came: int = 0
    """Lines it has printed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What waits for a person's answer."""

    key: str
    kind: Literal["ask", "hold", "inquire"]
    actor: str
    text: str
    rule: str
    because: str


@dataclass(frozen=True, slots=True)
class Note:
    """What happened besides: undone, waits, is over."""

    key: str
    text: str
    style: str = "dim"


Block = Asked | Said | Action | Question | Note
