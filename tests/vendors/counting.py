"""Tokens and prompt caches: a token is four characters, and what was seen before is cached.

Anthropic caches up to the breakpoints a request sets, and finds what an earlier one wrote at most twenty blocks
before a breakpoint. OpenAI caches by itself: what is cached is the longest beginning shared with an earlier request.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

LOOKBACK = 20


def tokens(text: str) -> int:
    return -(-len(text) // 4)


def written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True)
class Segment:
    """A block of the prompt. ``ttl`` is set where a breakpoint follows it; a segment of no weight only tells apart."""

    text: str
    ttl: str | None = None
    weighs: bool = True


@dataclass(frozen=True)
class Prompt:
    """Tokens of a prompt: of all of it, read from the cache, written to it for five minutes and for an hour."""

    total: int
    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    @property
    def written(self) -> int:
        return self.written_5m + self.written_1h


@dataclass
class Caches:
    least: int = 0
    """Prompts of fewer tokens are not cached."""
    _marked: set[str] = field(default_factory=set)
    _seen: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def anthropic(self, segments: list[Segment]) -> Prompt:
        heads, counts, head, count = [], [], "", 0
        for segment in segments:
            head += f"\x00{segment.text}"
            count += tokens(segment.text) if segment.weighs else 0
            heads.append(head)
            counts.append(count)
        marks = [n for n, segment in enumerate(segments) if segment.ttl and counts[n] >= self.least]
        found = [n for mark in marks for n in range(mark, max(-1, mark - LOOKBACK), -1) if heads[n] in self._marked]
        read = counts[max(found)] if found else 0
        new = {"5m": 0, "1h": 0}
        upto = read
        for mark in marks:
            self._marked.add(heads[mark])
            if counts[mark] > upto:
                new[segments[mark].ttl or "5m"] += counts[mark] - upto
                upto = counts[mark]
        return Prompt(count, read, new["5m"], new["1h"])

    def openai(self, model: str, parts: Iterable[Any]) -> Prompt:
        seen_before = self._seen[model]
        prompt = "".join(map(written, parts))
        shared = max((_shared(prompt, seen) for seen in seen_before), default=0)
        seen_before.append(prompt)
        cached = shared // 4
        return Prompt(tokens(prompt), cached if cached >= self.least else 0)


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
