"""Modes and times of the folders an apply works in: opened before, and exactly as they should be after.

Whatever is done to the entries of a folder changes its mtime, and a folder without write permission lets nothing be
done to its entries; so both are set last, deepest folders first.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from . import steps
from .beneath import Beneath
from .guards import is_folder
from .ledger import Folder, Ledger, Standing, other


def open_all(tree: Beneath, ledger: Ledger) -> None:
    """Folders that come, go or change their mode let their owner work in them, until all is settled."""
    ours = {slot.path for slot in ledger.slots}
    for folder in reversed(ledger.folders):
        path = os.fsencode(folder.path)
        found = _folder(tree, path) if folder.path in ours else None
        if found is not None and found.st_mode & 0o700 != 0o700:
            steps.checkpoint("open")
            tree.set_mode(path, stat.S_IMODE(found.st_mode) | 0o700)


def settle(tree: Beneath, ledger: Ledger, standing: Standing) -> Ledger:
    """Times and modes of the folders that stand now, deepest first."""
    states = {slot.path: slot.side(standing) for slot in ledger.slots}
    settled: list[Folder] = []
    for folder in ledger.folders:
        path, mtime, state = os.fsencode(folder.path), folder.side(standing), states.get(folder.path)
        found = _folder(tree, path)
        if found is not None:
            steps.checkpoint("settle")
            if mtime is None:
                folder = folder.model_copy(update={standing: found.st_mtime_ns})
            else:
                set_time(tree, path, mtime)
            if is_folder(state) and stat.S_IMODE(found.st_mode) != state.mode:
                tree.set_mode(path, state.mode)
        settled.append(folder)
    return ledger.model_copy(update={"folders": tuple(settled)})


def note_times(tree: Beneath, ledger: Ledger) -> Ledger:
    """Remember the folders' times as they are; one that someone else changed will not be set back."""
    standing = ledger.standing
    noted: list[Folder] = []
    for folder in ledger.folders:
        scratched = ledger.scratch and not folder.path  # our own doing
        found = None if scratched else _folder(tree, os.fsencode(folder.path))
        if found is not None and found.st_mtime_ns != folder.side(standing):
            update: dict[str, int | None] = {standing: found.st_mtime_ns}
            if folder.side(standing) is not None:
                update[other(standing)] = None
            folder = folder.model_copy(update=update)
        noted.append(folder)
    return ledger.model_copy(update={"folders": tuple(noted)})


def _folder(tree: Beneath, path: bytes) -> os.stat_result | None:
    """The folder at ``path``; None where there is none, or none to be reached (then the swap will say so)."""
    with suppress(OSError):
        found = tree.lstat(path)
        if found is not None and stat.S_ISDIR(found.st_mode):
            return found
    return None


def set_time(tree: Beneath, path: bytes, mtime_ns: int) -> None:
    with suppress(PermissionError):  # only the owner of a folder may; who may write in it may not
        tree.set_mtime(path, mtime_ns)
