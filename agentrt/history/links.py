"""Other names of the same file: where a copy must be put back, a second name of what is still there is truer."""

from __future__ import annotations

import os
from collections.abc import Iterable

from .beneath import Beneath
from .ledger import Slot
from .states import same_object


class Links:
    """Files that had several names, by the inode they had. Walks the whole tree, but only if there are any."""

    def __init__(self, tree: Beneath, slots: Iterable[Slot]) -> None:
        self.tree = tree
        self._places: dict[int, bytes] = {}
        self._made: dict[int, bytes] = {}
        wanted = {s.shared: s.before.model_copy(update={"inode": s.shared}) for s in slots if s.shared and s.before}
        if not wanted:
            return
        for folder, _, files, fd in os.fwalk(b".", dir_fd=tree.fd):
            for name in files:
                found = os.stat(name, dir_fd=fd, follow_symlinks=False)
                state = wanted.get(found.st_ino)
                if state is not None and same_object(state, found):
                    self._places[found.st_ino] = os.path.relpath(os.path.join(folder, name), b".")

    def link(self, shared: int, held: int, name: bytes) -> int | None:
        """Make ``name`` in the folder ``held`` another name of that file: its inode; None: there is no such file."""
        try:
            if shared in self._made:
                os.link(self._made[shared], name, src_dir_fd=held, dst_dir_fd=held)
            elif shared in self._places:
                with self.tree.parent(self._places[shared]) as (fd, last):
                    os.link(last, name, src_dir_fd=fd, dst_dir_fd=held, follow_symlinks=False)
            else:
                return None
        except OSError:  # not allowed, or gone meanwhile
            return None
        return os.stat(name, dir_fd=held, follow_symlinks=False).st_ino

    def made(self, shared: int, name: bytes) -> None:
        """A copy of that file is in the held folder under ``name``."""
        if shared:
            self._made[shared] = name
