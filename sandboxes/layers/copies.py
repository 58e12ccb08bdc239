"""A plain copy of a view, to be worked in; and what was done there, as a layer over that view.

That a path was changed is told by its inode and change time: nobody but the kernel sets the latter.
"""

from __future__ import annotations

import os
import stat
import time
from functools import partial

from .draft import Draft
from .layered import Layered, as_inside, as_kept, attributes_inside
from .meta import copy, copy_meta

_CLOCK_REALTIME_COARSE = 5
"""What change times are taken from (clock_gettime(2)): it ticks some hundred times a second."""


class Copy:
    """Everything in ``view``, copied to ``folder``, which is not there yet."""

    def __init__(self, view: Layered, folder: bytes) -> None:
        """Raises ``OSError``: of what cannot be read there is no copy, nor of a device."""
        self._view, self.folder = view, folder
        folders = [(folder, view.places[0])]
        inner = [(folder, view)]
        os.mkdir(folder, 0o700)
        while inner:
            place, here = inner.pop()
            for name in here.names():
                entry, at = here.look(name), place + b"/" + name
                if entry is None:  # the user took it away just now
                    continue
                if entry.is_directory:
                    os.mkdir(at, 0o700)
                    folders.append((at, entry.path))
                    inner.append((at, here.enter(entry)))
                else:
                    copy(entry.path, at, as_inside)
        for at, source in reversed(folders):  # what is put into a folder changes its times
            copy_meta(source, at, as_inside)
        _tick()
        self._seen = {path: _identity(status) for path, status in self._walk().items()}

    def take(self, target: bytes) -> None:
        """Fill ``target``, which is not there yet, with what is not as it was. Files move there."""
        now = self._walk()
        draft = Draft(self._view, self._view.places[0], target)
        for path in sorted(now.keys() | self._seen.keys()):
            status = now.get(path)
            if status is None:
                draft.hide(path)
            elif self._seen.get(path) != _identity(status):
                self._lay(draft, path, status)
        draft.finish()

    def _lay(self, draft: Draft, path: bytes, status: os.stat_result) -> None:
        at, mode = self._at(path), stat.S_IMODE(status.st_mode)
        if stat.S_ISLNK(status.st_mode):
            draft.put(path, partial(os.rename, at), None, status.st_mtime_ns, ())
        elif stat.S_ISDIR(status.st_mode):
            draft.folder(path, mode, status.st_mtime_ns, attributes_inside(at))
        else:
            draft.put(path, partial(_move, at), mode, status.st_mtime_ns, attributes_inside(at))

    def _walk(self) -> dict[bytes, os.stat_result]:
        """Relative path → status; the folder itself is the empty path."""
        found = {b"": os.stat(self.folder)}
        inner = [b""]
        while inner:
            folder = inner.pop()
            with os.scandir(self._at(folder)) as entries:
                for entry in entries:
                    path = folder + b"/" + entry.name if folder else entry.name
                    found[path] = entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        inner.append(path)
        return found

    def _at(self, path: bytes) -> bytes:
        return self.folder + b"/" + path if path else self.folder


def _move(source: bytes, place: bytes) -> None:
    for name, _ in attributes_inside(source):
        if as_kept(name) != name:
            os.removexattr(source, name)
    os.rename(source, place)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_ino, status.st_ctime_ns


def _tick() -> None:
    """Until what changes from here on has a later time than all that changed before."""
    now = time.time_ns()
    while time.clock_gettime_ns(_CLOCK_REALTIME_COARSE) <= now:
        time.sleep(0.0005)
