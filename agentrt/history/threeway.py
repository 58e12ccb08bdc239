"""Three states of one file, merged: content by content, mode by mode."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from agentrt.errors import AgentrtError
from agentrt.records import FileState

from .contents import digest_of
from .merge import MOST_BYTES, Clash, is_text, merge

NOTE = "merged with what changed in the workspace"
_SHOWN = 40
"""Characters of a line that are shown of a clash."""


@dataclass(frozen=True, slots=True)
class Blend:
    """What came of it."""

    state: FileState
    """Without an inode: it is yet to be made."""
    content: bytes | None
    """None: as it is in what was brought in."""


@dataclass(frozen=True, slots=True)
class Clashes:
    """Why nothing came of it: words for a person on either side."""

    here: str
    brought: str


Read = Callable[[FileState], bytes | None]
"""The content of a file in that state; None where it is not to be had."""


@dataclass(frozen=True, slots=True)
class Sides:
    """How to read each of the three."""

    base: Read
    here: Read
    brought: Read


def blend(
    base: FileState | None, here: FileState | None, brought: FileState | None, sides: Sides
) -> Blend | Clashes | None:
    """``here`` with what leads from ``base`` to ``brought``.

    None where there is nothing to merge: one of them is no regular file, is not text, or its content is not to be
    had. Set-id bits are never merged. Raises what reading raises.
    """
    if base is None or here is None or brought is None or {base.type, here.type, brought.type} != {"file"}:
        return None
    if None in (base.digest, here.digest, brought.digest) or (here.mode | brought.mode) & 0o6000:
        return None
    mode = _mode(base.mode, here.mode, brought.mode)
    if mode is None:
        return Clashes(f"mode {here.mode:04o}, was {base.mode:04o}", f"mode {brought.mode:04o}")
    if here.digest == base.digest and brought.digest != base.digest:
        return Blend(brought.model_copy(update={"mode": mode, "inode": 0}), None)
    mine = sides.here(here) if here.size <= MOST_BYTES else None
    if mine is None:
        return None
    if brought.digest in (base.digest, here.digest):
        return Blend(here.model_copy(update={"mode": mode, "inode": 0}), mine)
    old, new = sides.base(base), sides.brought(brought) if brought.size <= MOST_BYTES else None
    if old is None or new is None or not all(map(is_text, (old, mine, new))):
        return None
    try:
        merged = merge(old, mine, new)
    except AgentrtError as error:
        return Clashes(f"modified, {here.size} bytes", f"modified, {brought.size} bytes, and not merged: {error}")
    if merged.clashes:
        return _clashes(merged.clashes)
    size, digest = len(merged.content), digest_of(merged.content)
    # It is a new content: what depends on the file by its time has to be made again.
    state = here.model_copy(
        update={"mode": mode, "size": size, "digest": digest, "inode": 0, "mtime_ns": time.time_ns()}
    )
    return Blend(state, merged.content)


def _mode(base: int, here: int, brought: int) -> int | None:
    if brought in (base, here):
        return here
    return brought if here == base else None


def _clashes(clashes: tuple[Clash, ...]) -> Clashes:
    first, more = clashes[0], len(clashes) - 1
    others = f"; and {more} place{'s' * (more > 1)} more" if more else ""
    return Clashes(
        f"modified, line {first.line}: {_lines(first.ours)}{others}", f"modified, there: {_lines(first.theirs)}{others}"
    )


def _lines(text: str) -> str:
    """``"the first line" and 2 lines more``"""
    lines = text.splitlines()
    if not lines:
        return "deleted"
    first = lines[0] if len(lines[0]) <= _SHOWN else lines[0][: _SHOWN - 1] + "…"
    more = len(lines) - 1
    return f'"{first}"' + (f" and {more} line{'s' * (more > 1)} more" if more else "")
