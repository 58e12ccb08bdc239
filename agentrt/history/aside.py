"""What an apply keeps for when it is turned again: looked at where it lies, not only in the ledger."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from agentrt.errors import JournalError
from agentrt.records import FileState

from .ledger import load, other
from .states import look_at


@dataclass(frozen=True, slots=True)
class Kept:
    """What a path will be when the apply is turned."""

    written: FileState | None
    """By the ledger."""
    found: FileState | None
    """What is really kept."""
    in_place: bool
    """Nothing is: only permission bits will change."""


def kept(aside: Path) -> dict[str, Kept]:
    """By path, the side of the apply that is not in the workspace. Raises ``JournalError``, ``OSError``."""
    ledger = load(aside)
    if ledger is None and (aside / "git.json").exists():  # it made a branch, and wrote no file
        return {}
    if ledger is None:
        raise JournalError(f"{aside} is gone: what it kept of the workspace cannot be put back")
    comes = other(ledger.standing)
    folder = aside / (comes if ledger.apart else "held")
    found: dict[str, Kept] = {}
    for number, slot in enumerate(ledger.slots):
        written, name = slot.side(comes), b"%d" % number if ledger.apart else slot.name(number)
        # Of a folder the ledger has all there is: what it holds has slots of its own.
        known = written is None or slot.in_place or written.type == "directory"
        found[slot.path] = Kept(written, written if known else _look(folder, name), slot.in_place)
    return found


def _look(folder: Path, name: bytes) -> FileState | None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return look_at(fd, name)
    finally:
        os.close(fd)
