"""A path is taken out of what applies keep aside, and out of the contents that merges are built on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from agentrt.records import FileEffect, FileState

from .garbage import remove
from .ledger import Slot, load, save
from .since import TEXTS


def is_at(path: str, purged: str) -> bool:
    """Whether it is the purged path, or in the purged folder."""
    return path == purged or path.startswith(f"{purged}/")


def holds(aside: Path, path: str) -> bool:
    """Whether an apply keeps something of this path. Raises ``JournalError``."""
    ledger = load(aside)
    return ledger is not None and any(is_at(slot.path, path) and not slot.purged for slot in ledger.slots)


def forget(aside: Path, path: str) -> None:
    """The apply is not about this path any more: what is there is left as it is when it is taken back or put back.

    Nothing may be under way. Raises ``JournalError``, ``OSError``; then call it again.
    """
    ledger = load(aside)
    if ledger is None:
        return
    slots = list(ledger.slots)
    digests: set[str | None] = set()
    for number, slot in enumerate(slots):
        if is_at(slot.path, path):
            digests |= _digests(slot.before, slot.after)
            slots[number] = Slot(path=slot.path, before=None, after=None, merged=slot.merged)
    _drop(aside / TEXTS, digests)
    folders = tuple(folder for folder in ledger.folders if not is_at(folder.path, path))
    save(aside, ledger.model_copy(update={"slots": tuple(slots), "folders": folders}))
    for number, slot in enumerate(slots):
        if is_at(slot.path, path):
            for folder in ("held", "before", "after"):
                for name in (str(number), f"{number}.merged"):
                    remove(aside / folder / name)


def forget_contents(folder: Path, effects: Iterable[FileEffect], path: str) -> int:
    """Contents the agent saw at this path, in the folder of bases; how many. Raises ``OSError``."""
    return _drop(folder, digests_at(effects, path))


def digests_at(effects: Iterable[FileEffect], path: str) -> set[str | None]:
    """Of all that was at this path, as far as effects tell."""
    return {
        digest
        for effect in effects
        if is_at(effect.path, path) or (effect.renamed_from is not None and is_at(effect.renamed_from, path))
        for digest in _digests(effect.before, effect.after)
    }


def _digests(*states: FileState | None) -> set[str | None]:
    return {state.digest for state in states if state is not None and state.digest is not None}


def _drop(folder: Path, digests: Iterable[str | None]) -> int:
    count = 0
    for digest in digests:
        with suppress(FileNotFoundError):
            (folder / str(digest)).unlink()
            count += 1
    return count
