"""What rows of lists are made of, and how one is fitted into a width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from agentrt.records.effects import Reversibility
from agentrt.showing.marks import HARMS, Mark
from agentrt.showing.plain import cells, cut

What = Literal["question", "operation", "fork", "now"]
Role = Literal["", "dim", "good", "bad", "warn", "harm", "here"]
"""What a colour may stress; the words say it, too."""

_LEAST = 8
"""Columns of the text that no tag but the first takes away."""
_NAMES = 12
"""Columns for the name of an actor, at most."""


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

    def lead(self, number: int | None, mark: Mark | None, actor: str, width: int) -> list[Part]:
        """What every row begins with. A wide list has more room for names."""
        parts = [Part(f"{'' if number is None else number:>{self.digits}} {mark.glyph if mark else ' '} ")]
        if self.names:
            room = min(self.names, _NAMES, width // 6)
            parts.append(Part(padded(actor, room) + " ", "dim"))
        return parts


def harm_tag(worst: Reversibility | None) -> list[Part]:
    """Glyph and word for what undo cannot simply take back; nothing for the rest."""
    if worst is None or worst == "reversible":
        return []
    return [Part(str(HARMS[worst]), "harm" if worst == "irreversible" else "warn")]


def padded(text: str, width: int) -> str:
    """``text`` in exactly ``width`` columns."""
    short = cut(text, width) if width > 2 else ""
    return short + " " * (width - cells(short))


def fitted(width: int, lead: Sequence[Part], tags: Sequence[Part], text: Part, right: Part) -> list[Part]:
    """A line of ``width`` columns.

    Tags come first, the most important one ahead: whatever a text is made of, it cannot push them out. The first one
    is always there, others where they leave the text room to say something, ``right`` where it leaves it enough.
    """
    room = width - sum(cells(part.text) for part in lead)
    wants = cells(text.text)
    line = list(lead)
    for number, tag in enumerate(tags):
        left = room - cells(tag.text) - 1
        if number == 0 or left >= min(wants, _LEAST):
            line.append(Part(tag.text + " ", tag.role))
            room = left
    left = room - cells(right.text) - 2
    if right.text and left >= min(wants, max(width // 2, 2 * _LEAST)):
        return [*line, Part(padded(text.text, left), text.role), Part("  " + right.text, right.role)]
    return [*line, Part(padded(text.text, max(room, 0)), text.role)]
