"""Between layers and a container: what a view holds, as entries to put there; entries from there, as a layer."""

from __future__ import annotations

import base64
import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from ..layers.draft import Draft
from ..layers.layered import Entry as Layer
from ..layers.layered import Layered, as_inside, attributes
from ..layers.store import PARTS, Store
from .inside import entries
from .inside.entries import FIFO, FILE, FOLDER, GONE, SOCKET, SYMLINK, Content, Entry, Source, bytes_of, named
from .inside.putting import make_socket


class Ground:
    """Which paths of the container are in layers, and in which part of them."""

    def __init__(
        self,
        store: Store,
        workspace: bytes,
        places: Sequence[bytes],
        hidden: Sequence[bytes],
        planted: Sequence[bytes],
    ) -> None:
        self.store = store
        self.roots = [workspace, *places]
        self._workspace, self._places = workspace, list(places)
        self._hidden = {workspace + b"/" + path for path in hidden}
        self.not_ours = set(planted)
        """What is planted, and folders that the engine made to lead there or to mount one place in another: nobody
        inside can have anything in these."""
        self.fixed: set[bytes] = set()
        """Folders of the image that lead to such: always there, and the engine's, so that nobody moves them away."""
        for target in (*self.roots, *planted):
            for place in self._places:
                if target.startswith(place + b"/"):
                    names = target[len(place) + 1 :].split(b"/")
                    ways = [b"/".join((place, *names[:depth])) for depth in range(len(names))]
                    there = [way == place or os.path.isdir(store.base["rest"] + way) for way in ways]
                    self.fixed.update(way for way, is_there in zip(ways, there, strict=True) if is_there)
                    self.not_ours.update([way for way, is_there in zip(ways, there, strict=True) if not is_there][:1])

    def is_ours(self, path: bytes) -> bool:
        if self.locate(path)[0] == "work":  # nothing is planted there, wherever it lies
            return True
        return not any((path + b"/").startswith(other + b"/") for other in self.not_ours)

    def locate(self, path: bytes) -> tuple[str, bytes]:
        """The part, and the path in it; that of the workspace itself is empty."""
        if path == self._workspace or path.startswith(self._workspace + b"/"):
            return "work", path[len(self._workspace) + 1 :]
        return "rest", path[1:]

    def holds(self, path: bytes) -> bool:
        return any((path + b"/").startswith(root + b"/") for root in self.roots)

    def is_hidden(self, path: bytes) -> bool:
        return any(path == hidden or path.startswith(hidden + b"/") for hidden in self._hidden)

    def is_above_hidden(self, path: bytes) -> bool:
        return any(hidden.startswith(path + b"/") for hidden in self._hidden)

    def views(self, layers: Sequence[str]) -> dict[str, Layered]:
        return {part: Layered(self.store.lowers(layers, part)) for part in PARTS}

    def sources(self, layers: Sequence[str], paths: Iterable[bytes]) -> Iterator[Source]:
        """What is to be at each path, parents first."""
        views = self.views(layers)
        for path in sorted(paths):
            part, inner = self.locate(path)
            if not self.is_ours(path):
                continue
            if not inner:
                place = self.store.view(layers, part).places[0]  # a squashed run has no time of its own
                yield self._look(path, Layer(place, os.lstat(place), (place,), False))
            else:
                yield from self._given(path, views[part].find(inner))

    def everything(self, layers: Sequence[str]) -> Iterator[Source]:
        views = self.views(layers)
        for root in self.roots:
            part, inner = self.locate(root)
            yield from self._below(root, views[part].find(inner) if inner else None, views[part])

    def _below(self, path: bytes, entry: Layer | None, view: Layered) -> Iterator[Source]:
        """``entry`` in ``view``; the whole of ``view`` where there is none."""
        stack = [(path, view.enter(entry) if entry is not None else view)]
        while stack:
            folder, inner = stack.pop()
            for name in sorted(inner.names()):
                at = folder + b"/" + name
                if at in self.roots or not self.is_ours(at):
                    continue
                found = inner.look(name)
                yield from self._given(at, found)
                if found is not None and found.is_directory and self._may_enter(at, found):
                    stack.append((at, inner.enter(found)))

    def _may_enter(self, path: bytes, folder: Layer) -> bool:
        """Whether what is in it is to be there: not of what is hidden, or what the user may not look into himself."""
        if self.is_hidden(path):
            return False
        if not folder.is_base or self.locate(path)[0] != "work" or os.geteuid() == 0:
            return True
        if folder.status.st_uid != os.geteuid():
            return os.access(folder.path, os.R_OK | os.X_OK)
        return folder.status.st_mode & 0o500 == 0o500

    def _given(self, path: bytes, entry: Layer | None) -> Iterator[Source]:
        if path not in self.fixed or (entry is not None and entry.is_directory):
            yield self._look(path, entry)

    def _look(self, path: bytes, entry: Layer | None) -> Source:
        if entry is None:
            return Source(Entry(named(path)), None)
        try:
            theirs = entry.is_base and self.locate(path)[0] == "work"
            if theirs and not _is_readable(entry):
                return _blank(path, entry.status)
            given = [(as_inside(name), value) for name, value in attributes(entry.path)] if _has_some(entry) else ()
            source = entries.look(entry.path, path, entry.status, given, ours=not theirs)
        except FileNotFoundError:  # the user took it away just now
            return Source(Entry(named(path)), None)
        if self.is_hidden(path) and source.content is not None:
            os.close(source.content)
            return Source(source.entry._replace(size=0), None)
        return source


def _has_some(entry: Layer) -> bool:
    """Extended attributes."""
    return entry.is_directory or stat.S_ISREG(entry.status.st_mode)


class Taking:
    """Writes the layer ``made`` over ``layers``: what an action left at the paths it changed."""

    def __init__(self, ground: Ground, layers: Sequence[str], made: bytes) -> None:
        self._ground, self._made = ground, made
        self._views = ground.views(layers)
        self._drafts = {
            part: Draft(view, ground.store.view(layers, part).places[0], made + b"/" + part.encode())
            for part, view in self._views.items()
        }
        self.paths: list[bytes] = []
        """All that came."""
        self.again: list[bytes] = []
        """Those that are not as a layer can have them."""

    def take(self, entry: Entry, content: Content) -> None:
        """Parents come first. Raises ``OSError``."""
        path = bytes_of(entry.path)
        if not self._ground.holds(path) or not {b"", b".", b".."}.isdisjoint(path.split(b"/")[1:]):
            raise OSError(errno.EPROTO, "is told of, and no place of the container", entry.path)
        self.paths.append(path)
        part, inner = self._ground.locate(path)
        if self._ground.is_hidden(path) or (entry.type == GONE and self._ground.is_above_hidden(path)):
            self.again.append(path)
        elif not inner or path not in self._ground.fixed:
            self._lay(part, inner, entry, content)

    def finish(self) -> None:
        """All came. Raises ``OSError``."""
        for draft in self._drafts.values():
            draft.finish()

    def _lay(self, part: str, inner: bytes, entry: Entry, content: Content) -> None:
        draft = self._drafts[part]
        attributes = [(name, base64.b64decode(value)) for name, value in entry.attributes]
        if entry.type == GONE:
            draft.hide(inner)
        elif entry.type == FOLDER:
            draft.folder(inner, entry.mode, entry.mtime_ns, attributes)
        else:
            mode = None if entry.type == SYMLINK else entry.mode
            draft.put(inner, partial(_make, entry, content), mode, entry.mtime_ns, attributes)
            self._leave_blank(part, inner, entry)

    def _leave_blank(self, part: str, inner: bytes, entry: Entry) -> None:
        """A file whose content never was in the container is as it was, whatever was done to what stood for it."""
        before = self._views[part].find(inner)
        place = b"/".join((self._made, part.encode(), inner))
        if entry.type != FILE or part != "work" or before is None or not before.is_base:
            return
        if not _is_readable(before) and os.path.lexists(place):
            status = os.lstat(place)
            if (status.st_size, status.st_blocks) == (before.status.st_size, 0):
                os.unlink(place)
                self.again.append(bytes_of(entry.path))


def _make(entry: Entry, content: Content, place: bytes) -> None:
    if entry.type == FILE:
        file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            content.write(file)
        finally:
            os.close(file)
    elif entry.type == SYMLINK:
        os.symlink(bytes_of(entry.target), place)
    elif entry.type == FIFO:
        os.mkfifo(place)
    elif entry.type == SOCKET:
        make_socket(place)


def _is_readable(entry: Layer) -> bool:
    """By the user whose it is, by its mode: this process may do more than he."""
    status = entry.status
    if not stat.S_ISREG(status.st_mode):
        return True
    kept_out = os.geteuid() != 0 and status.st_uid == os.geteuid() and not status.st_mode & stat.S_IRUSR
    return not kept_out and os.access(entry.path, os.R_OK)


def _blank(path: bytes, status: os.stat_result) -> Source:
    """A file of the same size and mode, without its content."""
    content = os.memfd_create("blank", os.MFD_CLOEXEC)
    os.ftruncate(content, status.st_size)
    entry = Entry(named(path), FILE, stat.S_IMODE(status.st_mode), status.st_mtime_ns, status.st_size)
    return Source(entry, content)
