"""A layer in the making, path by path: what is there now, over a view of what was."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable

from .layered import Entry, Layered, as_kept, make_whiteout, mark_opaque
from .meta import copy_meta

Attributes = Iterable[tuple[str, bytes]]
"""Extended attributes, as they are called inside."""


class Draft:
    """Fills ``target``, which is not there yet. Parents come before what is in them; what cannot be at its
    path, because its folder is none, is passed over."""

    def __init__(self, view: Layered, top: bytes, target: bytes) -> None:
        """``top``: what the view's own folder has its mode and times from."""
        self._view, self._top, self._target = view, top, target
        self._folders: dict[bytes, tuple[int, int]] = {}
        """Made in the layer, with what their mode and time are to be."""

    def hide(self, path: bytes) -> None:
        """Nothing is there."""
        if self._view.find(path) is not None and self._make_parents(path):
            make_whiteout(self._place(path))

    def folder(self, path: bytes, mode: int, mtime_ns: int, attributes: Attributes) -> None:
        """``path`` may be empty: the view's own folder."""
        before = self._view.find(path) if path else None
        place = self._place(path)
        if place not in self._folders:
            if path and not self._make_parents(path):
                return
            os.mkdir(place, 0o700)
            self._own(place, before)
            if before is not None and not before.is_directory:
                mark_opaque(place)
        _set_attributes(place, attributes)
        self._folders[place] = mode, mtime_ns

    def put(
        self, path: bytes, make: Callable[[bytes], object], mode: int | None, mtime_ns: int, attributes: Attributes
    ) -> None:
        """What is no folder; ``make`` is told where. ``mode`` None: of a symlink."""
        if not self._make_parents(path):
            return
        place = self._place(path)
        make(place)
        self._own(place, self._view.find(path))
        _set_attributes(place, attributes)
        if mode is not None:
            os.chmod(place, mode)
        os.utime(place, ns=(mtime_ns, mtime_ns), follow_symlinks=False)

    def finish(self) -> None:
        """What is put into a folder changes its times, and needs a mode that lets us."""
        for place, (mode, mtime_ns) in reversed(self._folders.items()):
            os.utime(place, ns=(mtime_ns, mtime_ns))
            os.chmod(place, mode)

    def _make_parents(self, path: bytes) -> bool:
        """Folders on the way, as they were; False where one of them is no folder in the layer."""
        names = path.split(b"/")
        for depth in range(len(names)):
            above = b"/".join(names[:depth])
            place = self._place(above)
            if place in self._folders:
                continue
            if os.path.lexists(place):
                return False
            entry = self._view.find(above) if above else None
            if above and (entry is None or not entry.is_directory):
                return False
            os.mkdir(place, 0o700)
            source = entry.path if entry is not None else self._top
            copy_meta(source, place)
            status = os.stat(source)
            os.chmod(place, stat.S_IMODE(status.st_mode) | stat.S_IRWXU)
            self._folders[place] = stat.S_IMODE(status.st_mode), status.st_mtime_ns
        return True

    def _place(self, path: bytes) -> bytes:
        return self._target + b"/" + path if path else self._target

    def _own(self, place: bytes, before: Entry | None) -> None:
        """Root gives a file to whom it was; a new one to whom its folder is."""
        if os.geteuid() == 0:
            status = before.status if before is not None else os.stat(os.path.dirname(place))
            os.chown(place, status.st_uid, status.st_gid, follow_symlinks=False)


def _set_attributes(place: bytes, attributes: Attributes) -> None:
    for name, value in attributes:
        os.setxattr(place, as_kept(name), value, follow_symlinks=False)
