"""The lines of an output that tell what went wrong: found in a stream of any length, as many as are worth showing.

Nearly all of an output is only searched for a few words, which takes about 20 seconds a gigabyte. Only a line that has
one of them is looked at by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, zip_longest

_MOST = 20
"""How many lines are held: the first so many that differ from each other, and the last."""
_LOOKED_AT = 2048
"""Bytes of a line. Whatever comes behind them is passed over."""
_WIDTH = 240
"""Characters of a line that are shown."""

# In lower case; each line that ``_TELLS`` finds has one of these words or marks. ``e`` and spaces: pytest's lines.
_WORDS = tuple(
    text.encode()
    for text in (
        *("rror", "err!", "fail", "fatal", "panic", "critical", "exception", "traceback", "\ne  ", "\re  ", "me  "),
        *(".go:", ": ***", "undefined ", "multiple definition", "cannot ", "not found", "no such file", "denied"),
        *("segmentation fault", "killed", "core dumped", "out of memory", "no space left", "not ok", "caused by"),
        "went wrong",
    )
)
_MARKS = tuple(mark.encode() for mark in ("✕", "✖", "✗", "\u00d7 ", "●"))
_COUNTED = rb"(?!s?\s?[:=]\s?0\b)"  # "failed: 0" is good news, as is "0 failed"
_TELLS = re.compile(
    rb"|".join(
        (
            rb"(?i:\b(?:error|fatal|panic|critical)(?:\[[^\]]*\]|\ [a-z]+\d+)?" + _COUNTED + rb"\ ?:)",
            rb"(?i:\blevel\"?[=:]\ ?\"?(?:error|fatal|panic|critical)\b)",
            rb"(?:Error|Exception)(?::|$|\ in\ thread\b)|\bCMake\ Error\b|\bnpm\ (?:ERR!|error\b)|\d:\d+\s+error\s",
            rb"(?:^|[\s\[<|(])(?:ERROR|FATAL|CRITICAL|PANIC)(?:$|[\s\]>|):])",
            rb"(?<!\b0\ )(?<!\b[Nn]o\ )\b(?:FAIL|(?i:fail(?:ed|ures?)))\b" + _COUNTED,
            rb"\bTraceback\ \(most\ recent|\bpanicked\ at\b|^E\ {2,}\S|^\s*[\w./+-]+\.go:\d+(?::\d+)?:\ ",
            rb"make(?:\[\d+\])?:\ \*\*\*|\bundefined\ (?:reference|symbol)|\bmultiple\ definition\ of\b",
            rb"(?i:\bcannot\ (?:find|allocate|open|stat|access|create)\b)|\bcommand\ not\ found\b|:\ not\ found$",
            rb"\bNo\ such\ file\b|\b[Pp]ermission\ denied\b|\b[Ss]egmentation\ fault\b|\bKilled\b|\bcore\ dumped\b",
            rb"\b[Oo]ut\ of\ memory\b|\bNo\ space\ left\b|^\s*not\ ok\b|^\s*Caused\ by\b|\bWhat\ went\ wrong\b",
            rb"^\s*(?:" + rb"|".join(_MARKS) + rb")",
        )
    )
)
_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")


class Found:
    """A line, and how often it came."""

    def __init__(self, number: int, start: int, end: int, text: str, times: int = 1) -> None:
        """``number``: from 1, in the whole output; ``start``, ``end``: how many bytes of it come before the line, and
        before what ends it."""
        self.number, self.start, self.end, self.text, self.times = number, start, end, text, times

    def __str__(self) -> str:
        return f"{self.number:>6}\t{self.text}{f' ({self.times:,} times)' if self.times > 1 else ''}\n"


class ErrorLines:
    """Takes a stream as it comes, in pieces of any size, and holds a bounded part of it.

    Only ``\\n`` ends a line. Of a line that was written over (``\\r``) only what was written last counts.
    """

    def __init__(self, since: int = 0) -> None:
        """Lines that are over within the first ``since`` bytes are counted, and not looked at."""
        self.last_line = 0
        """The number of the last line of which anything came. After ``end``."""
        self._since = since
        self._fed = 0
        self._begun = 0
        """Where the line begins that is not over yet."""
        self._ended = 0
        self._rest = b""
        self._told = 0
        self._first: dict[str, Found] = {}
        self._last: dict[str, Found] = {}

    def feed(self, data: bytes) -> None:
        cut = data.rfind(b"\n") + 1
        if cut:
            self._lines(self._rest + data[:cut], self._fed + cut)
            self._rest, self._begun = b"", self._fed + cut
        self._rest = _left(self._rest + data[cut:])
        self._fed += len(data)

    def end(self) -> None:
        """The stream is over, perhaps within a line."""
        self.last_line = self._ended + bool(self._rest)
        if self._rest:
            self._lines(self._rest + b"\n", self._fed + 1)
            self._rest = b""

    def pick(self, room: int) -> tuple[list[Found], int]:
        """What of it fits into ``room`` bytes, by number, and how many lines more there were. First ones and last ones
        come before those in the middle."""
        picked = []
        for found in self._by_worth():
            room -= len(str(found).encode())
            if room < 0:
                break
            picked.append(found)
        return sorted(picked, key=lambda one: one.number), self._told - sum(one.times for one in picked)

    def _by_worth(self) -> Iterator[Found]:
        pairs = zip_longest(self._first.values(), reversed(self._last.values()))
        return (found for found in chain.from_iterable(pairs) if found is not None)

    def _lines(self, lines: bytes, end: int) -> None:
        """Whole lines, whose last byte is the one before ``end`` in the stream."""
        block = b"\n" + lines
        shift = end - len(block)
        place, number = 1, self._ended + 1
        for start in sorted(_candidates(block)):
            number += block.count(b"\n", place, start)
            place = start
            stop = block.index(b"\n", start)
            if stop + shift > self._since and (text := _telling(block[start:stop])):
                begin = self._begun if start == 1 else start + shift
                self._add(Found(number, begin, stop + shift, text))
        self._ended = number + block.count(b"\n", place) - 1

    def _add(self, found: Found) -> None:
        self._told += 1
        if known := self._first.get(found.text):
            known.times += 1
        elif len(self._first) < _MOST:
            self._first[found.text] = found
        else:
            if before := self._last.pop(found.text, None):
                found.times += before.times
            self._last[found.text] = found
            if len(self._last) > _MOST:
                del self._last[next(iter(self._last))]


def _candidates(block: bytes) -> set[int]:
    """Where the lines begin that have one of the words."""
    lower, starts = block.lower(), set()
    for word in _WORDS if block.isascii() else (*_WORDS, *_MARKS):
        at = lower.find(word)
        while at >= 0:
            start = block.rfind(b"\n", 0, at + 1) + 1
            starts.add(start)
            at = lower.find(word, block.index(b"\n", start))
    return starts


def _telling(line: bytes) -> str | None:
    """What is shown of it; None where it tells nothing."""
    seen = _seen(line)
    if len(seen) < len(line) and not _candidates(b"\n" + seen + b"\n"):
        return None  # the word stood in what is passed over
    plain = _ESCAPES.sub(b"", seen).rstrip()
    if not _TELLS.search(plain):
        return None
    text = plain.decode("utf-8", "replace").strip()
    return text if len(text) <= _WIDTH else text[:_WIDTH] + "…"


def _seen(line: bytes) -> bytes:
    """Of what was written over each other the last, as much of it as is looked at."""
    end = len(line.rstrip(b"\r"))
    start = line.rfind(b"\r", 0, end) + 1
    return line[start : min(end, start + _LOOKED_AT)]


def _left(line: bytes) -> bytes:
    """All that matters of a line that is not over yet: whatever follows, ``_seen`` gives the same."""
    start = line.rfind(b"\r") + 1
    return line[start : start + _LOOKED_AT] if start < len(line) else _seen(line) + line[-1:]
