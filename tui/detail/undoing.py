"""What undo, redo, restore, revert or apply would do, as lines: also what stands against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from agentrt.preview import Preview
from agentrt.showing.plain import plain
from agentrt.showing.previews import (
    change_line,
    change_text,
    dependents_text,
    possible_text,
    refused_lines,
    workspace_lines,
)
from agentrt.showing.words import conflict_line, counted

from .lines import Line

_MOST = 200
_NAMED = 20
"""Operations that are named."""


def undo_lines(found: Preview, name: Callable[[int], str] | None = None) -> Iterator[Line]:
    """``name``: what an operation was about, safe to show."""
    yield ((change_text(found), "strong"),)
    for conflict in found.conflicts:  # first: with one of these nothing else happens
        yield (("conflict: ", "bad"), (conflict_line(conflict), "bad"))
    for line in workspace_lines(found):
        yield ((line, "warn"),)
    yield from ((("  ", ""), (change_line(found, effect), "")) for effect in found.effects[:_MOST])
    if (more := len(found.effects) - _MOST) > 0:
        yield ((f"  … {counted(more, 'more file')}", "dim"),)
    yield from _others(dependents_text(found), found.dependents, name)
    yield from _others(possible_text(found), found.possible, name)
    yield from (((line, "dim"),) for line in refused_lines(found))


def _others(text: str, ids: Iterable[int], name: Callable[[int], str] | None) -> Iterator[Line]:
    if not text:
        return
    yield ((text, "warn"),)
    if name is not None:
        for op in sorted(ids)[:_NAMED]:
            yield ((f"  {op}  {plain(name(op))}", ""),)
