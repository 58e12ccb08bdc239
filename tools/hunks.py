"""Finding where the parts of a patch belong in a file, and changing it there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .display import line_range
from .lines import bare, end_of, join, like, split
from .nearest import why_missing
from .patch import Hunk, wrong


def apply(text: str, hunks: Sequence[Hunk], path: str) -> str:
    """``text`` with every hunk applied, in order. Raises ``Failed`` with the line of the patch."""
    original = split(text)
    lines, cursor = list(original), 0
    for hunk in hunks:
        start = _place(lines, hunk, cursor, path)
        end = start + len(hunk.old)
        changed = _changed(lines, hunk, start)
        lines[start:end] = changed
        cursor = start + len(changed)
    return join(lines, original)


def _changed(lines: list[str], hunk: Hunk, start: int) -> list[str]:
    """The new lines of the hunk's place. Context stays as it is in the file."""
    changed: list[str] = []
    here = start
    for sign, text in hunk.body:
        if sign == "+":
            newline = end_of(changed[-1]) if changed else ""
            changed.append(text + (newline or like(lines, here)))
        else:
            if sign == " ":
                changed.append(lines[here])
            here += 1
    return changed


def _place(lines: list[str], hunk: Hunk, cursor: int, path: str) -> int:
    """The index of the hunk's first line, at ``cursor`` or after it."""
    if not hunk.old:
        return _pure_addition(lines, hunk, cursor, path)
    starts = _starts(lines, hunk.old, cursor)
    if hunk.at_end:
        starts = [start for start in starts if start + len(hunk.old) == len(lines)]
    if hunk.anchors:
        after = _after_anchors(lines, hunk, cursor, path)
        # Strictly after the anchor; else with the anchor as the first line, as some write it.
        starts = _first_of_each(starts, after) or _first_of_each(starts, [place - 1 for place in after])
    if not starts:
        raise wrong(hunk.line, _why_nowhere(lines, hunk, cursor, path))
    if len(starts) > 1:
        numbers = ", ".join(str(start + 1) for start in starts[:20]) + (", …" if len(starts) > 20 else "")
        raise wrong(
            hunk.line,
            f"this part fits {path} in {len(starts):,} places, at lines {numbers}: give more lines of context, or "
            "'@@ ' and a line that stands before the right one only",
        )
    return starts[0]


def _pure_addition(lines: list[str], hunk: Hunk, cursor: int, path: str) -> int:
    """Lines with no context go after their anchor, or to the end of the file."""
    if not hunk.anchors or hunk.at_end:
        return len(lines)
    after = _after_anchors(lines, hunk, cursor, path)
    if len(after) > 1:
        numbers = ", ".join(str(place) for place in after[:20])
        raise wrong(hunk.line, f"'@@ {hunk.anchors[-1]}' fits {path} in {len(after):,} places, at lines {numbers}")
    return after[0]


def _starts(lines: list[str], old: list[str], cursor: int) -> list[int]:
    """Where ``old`` is; if nowhere, where it is but for white space at the ends of lines."""
    for form in (str, str.rstrip):
        here, wanted = _formed(lines, form), [form(line) for line in old]
        last = len(here) - len(wanted)
        starts = [
            start
            for start in range(cursor, last + 1)
            if here[start] == wanted[0] and here[start : start + len(wanted)] == wanted
        ]
        if starts:
            return starts
    return []


def _formed(lines: list[str], form: Callable[[str], str]) -> list[str]:
    return [form(bare(line)) for line in lines]


def _after_anchors(lines: list[str], hunk: Hunk, cursor: int, path: str) -> list[int]:
    """The indices right after each place where the anchors follow one another."""
    here = _formed(lines, str.strip)
    places = {cursor}
    for number, anchor in enumerate(hunk.anchors):
        every = [index + 1 for index in range(cursor, len(here)) if here[index] == anchor]
        # The first anchor may be anywhere; each further one is the next of its kind.
        found = set(every) if number == 0 else set(_first_of_each(every, [place + 1 for place in places]))
        if not found:
            text = "".join(lines[cursor:])
            why = why_missing(text, anchor, what="the '@@' line", first_line=cursor + 1, whole_lines=True)
            raise wrong(hunk.line, f"'@@ {anchor}' is no line of {path}{_from(cursor)}; {why}")
        places = found
    return sorted(places)


def _first_of_each(starts: Sequence[int], after: Sequence[int]) -> list[int]:
    """For each place, the first start at it or after it."""
    firsts = {next((start for start in starts if start >= place), None) for place in after}
    return sorted(start for start in firsts if start is not None)


def _why_nowhere(lines: list[str], hunk: Hunk, cursor: int, path: str) -> str:
    count = len(hunk.old)
    found = _starts(lines, hunk.old, 0)
    if hunk.at_end and found:
        place = line_range(found[0] + 1, found[0] + count)
        return (
            f"this part ends the file ('*** End of File'), but what it expects is at {place} of {len(lines)} in {path}"
        )
    if found and found[0] < cursor:
        place = line_range(found[0] + 1, found[0] + count)
        return f"what this part expects is at {place} of {path}, before the part above it: put the parts in order"
    if found:
        place = line_range(found[0] + 1, found[0] + count)
        return f"what this part expects is at {place} of {path}, but not after '@@ {hunk.anchors[-1]}'"
    text, old = "".join(lines[cursor:]), "\n".join(hunk.old)
    why = why_missing(text, old, what="the patch", first_line=cursor + 1, whole_lines=True)
    return f"what this part expects is not in {path}{_from(cursor)}; {why}"


def _from(cursor: int) -> str:
    return f" from line {cursor + 1} on" if cursor else ""
