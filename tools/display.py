"""How text is shown: to a planner in numbered lines, to a person in one."""

from __future__ import annotations

from collections.abc import Iterable


def cut(line: str, width: int) -> str:
    """``line``, or its beginning and how much is missing."""
    return line if len(line) <= width else f"{line[:width]}… [+{len(line) - width:,} characters]"


def numbered(lines: Iterable[str], first: int, width: int) -> str:
    """Lines as ``cat -n`` prints them: the number right-aligned in six columns, a tab, the line."""
    return "\n".join(f"{number:>6}\t{cut(line, width)}" for number, line in enumerate(lines, first))


def one_line(text: str, width: int = 120) -> str:
    """``text`` with its white space folded, and at most ``width`` characters of it."""
    folded = " ".join(text.split())
    return folded if len(folded) <= width else folded[: width - 1] + "…"


def count(number: int, noun: str) -> str:
    """``1 line``, ``2,000 lines``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def line_range(first: int, last: int) -> str:
    """``line 3`` or ``lines 3-5``."""
    return f"line {first}" if first == last else f"lines {first}-{last}"
