"""The hunks of a change, numbered from 1 as a unified diff shows them, and a change without some of them."""

from __future__ import annotations

from collections.abc import Collection

from .matching import Matcher

_CONTEXT = 3
"""Lines around a change; changes closer than twice that are one hunk."""
Opcode = tuple[str, int, int, int, int]
"""``equal``, ``replace``, ``delete`` or ``insert``; from and to in the old lines, and in the new ones."""


def lines(content: bytes) -> list[bytes]:
    """Only ``\\n`` ends a line, as for every diff tool."""
    return [line for line in _parts(content) if line]


def count(before: bytes, after: bytes) -> int:
    return len(_grouped(lines(before), lines(after)))


def without(before: bytes, after: bytes, numbers: Collection[int]) -> bytes:
    """``after``, with what the hunks ``numbers`` changed as in ``before``."""
    old, new = lines(before), lines(after)
    result: list[bytes] = []
    done = 0
    for number, group in enumerate(_grouped(old, new), 1):
        for tag, i1, i2, j1, j2 in group:
            if tag != "equal" and number in numbers:
                result += [*new[done:j1], *old[i1:i2]]
                done = j2
    return b"".join([*result, *new[done:]])


def grouped(matcher: Matcher) -> list[list[Opcode]]:
    """The hunks of a change, each with its opcodes: hunk 1 is the first."""
    return [list(group) for group in matcher.get_grouped_opcodes(_CONTEXT)]


def title(hunk: list[Opcode]) -> str:
    """``@@ -3,7 +3,8 @@``"""
    _, i1, _, j1, _ = hunk[0]
    _, _, i2, _, j2 = hunk[-1]
    return f"@@ -{_range(i1, i2)} +{_range(j1, j2)} @@"


def _range(start: int, end: int) -> str:
    if end == start + 1:
        return str(end)
    return f"{start + (end > start)},{end - start}"


def _grouped(old: list[bytes], new: list[bytes]) -> list[list[Opcode]]:
    return grouped(Matcher(old, new))


def _parts(content: bytes) -> list[bytes]:
    *ended, last = content.split(b"\n")
    return [*(line + b"\n" for line in ended), last]
