"""The open layer: what the action under way writes, before it is sealed, and the mounts over it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ...acting import kernel
from ...layers import disk
from ...layers.meta import copy_meta
from ...layers.store import PARTS, Store
from ...layers.trees import remove_tree
from . import overlay
from .overlay import Stack


class OpenLayer:
    """``rest`` (home, tmp, var) stays mounted as long as what it consists of stays the same: nobody else writes
    there. The workspace may be edited between actions, so its mount lives only as long as one, in the action."""

    def __init__(self, store: Store, rest: bytes) -> None:
        self._store = store
        self._mount_point = rest
        self._mounted: Stack | None = None
        self.layers: list[str] = []
        """What it lies on, lowest first."""
        os.mkdir(store.open_layer)
        self._works = {part: store.new_folder() for part in PARTS}
        for part in PARTS:
            self._make(part)

    def upper(self, part: str) -> bytes:
        return self._store.open_layer + b"/" + part.encode()

    def stack(self, part: str) -> Stack:
        return Stack(self.upper(part), self._works[part], tuple(self._store.lowers(self.layers, part)))

    def written(self) -> list[str]:
        """The parts that something was written to."""
        return [part for part in PARTS if not os.path.lexists(self.upper(part)) or os.listdir(self.upper(part))]

    def is_mounted(self) -> bool:
        """Whether ``rest`` is mounted as it should be."""
        return self._mounted is not None and self._mounted == self.stack("rest")

    def mount(self) -> None:
        if not self.is_mounted():
            self.unmount()
            self.renew("rest")
            stack = self.stack("rest")
            overlay.mount(stack, self._mount_point)
            self._mounted = stack

    def renew(self, part: str) -> None:
        """Make ready for the next mount."""
        self._store.discard(self._works[part])
        self._works[part] = self._store.new_folder()

    def unmount(self) -> None:
        if self._mounted is not None:
            kernel.unmount(self._mount_point)
            self._mounted = None

    def stand(self, layers: Sequence[str]) -> None:
        """Lie on ``layers``, with nothing written."""
        self.layers = list(layers)
        written = self.written()
        for part in PARTS:
            if part != "rest" or part in written:  # the workspace's own folder may have another mode than it had
                self._remove(part)
                self._make(part)

    def seal(self, parts: Sequence[str], name: str) -> None:
        """Move what was written to ``parts`` into the store, on disk when this returns, and lie on it."""
        with self._store.making() as sealed:
            for part in parts:
                if part == "rest":
                    self.unmount()
                os.rename(self.upper(part), sealed + b"/" + part.encode())
            disk.sync_tree(sealed)
            os.rename(sealed, self._store.folder + b"/" + os.fsencode(name))
        disk.sync_folder(self._store.folder)
        self.layers.append(name)
        for part in parts:
            self._make(part)

    def drop(self) -> None:
        """Remove what was written, to make room; nothing can be written before ``stand``."""
        for part in PARTS:
            self._remove(part)

    def _make(self, part: str) -> None:
        os.mkdir(self.upper(part))
        # The top of an overlay has the attributes of its upper folder.
        copy_meta(self._store.view(self.layers, part).places[0], self.upper(part))

    def _remove(self, part: str) -> None:
        if part == "rest":
            self.unmount()
        if part in self.written():
            remove_tree(self.upper(part))
        else:
            self._store.discard(self.upper(part))
