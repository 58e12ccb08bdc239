"""A word of the shell: which of its characters are certain, and which only run time knows.

Quotes and escapes are decoded as bash does it. What is expanded (variables, substitutions, globs, braces, a tilde) is
never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property


@dataclass(frozen=True)
class Word:
    """Literal stretches of text, and None for each stretch that is computed at run time."""

    parts: tuple[str | None, ...]
    splits: bool = False
    """It is split where it has spaces: it may become any words, or none."""
    many: bool = False
    """It may become any number of words, the names of files for instance; each of them begins as this one does."""

    @cached_property
    def literal(self) -> str | None:
        return None if self.splits or self.many or None in self.parts else "".join(part for part in self.parts if part)

    @property
    def single(self) -> bool:
        """It is one word, whatever it says."""
        return not self.splits and not self.many

    @property
    def head(self) -> str:
        """The literal text that every word it becomes begins with."""
        return (self.parts[0] or "") if not self.splits else ""

    @property
    def could_be_option(self) -> bool:
        return self.head.startswith("-") or (not self.head and self.literal is None)


UNKNOWN = Word((None,))
ANYTHING = Word((None,), splits=True)


def text(literal: str) -> Word:
    return Word((literal,))


def listed(names: str) -> frozenset[str]:
    """A table of names, as it is written."""
    return frozenset(names.split())


class Kind(Enum):
    """What a stretch of source is, as a parser tells it."""

    BARE = "not quoted; escapes in it are still escapes"
    EXACT = "literal as it is"
    UNKNOWN = "computed, stays one word"
    SPLITS = "computed, may become any number of words"
    NUMBER = "computed, and a number whatever happens"


Piece = tuple[Kind, str]

_SPECIAL = re.compile(r"[\\*?\[{~]")
_TILDE = re.compile(r"(?:^|[=:])~")
_QUOTED = "\0"
"""Stands for a quoted character where only unquoted ones count."""


def build(pieces: Iterable[Piece]) -> Word:
    """One word of the pieces it is written in."""
    pieces = list(pieces)
    if all(kind is Kind.EXACT or (kind is Kind.BARE and not _SPECIAL.search(raw)) for kind, raw in pieces):
        return Word(("".join(raw for _, raw in pieces),))
    parts: list[str | None] = []
    outline: list[str] = []
    splits = many = False
    for kind, raw in pieces:
        if kind is Kind.BARE:
            _bare(raw, parts, outline)
            continue
        if kind is Kind.NUMBER:
            parts.append("0")  # it does not look like an option, but it is split where IFS has digits
            many = True
        parts.append(raw if kind is Kind.EXACT else None)
        outline.append(_QUOTED)
        splits |= kind is Kind.SPLITS
    shape = "".join(outline)
    braced = _between(shape, "{", "}")
    if "," in braced or ".." in braced:
        return ANYTHING
    many |= "*" in shape or "?" in shape
    if _between(shape, "[", "]"):
        head = shape[: shape.index("[")]
        return Word((head, None) if re.fullmatch(r"[\w./-]+", head) else (None,), splits, many=True)
    if _TILDE.match(shape):
        parts = ["/", None]
    elif _TILDE.search(shape):
        parts = [shape[0] if shape[0] != _QUOTED else None, None]
    return Word(_merged(parts), splits, many)


def _between(shape: str, first: str, last: str) -> str:
    """From the first of one character to the last of another; empty where there is no such stretch."""
    begin = shape.find(first)
    return shape[begin : shape.rfind(last) + 1] if begin >= 0 else ""


def _bare(raw: str, parts: list[str | None], outline: list[str]) -> None:
    at = 0
    while at < len(raw):
        char = raw[at]
        if char == "\\" and at + 1 < len(raw):
            at += 1
            if raw[at] != "\n":
                parts.append(raw[at])
                outline.append(_QUOTED)
        else:
            parts.append(None if char in "*?" else char)
            outline.append(char)
        at += 1


def _merged(parts: list[str | None]) -> tuple[str | None, ...]:
    merged: list[str | None] = []
    for part in parts:
        if part == "" or (merged and part is None and merged[-1] is None):
            continue
        if merged and part is not None and (last := merged[-1]) is not None:
            merged[-1] = last + part
        else:
            merged.append(part)
    return tuple(merged) or ("",)


_IN_DOUBLE = re.compile(r'\\([$`"\\]|\n)')


def in_double_quotes(raw: str) -> str:
    """The literal stretches of a string in double quotes, decoded."""
    return _IN_DOUBLE.sub(lambda match: "" if match[1] == "\n" else match[1], raw)


_ESCAPE = re.compile(
    r"\\(?:(?P<octal>[0-7]{1,3})|x(?P<hex>[0-9A-Fa-f]{1,2})|[uU](?P<code>[0-9A-Fa-f]{1,8})|c(?P<control>.)|(?P<char>.))",
    re.DOTALL,
)
_NAMED = {"a": 7, "b": 8, "e": 27, "E": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_SELF = "\\'\"?"


def ansi(raw: str) -> str | None:
    """What stands between ``$'`` and ``'``; None where its meaning depends on the locale or it holds a NUL."""
    found = bytearray()
    at = 0
    for match in _ESCAPE.finditer(raw):
        found += raw[at : match.start()].encode()
        at = match.end()
        if (byte := _escaped(match)) is None:
            return None
        found += byte
    found += raw[at:].encode()
    try:
        return None if 0 in found else found.decode()
    except UnicodeDecodeError:
        return None


def _escaped(match: re.Match[str]) -> bytes | None:
    if match["control"]:
        return None
    if match["octal"]:
        return bytes([int(match["octal"], 8) & 0xFF])
    if match["hex"]:
        return bytes([int(match["hex"], 16)])
    if match["code"]:
        # \u takes four digits and \U eight; only what means the same for both is read.
        code = int(match["code"], 16)
        return bytes([code]) if code < 0x80 and len(match["code"]) <= 4 else None
    char = match["char"]
    if char in _NAMED:
        return bytes([_NAMED[char]])
    # \x, \u and \c without what belongs to them, and escapes that do not exist, are not worth a guess.
    return char.encode() if char in _SELF else None
