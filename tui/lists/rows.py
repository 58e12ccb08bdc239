"""What rows of lists are made of, and how one is fitted into a width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from agentrt.records.effects import Reversibility
from agentrt.showing.marks import HARMS
from agentrt.showing.plain import cells, cut

What = Literal["question", "operation", "fork", "now"]
Role = Literal["", "dim", "good", "bad", "warn", "harm", "here"]
"""What a colour may stress; the words say it, too."""

_LEAST = 8
"""Columns of the text that a tag of less weight does not take away."""
_NAMES = 12
"""Columns for the name of an actor, at most."""
NARROW = 40
"""Columns below which names are left out, and words shortened."""


class Key(NamedTuple):
    """What a row stands for: stays the same while rows come and go."""

    what: What
    of: int | str = ""
    """Of a question its id, of an operation its number (0: the start), of a fork its session."""


NOW = Key("now")
START = Key("operation", 0)


class Part(NamedTuple):
    """A piece of a line; the text is safe to show."""

    text: str
    role: Role = ""


class Columns(NamedTuple):
    """What the rows of a list share, so that they stand below each other."""

    digits: int = 1
    """Of the largest number."""
    names: int = 0
    """Columns of the longest name; 0 where there is one actor only, whose name says nothing."""

    @classmethod
    def of(cls, last: int, actors: Iterable[str]) -> Columns:
        """For operations up to number ``last``."""
        there = set(actors)
        return cls(len(str(last)), max(map(cells, there)) if len(there) > 1 else 0)

    def number(self, number: int | None) -> str:
        return f"{'' if number is None else number:>{self.digits}} "

    def actor(self, name: str, width: int) -> list[Part]:
        """Its name in a list of ``width`` columns: nothing in a narrow one."""
        shown = self.names and width >= NARROW
        return [Part(padded(name, min(self.names, _NAMES)) + " ", "dim")] if shown else []


def harm_tag(worst: Reversibility | None) -> list[Part]:
    """Glyph and word for what undo cannot simply take back; nothing for the rest."""
    if worst is None or worst == "reversible":
        return []
    return [Part(str(HARMS[worst]), "harm" if worst == "irreversible" else "warn")]


def padded(text: str, width: int) -> str:
    """``text`` in exactly ``width`` columns."""
    short = cut(text, width) if width > 2 else ""
    return short + " " * (width - cells(short))


def fitted(
    width: int, lead: Sequence[Part], must: Sequence[Part], may: Sequence[Part], text: Part, right: Part
) -> list[Part]:
    """A line of ``width`` columns.

    The tags come before the text: whatever it is made of, it cannot push them out. Those of ``must`` are always there,
    those of ``may`` where they leave the text room to say something, ``right`` where it leaves it enough.
    """
    line = [*lead, *(Part(tag.text + " ", tag.role) for tag in must)]
    room = max(width - sum(cells(part.text) for part in line), 0)
    wants = cells(text.text)
    for tag in may:
        if (left := room - cells(tag.text) - 1) >= min(wants, _LEAST):
            line.append(Part(tag.text + " ", tag.role))
            room = left
    left = room - cells(right.text) - 2
    if right.text and left >= min(wants, max(width // 2, 2 * _LEAST)):
        return [*line, Part(padded(text.text, left), text.role), Part("  " + right.text, right.role)]
    return [*line, Part(padded(text.text, room), text.role)]
