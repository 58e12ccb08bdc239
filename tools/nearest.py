"""Why a passage was not found in a file, and what in the file comes nearest to it."""

from __future__ import annotations

import difflib
import re
from collections import Counter, defaultdict

from .display import cut, line_range, numbered
from .lines import bare, split

_WIDTH = 200
_SHOWN_LINES = 20
_COMPARED_LINES = 20_000
_ALIKE = 0.5
"""How alike (difflib's ratio) two lines must be for one to be worth showing."""


def why_missing(text: str, wanted: str, *, what: str, first_line: int = 1, whole_lines: bool = False) -> str:
    """Words for the planner. ``text`` begins at line ``first_line`` of the file; ``wanted`` is called ``what``.

    ``whole_lines``: it was looked for as lines, whatever their ends and the white space there.
    """
    if re.search(r"\A *\d+\t", wanted) and wanted.strip():
        unnumbered = re.sub(r"(?m)^ *\d+\t", "", wanted)
        if unnumbered in text:
            return f"{what} holds line numbers, as read shows them; they are not part of the file"
    for reason, pattern in _loosened(wanted, whole_lines):
        if found := re.search(pattern, text):
            lines = split(text)
            start = text.count("\n", 0, found.start())
            end = text.count("\n", 0, max(found.end() - 1, found.start()))
            where = line_range(start + first_line, end + first_line)
            return (
                f"it is in {where} but for {reason}"
                f"{_first_difference(found[0], wanted)}:\n{_passage(lines, start, end, first_line)}"
            )
    return _nearest(split(text), [bare(line) for line in split(wanted)], first_line)


def _loosened(wanted: str, whole_lines: bool) -> list[tuple[str, str]]:
    """Patterns that forgive one thing each; the first to match names the difference."""
    lines = re.split(r"\r?\n", wanted.strip("\r\n"))
    stripped = [line.strip() for line in lines]
    if not any(stripped):
        return []
    while not stripped[0]:
        lines, stripped = lines[1:], stripped[1:]
    right = [line.rstrip() for line in lines]
    escape = re.escape
    first, *others = stripped
    forgiving_more = [
        ("the indentation", r"[ \t]*\r?\n".join([escape(first), *(_indented(line) for line in others)])),
        ("white space", r"\s+".join(map(escape, wanted.split()))),
    ]
    if whole_lines:
        return [(reason, rf"(?m)^[ \t]*{pattern}[ \t]*\r?$") for reason, pattern in forgiving_more]
    return [
        ("the line ends around it", escape(wanted.strip("\r\n"))),
        ("the line ends (CRLF against LF)", r"\r?\n".join(map(escape, lines))),
        ("white space at the end of lines", r"[ \t]*\r?\n".join(map(escape, right))),
        *forgiving_more,
    ]


def _indented(line: str) -> str:
    """No two quantifiers ever meet over the same white space: matching takes time in proportion, whatever comes."""
    return rf"[ \t]*{re.escape(line)}" if line else ""


def _first_difference(found: str, wanted: str) -> str:
    for there, asked in zip(found.split("\n"), wanted.lstrip("\r\n").split("\n"), strict=False):
        if there != asked and there.strip() == asked.strip() and asked.strip():
            return f" ({cut(repr(there), _WIDTH)} is there, {cut(repr(asked), _WIDTH)} was asked for)"
    return ""


def _nearest(lines: list[str], wanted: list[str], first_line: int) -> str:
    here = [bare(line).strip() for line in lines[:_COMPARED_LINES]]
    asked = [line.strip() for line in wanted]
    start = _by_equal_lines(here, asked)
    if start is None:
        start = _by_likeness(here, asked)
    if start is None:
        return "nothing in the file comes near it"
    start = min(max(start, 0), len(lines) - 1)
    end = min(start + max(len(asked), 1), len(lines)) - 1
    where = line_range(start + first_line, end + first_line)
    return f"the nearest is {where}:\n{_passage(lines, start, end, first_line)}"


def _by_equal_lines(here: list[str], asked: list[str]) -> int | None:
    """Where most of the asked text would stand, counted by lines that are equal."""
    places: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(here):
        if line and len(places[line]) < 200:
            places[line].append(number)
    votes: Counter[int] = Counter()
    for offset, line in enumerate(asked):
        for number in places.get(line, ()):
            votes[number - offset] += len(line)
    return max(votes, key=lambda start: (votes[start], -start)) if votes else None


def _by_likeness(here: list[str], asked: list[str]) -> int | None:
    """Where the line most like the longest one asked for is."""
    if not any(asked):
        return None
    longest = max(range(len(asked)), key=lambda number: len(asked[number]))
    matcher = difflib.SequenceMatcher(b=asked[longest][:_WIDTH], autojunk=False)
    best, place = _ALIKE, None
    for number, line in enumerate(here):
        matcher.set_seq1(line[:_WIDTH])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and matcher.ratio() > best:
            best, place = matcher.ratio(), number - longest
    return place


def _passage(lines: list[str], start: int, end: int, first_line: int) -> str:
    shown = [bare(line) for line in lines[start : min(end + 1, start + _SHOWN_LINES)]]
    return numbered(shown, start + first_line, _WIDTH)
