"""Exact replacement and insertion in a text."""

from __future__ import annotations

from .display import count
from .lines import all_crlf, bare, join, like, split, to_crlf
from .loading import Failed
from .nearest import why_missing

_LISTED = 20


def replace(text: str, old: str, new: str, *, every: bool) -> str:
    """``old`` replaced by ``new``: its one occurrence, or all of them. Raises ``Failed``.

    In a text whose lines all end in CRLF, a line end in ``old`` and ``new`` may be written as ``\\n``.
    """
    if all_crlf(text) and "\r" not in old:
        old, new = to_crlf(old), to_crlf(new)
    places = _places(text, old)
    if not places:
        raise Failed(f"old does not occur; {why_missing(text, old, what='old')}")
    if len(places) > 1 and not every:
        numbers = [str(text.count("\n", 0, place) + 1) for place in places[:_LISTED]]
        more = ", …" if len(places) > _LISTED else ""
        raise Failed(
            f"old occurs {len(places):,} times, at lines {', '.join(numbers)}{more}: add lines around it until it "
            "occurs once, or set all to replace every one"
        )
    return text.replace(old, new)


def _places(text: str, old: str) -> list[int]:
    """Every place where ``old`` begins, also where two overlap: either could be meant."""
    places = []
    place = text.find(old)
    while place >= 0:
        places.append(place)
        place = text.find(old, place + 1)
    return places


def insert(text: str, added: str, line: int) -> str:
    """``added`` as lines of its own after line ``line`` (from 1; 0 is the top). Raises ``Failed``."""
    lines = split(text)
    if line > len(lines):
        raise Failed(f"there is no line {line}: the file has {count(len(lines), 'line')}")
    newline = like(lines, line)
    new = [bare(one) + newline for one in split(added)]
    return join([*lines[:line], *new, *lines[line:]], lines)
