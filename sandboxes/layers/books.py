"""What is asked about layers, and answered without mounting or running anything.

What is asked and answered travels as JSON: a layer's name, a path, and what is at it (the fields of a ``FileState``).
"""

from __future__ import annotations

import base64
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any

from . import compare, disk
from .compare import Found
from .graft import Scion, write_layer
from .layered import Entry, Layered
from .meta import copy_meta
from .store import PARTS, Store
from .trees import remove_tree


class Books:
    def __init__(self, store: Store) -> None:
        self.store = store

    def check(self, layers: Sequence[str]) -> None:
        """That they are all there. Raises ``FileNotFoundError``."""
        for part in PARTS:
            self.store.uppers(layers, part)

    def measure(self, layers: Sequence[str], part: str, upper: bytes, found: list[Found]) -> bool:
        """Add to ``found`` what the folder ``upper`` changes over ``layers``; whether anything was touched at all."""
        before = self.store.view(layers, part)
        after = Layered([upper, *before.places])
        touched = False
        for path, old, new in compare.pairs(before, after, [upper]):
            touched = touched or compare.touched(old, new)
            self._add(found, part, path, old, new)
        return touched

    def seal(self, layers: list[str], made: bytes, name: str) -> dict[str, Any]:
        """The folder ``made``, with a folder for each part there is something in, becomes the layer ``name`` over
        ``layers``: its name and the effects, or None and no effects where nothing was touched."""
        found: list[Found] = []
        parts = [part for part in PARTS if os.path.lexists(made + b"/" + part.encode())]
        measured = [self.measure(layers, part, made + b"/" + part.encode(), found) for part in parts]
        if not any(measured):
            return {"layer": None, "effects": []}
        self._keep(made, name)
        return {"layer": name, "effects": compare.pair_renames(found)}

    def changes(self, a: list[str], b: list[str]) -> dict[str, Any]:
        found: list[Found] = []
        for part, (path, old, new) in self._pairs(a, b):
            self._add(found, part, path, old, new)
        return {"effects": compare.pair_renames(found)}

    def between(self, a: list[str], b: list[str]) -> Iterator[tuple[str, bytes]]:
        """Part and path of all that may differ."""
        return ((part, path) for part, (path, _, _) in self._pairs(a, b))

    def _pairs(self, a: list[str], b: list[str]) -> Iterator[tuple[str, compare.Pair]]:
        common = 0
        while common < min(len(a), len(b)) and a[common] == b[common]:
            common += 1
        for part in PARTS:
            ours, theirs = self.store.uppers(a[common:], part), self.store.uppers(b[common:], part)
            if ours or theirs:
                shared = self.store.view(a[:common], part).places
                sides = Layered([*ours, *shared]), Layered([*theirs, *shared])
                for pair in compare.pairs(*sides, [*ours, *theirs]):
                    yield part, pair

    def look(self, layers: list[str], paths: list[str]) -> dict[str, Any]:
        entries = self._find(layers, paths)
        return {"states": [None if entry is None else compare.state(entry, hashed=True) for _, entry in entries]}

    def open(self, layers: list[str], paths: list[str]) -> list[int]:
        files: list[int] = []
        try:
            for path, entry in self._find(layers, paths):
                files.append(_open(entry, path))
        except BaseException:
            for file in files:
                os.close(file)
            raise
        return files

    def keep(self, layers: list[str], paths: list[str], name: str) -> dict[str, Any]:
        kept = [layer for layer in layers if self.store.uppers([layer], "rest")]
        kept = [layer if layer.endswith(":rest") else layer + ":rest" for layer in kept]
        view = self.store.view(layers, "work")
        return self._graft(kept, {"work": {path: Scion(view) for path in map(os.fsencode, paths)}}, name)

    def graft(
        self, onto: list[str], layers: list[list[str]], wanted: list[tuple[str, int, str | None]], name: str
    ) -> dict[str, Any]:
        """``wanted``: paths, each with the number of the ``layers`` it is to be as in, and a file's other content."""
        sources: dict[tuple[int, str], Layered] = {}
        picks: dict[str, dict[bytes, Scion]] = {part: {} for part in PARTS}
        for path, source, content in wanted:
            part, inner = self.store.place(os.path.normpath(os.fsencode(path)))
            if part is None:
                raise _os_error(errno.EINVAL, path)
            if (source, part) not in sources:
                sources[source, part] = self.store.view(layers[source], part)
            picks[part][inner] = Scion(sources[source, part], None if content is None else base64.b64decode(content))
        return self._graft(onto, picks, name)

    def _find(self, layers: list[str], paths: list[str]) -> Iterator[tuple[str, Entry | None]]:
        """What is at each path; None where nothing is."""
        views: dict[str, Layered] = {}
        for path in paths:
            part, inner = self.store.place(os.path.normpath(os.fsencode(path)))
            if part is not None and part not in views:
                views[part] = self.store.view(layers, part)
            yield path, views[part].find(inner) if part is not None else None

    def _graft(self, onto: list[str], picks: dict[str, dict[bytes, Scion]], name: str) -> dict[str, Any]:
        with self.store.making() as made:
            wrote = False
            for part, scions in picks.items():
                if scions:
                    view, upper = self.store.view(onto, part), made + b"/" + part.encode()
                    os.mkdir(upper)
                    copy_meta(view.places[0], upper)
                    if write_layer(view, scions, upper):
                        wrote = True
                    else:
                        remove_tree(upper)
            if not wrote:
                return {"layers": onto}
            self._keep(made, name)
        return {"layers": [*onto, name]}

    def _keep(self, made: bytes, name: str) -> None:
        disk.sync_tree(made)
        os.rename(made, self.store.folder + b"/" + os.fsencode(name))
        self.store.forget()
        disk.sync_folder(self.store.folder)

    def _add(
        self,
        found: list[Found],
        part: str,
        path: bytes,
        old: Entry | None,
        new: Entry | None,
    ) -> None:
        effect = compare.effect(self.store.shown(part, path), old, new)
        if effect is not None:
            found.append((effect, old))


def _open(entry: Entry | None, path: str) -> int:
    if entry is None:
        raise _os_error(errno.ENOENT, path)
    if not stat.S_ISREG(entry.status.st_mode):
        raise _os_error(errno.EISDIR if entry.is_directory else errno.EINVAL, path)
    try:
        return os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _os_error(error.errno or errno.EIO, path) from error


def _os_error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
