"""Reading layers without mounting them: one directory as the union of its layers.

The rules are the kernel's (Documentation/filesystems/overlayfs.rst): a whiteout hides what is below it, an opaque
directory hides the whole directory below it, anything that is not a directory hides what is below it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

_MARKS = "user.overlay."
_OPAQUE = _MARKS + "opaque"
_WHITEOUT = _MARKS + "whiteout"
_ORIGIN = _MARKS + "origin"
_ESCAPED = _MARKS + "overlay."
"""So the kernel begins the name of an attribute that was set inside and looks like one of its marks."""


class Entry(NamedTuple):
    """One name in a layered directory."""

    path: bytes
    """Where its topmost layer keeps it."""
    status: os.stat_result
    places: tuple[bytes, ...]
    """For a directory: the layers' directories it is made of, topmost first."""
    is_base: bool
    """It lies in the lowest layer, which is not ours."""

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)


def is_whiteout(path: bytes, status: os.stat_result) -> bool:
    """The kernel writes a character device 0:0; tools that cannot make one write an empty file with a mark."""
    if stat.S_ISCHR(status.st_mode):
        return status.st_rdev == 0
    return stat.S_ISREG(status.st_mode) and status.st_size == 0 and _mark(path, _WHITEOUT) is not None


def is_opaque(path: bytes) -> bool:
    return _mark(path, _OPAQUE) == b"y"


def mark_opaque(path: bytes) -> None:
    os.setxattr(path, _OPAQUE, b"y", follow_symlinks=False)


def make_whiteout(path: bytes) -> None:
    """Hide what is below, also from who lists the folder: where no other layer has that, the kernel looks for
    whiteouts only in a folder with the mark of one that was copied up, as its own whiteouts are in."""
    os.setxattr(os.path.dirname(path), _ORIGIN, b"")
    os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))


def attributes(path: bytes) -> list[tuple[str, bytes]]:
    """Extended attributes as a layer keeps them, without the kernel's marks and those only the system may set."""
    found = attributes_inside(path)
    return [(name, value) for name, value in found if not name.startswith(_MARKS) or name.startswith(_ESCAPED)]


def attributes_inside(path: bytes) -> list[tuple[str, bytes]]:
    """The same of what lies in no layer, where nothing is a mark of the kernel's."""
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
    except OSError:
        return []
    names = [name for name in names if not name.startswith(("trusted.", "security."))]
    return [(name, os.getxattr(path, name, follow_symlinks=False)) for name in names]


def as_kept(name: str) -> str:
    """What a layer calls an attribute that is called ``name`` inside."""
    return name.replace(_MARKS, _ESCAPED, 1) if name.startswith(_MARKS) else name


def as_inside(name: str) -> str:
    """The inverse."""
    return name.replace(_ESCAPED, _MARKS, 1)


def _mark(path: bytes, name: str) -> bytes | None:
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError:
        return None


class Layered:
    """A directory made of ``places``, topmost first; the last of them is the base (a host's folder)."""

    def __init__(self, places: Sequence[bytes], *, base: bool = True) -> None:
        self.places = tuple(places)
        self._base = self.places[-1] if base and self.places else None

    def look(self, name: bytes) -> Entry | None:
        found: tuple[bytes, os.stat_result, bool] | None = None
        directories: list[bytes] = []
        for place in self.places:
            path = place + b"/" + name
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue
            in_base = place is self._base
            if not in_base and is_whiteout(path, status):
                break
            if not stat.S_ISDIR(status.st_mode):
                found = found or (path, status, in_base)
                break
            found = found or (path, status, in_base)
            directories.append(path)
            if not in_base and is_opaque(path):
                break
        if found is None:
            return None
        return Entry(found[0], found[1], tuple(directories), found[2])

    def enter(self, entry: Entry) -> Layered:
        """The directory ``entry`` (this one's, or one below) as a layered directory."""
        reaches_base = self._base is not None and entry.places[-1].startswith(self._base + b"/")
        return Layered(entry.places, base=reaches_base)

    def names(self) -> set[bytes]:
        names: set[bytes] = set()
        for place in reversed(self.places):
            with os.scandir(place) as entries:
                for entry in entries:
                    if place is not self._base and _hides(entry):
                        names.discard(entry.name)
                    else:
                        names.add(entry.name)
        return names

    def find(self, path: bytes) -> Entry | None:
        """The entry at a relative path; symlinks on the way are not followed (then: None)."""
        directory: Layered = self
        entry: Entry | None = None
        for name in path.split(b"/"):
            if entry is not None:
                if not entry.is_directory:
                    return None
                directory = directory.enter(entry)
            entry = directory.look(name)
            if entry is None:
                return None
        return entry


def _hides(entry: os.DirEntry[bytes]) -> bool:
    if entry.is_dir(follow_symlinks=False) or entry.is_symlink():
        return False
    return is_whiteout(entry.path, entry.stat(follow_symlinks=False))
