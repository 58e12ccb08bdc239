"""What a move, a revert or an apply would do, in words."""

from __future__ import annotations

from collections.abc import Iterator

from agentrt.notices import named
from agentrt.preview import Preview
from agentrt.records import FileEffect, RequestEffect

from .plain import plain
from .words import counted, effect_line, effects_text


def change_text(found: Preview) -> str:
    """``undo 3 would change: 2 files changed``"""
    ids = ", ".join(map(str, found.target))
    about = f" {ids}" if ids and found.kind != "apply" else ""
    return f"{found.kind}{about} would change: {effects_text([*found.effects, *found.outside]) or 'nothing'}"


def change_line(found: Preview, effect: FileEffect) -> str:
    """One of its effects; an apply's say themselves what is merged."""
    merged = found.kind == "revert" and effect.path in found.merged
    return effect_line(effect) + ("  (merged with later changes)" if merged else "")


def workspace_lines(found: Preview) -> Iterator[str]:
    """What becomes of the real workspace, of databases, and of what was sent."""
    for effect in found.outside:
        yield f"  {request_text(effect) if isinstance(effect, RequestEffect) else effect_line(effect)}"
    if found.stays:
        yield plain(found.stays)
    for op in found.take_back:
        yield f"apply {op} would be taken out of the real workspace"
    for op in found.put_back:
        yield f"apply {op} would be put into the real workspace again"
    for path in found.merged if found.kind in ("undo", "redo", "restore") else ():
        yield f"merged with what changed in the workspace: {plain(path)}"


def request_text(request: RequestEffect) -> str:
    """Of one that would be sent."""
    return f"to send   {plain(request.method)} {plain(request.url)}"


def refused_lines(found: Preview) -> Iterator[str]:
    """What an apply never writes, and what it leaves."""
    for refused in found.refused:
        yield f"refused: {plain(refused.path)} ({plain(refused.because)})"
    if found.left:
        yield f"left in the sandbox: {counted(len(found.left), 'path')}"


def dependents_text(found: Preview) -> str:
    """Empty where nothing is known to stand on what would be reverted."""
    return f"what stands on it: {named(found.dependents)}" if found.dependents else ""


def possible_text(found: Preview) -> str:
    if not found.possible:
        return ""
    return f"what may stand on it, as what they read is not known: {named(found.possible)}"
