"""The layers on disk, by name.

    <store>/<name>/work      what an action changed below the workspace
    <store>/<name>/rest      what it changed in home, tmp and var
    <store>/.base            the empty home, tmp and var that everything starts from
    <store>/.squash-<hash>/  several layers as one, to keep mounts shallow; made anew when missing: of names them,
                             tree is what they come to
    <store>/.run-<pid>.<n>/  one process's: of a server, open/ is the layer being written (work, rest and the kernel's
                             work folders), stage/ a mount point; and what is not finished, or is on its way out.
                             Locked while the process lives, removed by the next server.

A snapshot names layers; ``name:rest`` means only that layer's ``rest`` (its work was applied).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence

from .layered import Layered
from .trees import remove_tree

PARTS = ("work", "rest")
SQUASH, OF, TREE = b"/.squash-", b"/of", b"/tree"
_BASE = b"/.base"
_CHUNK = 64
"""Layers squashed together. A mount of n layers is then n/64 + 63 deep; the kernel's end is 500."""


class Store:
    def __init__(self, folder: bytes, workspace: bytes, places: Mapping[bytes, bytes], base: bytes = b"") -> None:
        """``places``: the folders besides the workspace that may change, and what each is called in ``rest`` ("" and ""
        for all there are, by their own paths); ``base``: what those hold at first, where that is not nothing."""
        self.folder = folder
        self.base = {"work": workspace, "rest": base or folder + _BASE}
        # The workspace comes first: it may lie inside one of the others.
        self._places = {workspace: ("work", b""), **{shown: ("rest", name) for shown, name in places.items()}}
        os.makedirs(folder + _BASE, exist_ok=True)
        self._run, self._lock = _new_run(folder)
        self._numbers = itertools.count()
        self._seen: dict[tuple[str, str], bytes | None] = {}
        self._seen_at = 0
        self.litter: list[bytes] = []
        """What ``discard`` moved aside and ``tidy`` has not removed yet."""

    def leave(self) -> None:
        """Remove what is this server's own; what cannot be removed now, the next server removes."""
        with contextlib.suppress(OSError):
            remove_tree(self._run)
        os.close(self._lock)

    @property
    def open_layer(self) -> bytes:
        return self._run + b"/open"

    @property
    def stage(self) -> bytes:
        return self._run + b"/stage"

    def new_folder(self) -> bytes:
        """Empty, and this server's own."""
        path = self._run + b"/folder-%d" % next(self._numbers)
        os.mkdir(path)
        return path

    @contextlib.contextmanager
    def making(self) -> Iterator[bytes]:
        """A new folder to be filled and moved to its place; it does not stay where it is."""
        path = self.new_folder()
        try:
            yield path
        finally:
            if os.path.lexists(path):
                remove_tree(path)

    def discard(self, path: bytes) -> None:
        """An empty folder goes out of the way now and is removed when there is time, which some disks take."""
        litter = self._run + b"/litter-%d" % next(self._numbers)
        os.rename(path, litter)
        self.litter.append(litter)

    def tidy(self) -> None:
        """Remove one thing that was discarded."""
        remove_tree(self.litter.pop())

    def place(self, path: bytes) -> tuple[str | None, bytes]:
        """Which part of a layer holds a normalized path, and where in it; None for what no layer holds."""
        for shown, (part, inner) in self._places.items():
            if path.startswith(shown + b"/"):
                return part, inner + path[len(shown) + 1 :]
        outside = path.startswith((b"/", b"../")) or path in (b".", b"..")
        return (None, path) if outside else ("work", path)

    def shown(self, part: str, path: bytes) -> bytes:
        """The inverse: how a path of a layer is told to people."""
        if part == "work":
            return path
        for shown, (of, inner) in self._places.items():
            if of == part and inner and (path + b"/").startswith(inner):
                return shown + path[len(inner) - 1 :]
        return b"/" + path

    def layer(self, name: str, part: str) -> bytes:
        return b"/".join((self.folder, os.fsencode(name), part.encode()))

    def uppers(self, layers: Sequence[str], part: str) -> list[bytes]:
        """The folders of ``layers`` that have something in ``part``, topmost first."""
        changed = os.stat(self.folder).st_mtime_ns
        if changed != self._seen_at:  # a layer came or went
            there = set(os.listdir(os.fsdecode(self.folder)))
            # What stayed is what it was: looking at each of many layers again takes longer than an action.
            self._seen = {seen: upper for seen, upper in self._seen.items() if seen[0].partition(":")[0] in there}
            self._seen_at = changed
        found = []
        for reference in reversed(layers):
            if (reference, part) not in self._seen:
                self._seen[reference, part] = self._upper(reference, part)
            upper = self._seen[reference, part]
            if upper is not None:
                found.append(upper)
        return found

    def forget(self) -> None:
        """Needed when a layer came or went by our own hand: a clock may stand still between the two."""
        self._seen, self._seen_at = {}, 0

    def _upper(self, reference: str, part: str) -> bytes | None:
        name, _, only = reference.partition(":")
        if only not in ("", part):
            return None
        path = self.layer(name, part)
        if os.path.lexists(path):
            return path
        if not os.path.lexists(os.path.dirname(path)):
            raise FileNotFoundError(2, "a layer is missing from the store", os.fsdecode(os.path.dirname(path)))
        return None

    def view(self, layers: Sequence[str], part: str) -> Layered:
        return Layered([*self.uppers(layers, part), self.base[part]])

    def chunks(self, layers: Sequence[str], part: str) -> list[tuple[bytes, list[bytes]]]:
        """Where each full run of layers is squashed, and what goes in, lowest first; the newest layers make none."""
        uppers = self.uppers(layers, part)[::-1]
        runs = [uppers[i : i + _CHUNK] for i in range(0, len(uppers) - _CHUNK + 1, _CHUNK)]
        return [(self._squashed(run), run) for run in runs]

    def lowers(self, layers: Sequence[str], part: str) -> list[bytes]:
        """What to mount, topmost first: squashed runs where they exist, and the base."""
        uppers = self.uppers(layers, part)[::-1]
        lowers: list[bytes] = []
        for start in range(0, len(uppers), _CHUNK):
            run = uppers[start : start + _CHUNK]
            squashed = self._squashed(run)
            lowers += [squashed + TREE] if len(run) == _CHUNK and os.path.lexists(squashed) else run
        return [*lowers[::-1], self.base[part]]

    def _squashed(self, run: Sequence[bytes]) -> bytes:
        name = hashlib.sha256(self.members(run)).hexdigest()[:24]
        return self.folder + SQUASH + name.encode()

    def members(self, run: Sequence[bytes]) -> bytes:
        """What the file ``of`` of a squashed run says, and its name is made from."""
        return b"".join(path[len(self.folder) + 1 :] + b"\n" for path in run)


def remove_dead_runs(folder: bytes) -> None:
    """What servers left that did not come to remove it themselves. The caller holds the store ``locked``."""
    for name in os.listdir(folder):
        if name.startswith(b".run-"):
            path = folder + b"/" + name
            # Its process lives, or has removed it just now.
            with contextlib.suppress(BlockingIOError, FileNotFoundError), locked(path, fcntl.LOCK_NB):
                remove_tree(path)


@contextlib.contextmanager
def locked(folder: bytes, how: int = 0) -> Iterator[None]:
    lock = _lock(folder, how)
    try:
        yield
    finally:
        os.close(lock)


def layers_stay(folder: bytes) -> contextlib.AbstractContextManager[None]:
    """Held by who squashes layers, and by who takes some out or changes them: each waits for the other."""
    base = folder + _BASE
    return locked(base) if os.path.lexists(base) else contextlib.nullcontext()  # no server ever began


@contextlib.contextmanager
def own_run(folder: bytes) -> Iterator[bytes]:
    """A folder for this process alone, whatever becomes of the server it came from."""
    path, lock = _new_run(folder)
    try:
        yield path
    finally:
        remove_tree(path)
        os.close(lock)


def remove_at_once(folder: bytes, place: bytes) -> None:
    """Something of the store that may be mounted later goes as a whole, whenever this process ends."""
    with locked(place):
        with locked(folder):
            path = _unused(folder)
            os.rename(place, path)
        remove_tree(path)


def _new_run(folder: bytes) -> tuple[bytes, int]:
    """Its path, and the lock that says that this process lives."""
    with locked(folder):
        remove_dead_runs(folder)
        path = _unused(folder)
        os.mkdir(path)
        return path, _lock(path)


def _lock(folder: bytes, how: int = 0) -> int:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | how)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _unused(folder: bytes) -> bytes:
    """The name of a run of this process."""
    prefix = folder + b"/.run-%d" % os.getpid()
    return next(path for n in itertools.count() if not os.path.lexists(path := prefix + b".%d" % n))
