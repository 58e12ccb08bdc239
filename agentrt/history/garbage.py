"""What is kept on disk and no view of any session can come back to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from agentrt.records import Operation

from .contents import based_on
from .journal import Journal
from .store import Store

_OURS = re.compile(r"s\d+\.\d+")
"""``<session>.<operation>``: how layers, outputs and asides are named."""


@dataclass(frozen=True)
class Garbage:
    """Names within ``layers``, ``outputs``, ``aside`` and ``bases``, sorted, and the bytes they take."""

    layers: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    size: int = 0


@dataclass
class _Needed:
    layers: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    aside: set[str] = field(default_factory=set)
    bases: set[str | None] = field(default_factory=set)

    def add(self, operation: Operation) -> None:
        name = f"{operation.session}.{operation.id}"
        for view in (operation.before, operation.after):
            self.add_layers(view.snapshot.layers)
        if operation.status == "intent":  # what it left is all there is of it
            self.layers.add(name)
            self.outputs.add(name)
            self.aside.add(name)
        if operation.observation is not None and operation.observation.truncated:
            self.outputs.add(name)
        if operation.kind == "apply" and operation.status == "settled":
            self.aside.add(name)
        self.bases |= {state.digest for state in based_on(operation.effects).values()}

    def add_layers(self, layers: Iterable[str]) -> None:
        # A sandbox may name a part of a layer; what follows the name begins with a character no name has.
        self.layers |= {found.group() for found in map(_OURS.match, layers) if found}


def find(store: Store, journal: Journal) -> Garbage:
    """Nothing is touched. The caller holds the store's lock, so what is half-written is of a process that is gone.

    In ``layers``, names that begin with a dot are the sandbox's own and left to it. Raises ``JournalError``.
    """
    needed = _Needed()
    for session in journal.sessions():
        needed.add_layers(session.start.snapshot.layers)
        for operation in journal.operations(session.id):
            needed.add(operation)
    layers = _unneeded(store.layers, needed.layers, key=lambda name: name)
    outputs = _unneeded(store.outputs, needed.outputs, key=lambda name: ".".join(name.split(".")[:2]))
    aside = _unneeded(store.aside, needed.aside, key=lambda name: name)
    bases = _unneeded(store.bases, needed.bases, key=lambda name: name)
    folders = ((store.layers, layers), (store.outputs, outputs), (store.aside, aside), (store.bases, bases))
    size = sum(_size(folder / name) for folder, names in folders for name in names)
    return Garbage(layers, outputs, aside, bases, size)


def remove(path: Path) -> None:
    """Remove a file or folder of ours, whatever modes were left in it; links are not followed. Raises ``OSError``."""
    if path.is_dir() and not path.is_symlink():
        path.chmod(0o700)
        for entry in list(os.scandir(path)):
            remove(Path(entry.path))
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _unneeded(folder: Path, needed: Set[str | None], *, key: Callable[[str], str]) -> tuple[str, ...]:
    if not folder.is_dir():
        return ()
    names = (name for name in os.listdir(folder) if not name.startswith("."))
    return tuple(sorted(name for name in names if key(name) not in needed))


def _size(path: Path) -> int:
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
