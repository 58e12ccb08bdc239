"""What is kept on disk and no view of any session can come back to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from agentrt.records import Operation

from .contents import based_on
from .journal import Journal
from .removals import layer_names
from .store import Store


@dataclass(frozen=True)
class Garbage:
    """Names within ``layers``, ``outputs``, ``aside`` and ``bases``, sorted."""

    layers: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()


@dataclass
class _Needed:
    layers: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    aside: set[str] = field(default_factory=set)
    bases: set[str | None] = field(default_factory=set)

    def add(self, operation: Operation) -> None:
        name = f"{operation.session}.{operation.id}"
        for view in (operation.before, operation.after):
            self.layers |= layer_names(view.snapshot.layers)
        if operation.status == "intent":  # what it left is all there is of it
            self.layers.add(name)
            self.outputs.add(name)
            self.aside.add(name)
        if operation.observation is not None and operation.observation.truncated:
            self.outputs.add(name)
        if operation.status == "settled" and (operation.kind == "apply" or operation.resources):
            self.aside.add(name)
        self.bases |= {state.digest for state in based_on(operation).values()}


def find(store: Store, journal: Journal) -> Garbage:
    """Nothing is touched. The caller holds the store's lock, so what is half-written is of a process that is gone.

    In ``layers``, names that begin with a dot are the sandbox's own and left to it. Raises ``JournalError``.
    """
    needed = _Needed()
    for session in journal.sessions():
        needed.layers |= layer_names(session.start.snapshot.layers)
        for operation in journal.operations(session.id):
            needed.add(operation)
    removed = journal.removals()  # what a crash kept from being removed, once that was written down
    layers = _unneeded(store.layers, needed.layers - removed.names("layer"))
    outputs = _unneeded(store.outputs, needed.outputs - removed.names("output"))
    aside = _unneeded(store.aside, needed.aside - removed.names("aside"))
    return Garbage(layers, outputs, aside, _unneeded(store.bases, needed.bases))


def remove(path: Path) -> None:
    """Remove a file or folder of ours, whatever modes were left in it; links are not followed. Raises ``OSError``."""
    if path.is_dir() and not path.is_symlink():
        path.chmod(0o700)
        for entry in list(os.scandir(path)):
            remove(Path(entry.path))
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def stored(folder: Path) -> list[str]:
    """The names in it, sorted, that are not a sandbox's own."""
    if not folder.is_dir():
        return []
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


def owner(name: str) -> str:
    """The operation a layer, output or aside is of, as ``<session>.<operation>``."""
    return ".".join(name.split(".")[:2])


def _unneeded(folder: Path, needed: Set[str | None]) -> tuple[str, ...]:
    return tuple(name for name in stored(folder) if owner(name) not in needed)


def size(path: Path) -> int:
    """Bytes on disk, as far as they can be seen."""
    total = 0
    for found in _walk(path):
        total += found.st_blocks * 512
    return total


def _walk(path: Path) -> Iterator[os.stat_result]:
    try:
        yield path.lstat()
        if path.is_dir() and not path.is_symlink():
            for entry in os.scandir(path):
                yield from _walk(Path(entry.path))
    except OSError:
        return
