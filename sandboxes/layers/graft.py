"""A layer that makes a view like others at chosen paths, written without mounting anything.

What lies in a layer is linked, not copied, so it costs names, not bytes. What lies in the user's workspace is
copied: a link would let the user's own edits reach into a sealed layer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from .layered import Entry, Layered, make_whiteout
from .meta import copy, copy_meta


class Scion(NamedTuple):
    """What a path is to be."""

    source: Layered
    """The view it is to be as in; what is not there is to go."""
    content: bytes | None = None
    """Of a file: to have this content instead."""


def write_layer(onto: Layered, picks: Mapping[bytes, Scion], target: bytes) -> bool:
    """Fill the empty folder ``target``, a layer over ``onto``. False where it stays empty: nothing is different."""
    return _Layer(onto, picks, target).write()


class _Layer:
    def __init__(self, onto: Layered, picks: Mapping[bytes, Scion], target: bytes) -> None:
        self.onto, self.picks, self.target = onto, picks, target
        self.folders: dict[bytes, bytes] = {}
        """Folders made in the layer, and where each has its attributes from."""

    def write(self) -> bool:
        wrote = False
        for path in sorted(self.picks):  # a folder before what is in it
            wrote = self.lay(path) or wrote
        for place, source in reversed(self.folders.items()):  # what is put into a folder changes its times
            copy_meta(source, place)
        return wrote

    def lay(self, path: bytes) -> bool:
        source, content = self.picks[path]
        entry, here = source.find(path), self.onto.find(path)
        if entry is None and (here is None or (here.is_directory and self.holds_more(path))):
            return False
        if entry is not None and here is not None and content is None and _same(entry, here):
            return False
        place = self.target + b"/" + path
        if not self.make_parents(path, source):
            return False
        if entry is None:
            make_whiteout(place)
        elif entry.is_directory:
            if place not in self.folders:
                os.mkdir(place)
            self.folders[place] = entry.path
        elif content is not None:
            with open(place, "xb") as file:
                file.write(content)
            copy_meta(entry.path, place)
            os.utime(place)
        elif entry.is_base:
            copy(entry.path, place)
        else:
            os.link(entry.path, place, follow_symlinks=False)
        return True

    def make_parents(self, path: bytes, source: Layered) -> bool:
        """The folders on the way, as they are; False where something else is in the way, or they are to go."""
        names = path.split(b"/")
        for depth in range(1, len(names)):
            inner = b"/".join(names[:depth])
            place = self.target + b"/" + inner
            if place in self.folders:
                continue
            if os.path.lexists(place):
                return False
            here = self.onto.find(inner)
            if here is not None and not here.is_directory:
                return False
            folder = here or source.find(inner)
            if folder is None or not folder.is_directory:
                return False
            os.mkdir(place)
            self.folders[place] = folder.path
        return True

    def holds_more(self, path: bytes) -> bool:
        """Whether the folder has something in it that no pick takes away."""
        entry = self.onto.find(path)
        if entry is None or not entry.is_directory:
            return False
        for name in self.onto.enter(entry).names():
            inner = path + b"/" + name
            pick = self.picks.get(inner)
            if pick is None or pick.source.find(inner) is not None or self.holds_more(inner):
                return True
        return False


def _same(entry: Entry, here: Entry) -> bool:
    """The very same thing: of a folder only its own attributes count, which lie in its topmost layer."""
    return entry.path == here.path
