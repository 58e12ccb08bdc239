"""Before a turn: does every path still hold what should be there, and may we change it?"""

from __future__ import annotations

import os

from agentrt.errors import Conflict
from agentrt.records import FileState, PathConflict

from .beneath import Beneath, lstat_at
from .guards import folder_of, is_folder, may_change, owned, strangers
from .ledger import Ledger, Slot, other
from .since import UNCHANGED, Since
from .states import alike, describe, is_still, look


def check(tree: Beneath, held: int | None, ledger: Ledger, since: Since = UNCHANGED) -> Ledger:
    """The ledger with what stands as it is right now; nothing is touched.

    A file that was rewritten with the same content and mode counts as the same. ``held`` is asked whether what is
    to come is still there (None: nothing will be done). What was merged is taken from ``since``. Raises ``Conflict``
    naming every path that is not as it should be.
    """
    ledger = ledger.model_copy(update={"slots": since.slots}) if since.slots else ledger
    checker = _Checker(tree, ledger, since)
    slots = [slot if slot.purged else checker.slot(slot) for slot in ledger.slots]
    for slot in slots:
        if not slot.purged:
            checker.permission(slot)
    if held is not None:
        checker.kept(held)
    if checker.conflicts:
        found = tuple(checker.conflicts.values())
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise Conflict(f"{found[0].path}: {found[0].theirs}{more}", conflicts=found)
    return ledger.model_copy(update={"slots": tuple(slots)})


class _Checker:
    def __init__(self, tree: Beneath, ledger: Ledger, since: Since) -> None:
        self.tree, self.ledger, self._yet_to_make = tree, ledger, since.made
        self.goes, self.comes = ledger.standing, other(ledger.standing)
        self.conflicts: dict[str, PathConflict] = {clash.path: clash for clash in since.clashes}
        self._leaving = {os.fsencode(s.path) for s in ledger.slots if s.side(self.goes) and not s.side(self.comes)}
        self._slots = {os.fsencode(slot.path): slot for slot in ledger.slots}
        self._free: dict[bytes, bool] = {}

    def slot(self, slot: Slot) -> Slot:
        """The slot with what stands as it is now; a conflict if that is something else."""
        path, goes = os.fsencode(slot.path), slot.side(self.goes)
        above = self._slots.get(folder_of(path))
        if goes is None and above is not None and not is_folder(above.side(self.goes)):
            return slot  # its folder is yet to come
        try:
            found = self.tree.lstat(path)
            if found is None and goes is None:
                return slot
            now = look(self.tree, path) if found is not None else None
            if not alike(now, goes):
                theirs = describe(now, goes) if goes is not None else f"{describe(now, None)} by someone else since"
                self._conflict(slot, theirs)
                return slot
            if is_folder(goes) and not is_folder(slot.side(self.comes)):
                for inside in strangers(self.tree, path, self._leaving):
                    self._conflict(slot, "created since; its folder would go", os.fsdecode(inside))
        except OSError as error:
            self._conflict(slot, os.strerror(error.errno or 0))
            return slot
        update: dict[str, FileState | None] = {self.goes: now}
        if slot.in_place and now is not None and goes is not None:
            comes = slot.side(self.comes)
            assert comes is not None
            same = {"inode": now.inode, "mtime_ns": now.mtime_ns}
            update[self.comes] = comes.model_copy(update=same)
        return slot.model_copy(update=update)

    def permission(self, slot: Slot) -> None:
        path = os.fsencode(slot.path)
        if slot.in_place:
            if not owned(self.tree, path):
                self._conflict(slot, "it belongs to someone else, who alone can change its mode")
            return
        for folder in (folder_of(path), path) if is_folder(slot.side(self.goes)) else (folder_of(path),):
            if folder not in self._free:
                self._free[folder] = self._may_change(folder)
            if not self._free[folder]:
                self._conflict(slot, "not writable" if folder == path else "its folder is not writable")

    def kept(self, held: int) -> None:
        for number, slot in enumerate(self.ledger.slots):
            comes = slot.side(self.comes)
            if comes is None or slot.in_place or number in self._yet_to_make:
                continue
            name = slot.name(number)
            found = lstat_at(held, name)
            if found is None or not (found.st_ino == comes.inode or is_still(comes, held, name)):
                self._conflict(slot, "what was kept aside of it is gone")

    def _may_change(self, folder: bytes) -> bool:
        slot = self._slots.get(folder)
        if slot is not None and (not is_folder(slot.side(self.goes)) or owned(self.tree, folder)):
            return True
        return may_change(self.tree, folder)

    def _conflict(self, slot: Slot, theirs: str, path: str | None = None) -> None:
        ours = describe(slot.side(self.comes), slot.side(self.goes))
        path = slot.path if path is None else path
        self.conflicts.setdefault(path, PathConflict(path=path, ours=ours, theirs=theirs))
