"""What changed within a line, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache

from .text import Span

CHANGED = "changed"
_WORDS = re.compile(r"\w+|\s+|.", re.DOTALL)
_MOST_WORDS = 100
"""That are compared one by one; more are one change."""
_ALIKE = 0.4
"""Of two lines: with less in common, nothing in them is stressed."""


@lru_cache(maxsize=2000)
def changed_words(old: str, new: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Spans of both lines; none where the lines have too little in common."""
    words = _WORDS.findall(old), _WORDS.findall(new)
    head = _common(*words)
    tail = _common(*(side[head:][::-1] for side in words))
    first, second = (side[head : len(side) - tail] for side in words)
    codes = [("replace", 0, len(first), 0, len(second))]
    if max(len(first), len(second)) <= _MOST_WORDS:
        codes = [code for code in SequenceMatcher(None, first, second, False).get_opcodes() if code[0] != "equal"]
    start = sum(map(len, words[0][:head]))
    spans = (
        _spans(first, [(i1, i2) for _, i1, i2, _, _ in codes], start),
        _spans(second, [(j1, j2) for *_, j1, j2 in codes], start),
    )
    same = len(old) + len(new) - sum(span.end - span.start for side in spans for span in side)
    return spans if same >= _ALIKE * (len(old) + len(new)) else ((), ())


def _common(old: list[str], new: list[str]) -> int:
    return next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def _spans(words: list[str], ranges: list[tuple[int, int]], start: int) -> tuple[Span, ...]:
    ends = [start]
    for word in words:
        ends.append(ends[-1] + len(word))
    return tuple(Span(ends[first], ends[last], CHANGED) for first, last in ranges if first < last)
