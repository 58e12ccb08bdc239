"""What somebody changed while one state of an apply stood: merged into the state that is to come.

The user's later edits stay, the apply's own change comes or goes. What stands is the middle of the merge: its text is
kept in the apply's folder, since the workspace has another one by then.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from agentrt.records import FileState, PathConflict

from . import steps
from .beneath import Beneath
from .contents import MOST_BYTES, READING, Contents, read
from .ledger import Ledger, Slot, other
from .merge import MOST_BYTES as MOST_MERGED
from .states import alike, look, same_object
from .threeway import Clashes, Sides, blend

TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Since:
    """``slots`` as they will be; empty: nothing was merged."""

    slots: tuple[Slot, ...] = ()
    made: Mapping[int, bytes] = field(default_factory=dict)
    """By number of the slot: the merged content, to be made under the slot's name."""
    merged: frozenset[str] = frozenset()
    """Paths, also those of which only the mode was merged."""
    clashes: tuple[PathConflict, ...] = ()


UNCHANGED = Since()


def look_since(tree: Beneath, held: int, ledger: Ledger, aside: Path) -> Since:
    """Merge what can be merged; nothing is touched. All else is left for ``check`` to find.

    ``held`` is a folder in which what is to come lies. Raises ``OSError``.
    """
    goes, comes = ledger.standing, other(ledger.standing)
    texts, slots = Contents(aside / TEXTS), list(ledger.slots)
    made: dict[int, bytes] = {}
    merged: set[str] = set()
    clashes: list[PathConflict] = []
    for number, slot in enumerate(slots):
        stands, brought = slot.side(goes), slot.side(comes)
        if stands is None or brought is None:
            continue
        now = _changed(tree, slot.path, stands)
        found = blend(stands, now, brought, _sides(tree, held, number, slot, texts))
        if found is None or now is None:
            continue
        if isinstance(found, Clashes):
            clashes.append(PathConflict(path=slot.path, ours=found.brought, theirs=found.here))
            continue
        if not slot.in_place:
            content = found.content
            if content is None:
                content = _held(held, slot.name(number), brought)
            if content is None:
                continue
            made[number] = content
            # The one that is held stays until all is done: it is what is gone back to.
            slot = slot.model_copy(update={"shared": 0, "merged": slot.merged if ledger.apart else not slot.merged})
        slots[number] = slot.model_copy(update={goes: now, comes: found.state})
        merged.add(slot.path)
    return Since(tuple(slots) if merged else (), made, frozenset(merged), tuple(clashes))


def keep_texts(held: int, ledger: Ledger, aside: Path) -> None:
    """Keep the texts of what is to come, as far as there is room."""
    texts = Contents(aside / TEXTS)
    for number, slot in enumerate(ledger.slots):
        state = slot.side(other(ledger.standing))
        if _has_text(slot) and state is not None and state.size <= MOST_BYTES and not texts.has(state):
            with suppress(OSError):
                steps.checkpoint("text")
                content = _held(held, slot.name(number), state)
                if content is not None:
                    texts.keep(state, content)


def drop_texts(ledger: Ledger, aside: Path) -> None:
    """Forget the texts of states that are none of the apply's any more."""
    sides = [side for slot in ledger.slots if _has_text(slot) for side in (slot.before, slot.after)]
    Contents(aside / TEXTS).drop_all_but({side.digest for side in sides if side is not None})


def _has_text(slot: Slot) -> bool:
    """A change from one file to another; where only the mode changes no text is needed to merge it."""
    sides = (slot.before, slot.after)
    return not slot.in_place and all(s is not None and s.type == "file" and s.digest is not None for s in sides)


def _changed(tree: Beneath, path: str, stands: FileState) -> FileState | None:
    """What is there, if it is something else than what should stand there."""
    with suppress(OSError):
        found = tree.lstat(os.fsencode(path))
        if found is not None and not same_object(stands, found):
            now = look(tree, os.fsencode(path))
            return None if alike(now, stands) else now
    return None


def _sides(tree: Beneath, held: int, number: int, slot: Slot, texts: Contents) -> Sides:
    def here(state: FileState) -> bytes | None:
        with suppress(OSError):
            return read(tree.open(os.fsencode(slot.path), READING), state)
        return None

    def brought(state: FileState) -> bytes | None:
        return _held(held, slot.name(number), state)

    return Sides(texts.get, here, brought)


def _held(held: int, name: bytes, state: FileState) -> bytes | None:
    """The content of what is held; None where it is not what it should be, or too large."""
    with suppress(OSError):
        if state.size <= MOST_MERGED:
            return read(os.open(name, READING, dir_fd=held), state)
    return None
