"""A plain copy of a view, to be worked in; and what was done there, as a layer over that view.

That a path was changed is told by its inode and change time: nobody but the kernel sets the latter.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import partial

from .draft import Draft
from .layered import Entry, Layered, as_inside, as_kept, attributes_inside
from .meta import copy, copy_meta
from .times import tick


class Copy:
    """The folder ``folder``, which is not there yet, and is filled by ``stand``."""

    def __init__(self, folder: bytes) -> None:
        self.folder = folder
        self._seen: dict[bytes, tuple[int, int]] = {}
        """By relative path: inode and change time, as they were when it was last as the view is."""
        self._sources: dict[bytes, tuple[bytes, int, int]] = {}
        """Where it was copied from, as it was then."""
        os.mkdir(folder)

    def stand(self, view: Layered) -> None:
        """Be as ``view``: what is so already stays, all else is copied. Raises ``OSError``: of what cannot be read
        there is no copy, nor of a device."""
        self._view = view
        top = view.places[0]
        wanted = {b"": Entry(top, os.stat(top), view.places, False), **dict(_all(view))}
        sources = {path: (entry.path, *_identity(entry.status)) for path, entry in wanted.items()}
        there = set()
        for path, status in sorted(self._walk().items(), reverse=True):  # what is in a folder before the folder
            same = self._seen.get(path) == _identity(status) and self._sources.get(path) == sources.get(path)
            is_folder = stat.S_ISDIR(status.st_mode)
            if path in wanted and (same or (is_folder and wanted[path].is_directory)):
                there.add(path)
            elif is_folder:
                os.rmdir(self._at(path))
            else:
                os.unlink(self._at(path))
        folders = [path for path in sorted(wanted) if wanted[path].is_directory]
        for path in sorted(wanted.keys() - there):
            if wanted[path].is_directory:
                os.mkdir(self._at(path), 0o700)
            else:
                copy(wanted[path].path, self._at(path), as_inside)
        for path in reversed(folders):  # what is put into a folder changes its times
            for name, _ in attributes_inside(self._at(path)):
                os.removexattr(self._at(path), name)
            copy_meta(wanted[path].path, self._at(path), as_inside)
        tick()
        self._seen = {path: _identity(status) for path, status in self._walk().items()}
        self._sources = sources

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


def _all(view: Layered) -> Iterator[tuple[bytes, Entry]]:
    inner = [(b"", view)]
    while inner:
        folder, here = inner.pop()
        for name in here.names():
            entry = here.look(name)
            if entry is not None:  # else the user took it away just now
                yield folder + name, entry
                if entry.is_directory:
                    inner.append((folder + name + b"/", here.enter(entry)))


def _move(source: bytes, place: bytes) -> None:
    for name, _ in attributes_inside(source):
        if as_kept(name) != name:
            os.removexattr(source, name)
    os.rename(source, place)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_ino, status.st_ctime_ns
