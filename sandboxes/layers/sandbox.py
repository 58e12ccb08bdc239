"""What sandboxes that keep layers have in common: which of them they stand on, and what is asked about them."""

from __future__ import annotations

import asyncio
import os
import stat
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from agentrt.contracts import Confinement
from agentrt.records import FileEffect, FileState, Pick, Snapshot

from . import removal
from .client import Client, ServerError
from .store import locked, remove_dead_runs

T = TypeVar("T")
C = TypeVar("C", bound=Client)


class LayersSandbox(ABC):
    """The part of ``agentrt.contracts.Sandbox`` that layers in ``store`` answer. The server starts with the first
    request that needs it, so opening one costs nothing."""

    def __init__(self, *, workspace: Path, store: Path, confinement: Confinement) -> None:
        self._workspace = workspace
        self._store = store
        self._confinement = confinement
        self._readying = asyncio.Lock()
        self._standing = Snapshot()
        self._dirty = False
        """Something ran since ``begin``."""
        self._name = ""
        self._sealed: tuple[Snapshot, Snapshot, list[FileEffect]] | None = None

    @property
    def workspace(self) -> str:
        return os.fspath(self._workspace)

    @property
    @abstractmethod
    def home(self) -> str:
        """Of processes inside."""

    async def begin(self, name: str) -> None:
        self._name = name
        if self._dirty:
            await self.discard()

    @abstractmethod
    async def discard(self) -> None: ...

    @abstractmethod
    async def _books(self, call: Callable[[Client], T]) -> T:
        """``call`` in a worker thread, with the server started."""

    async def changes(self, a: Snapshot, b: Snapshot) -> list[FileEffect]:
        if a == b:
            return []
        if self._sealed is not None and self._sealed[:2] == (a, b) and self._are_still(self._sealed[2]):
            return self._sealed[2]
        return effects_of(await self._ask_store("changes", a=list(a.layers), b=list(b.layers)))

    async def look(self, snapshot: Snapshot, paths: Sequence[str]) -> list[FileState | None]:
        answer = await self._ask_store("look", layers=list(snapshot.layers), paths=list(paths))
        return [None if found is None else FileState.from_dict(found) for found in answer["states"]]

    async def read_at(self, snapshot: Snapshot, path: str) -> BinaryIO:
        [file] = await self.read_many(snapshot, [path])
        return file

    async def read_many(self, snapshot: Snapshot, paths: Sequence[str]) -> list[BinaryIO]:
        try:
            files = await self._books(lambda client: client.open(snapshot.layers, paths))
        except ServerError as error:
            raise OSError(error.errno, error.strerror, error.filename) from error
        return [os.fdopen(file, "rb") for file in files]

    async def keep(self, snapshot: Snapshot, effects: Sequence[FileEffect], name: str) -> Snapshot:
        inside = [effect for effect in effects if effect.in_workspace]
        paths = [path for effect in inside for path in (effect.path, effect.renamed_from) if path is not None]
        answer = await self._ask_store("keep", layers=list(snapshot.layers), paths=paths, name=name)
        return Snapshot(layers=tuple(answer["layers"]))

    async def graft(self, onto: Snapshot, picks: Sequence[Pick], name: str) -> Snapshot:
        sources = list(dict.fromkeys(pick.source for pick in picks))
        numbers = {source: number for number, source in enumerate(sources)}
        wanted = [
            [pick.path, numbers[pick.source], None if pick.content is None else b64encode(pick.content).decode()]
            for pick in picks
        ]
        layers = [list(source.layers) for source in sources]
        answer = await self._ask_store("graft", onto=list(onto.layers), sources=layers, picks=wanted, name=name)
        return Snapshot(layers=tuple(answer["layers"]))

    async def _remove_unasked(self, names: Sequence[str]) -> None:
        """Without a server: a disk may be too full to start one; and who removes layers is mostly not going to run
        anything. What servers that were killed left goes, too."""
        await thread(partial(_remove, os.fsencode(self._store), names))

    async def _ask_store(self, do: str, **fields: Any) -> dict[str, Any]:
        return await self._books(lambda client: client.ask(do, **fields))

    def _are_still(self, effects: Sequence[FileEffect]) -> bool:
        """Nobody touched what they began with, where that was the real workspace's own."""
        return all(
            _is_still(effect.before, self._inside(effect.renamed_from or effect.path))
            for effect in effects
            if effect.in_workspace and (effect.before is None or effect.before.inode)
        )

    def _inside(self, path: str) -> str:
        """Absolute, as processes inside see it; ``~`` is the sandbox's home."""
        if path == "~" or path.startswith("~/"):
            path = self.home + path[1:]
        return self.workspace if path == "." else os.path.join(self.workspace, path)


def _is_still(seen: FileState | None, path: str) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return seen is None
    if seen is None or found.st_ino != seen.inode or stat.S_IMODE(found.st_mode) != seen.mode:
        return False
    return stat.S_ISDIR(found.st_mode) or found.st_mtime_ns == seen.mtime_ns


def _remove(store: bytes, names: Sequence[str]) -> None:
    if os.path.isdir(store):
        with locked(store):
            remove_dead_runs(store)
        removal.remove(store, names)


async def thread(call: Callable[[], T], interrupt: Callable[[], None] | None = None) -> T:
    """Run a blocking call in a worker thread. Cancelled, it is interrupted if it can be, and waited for always."""
    future = asyncio.get_running_loop().run_in_executor(None, call)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
            if interrupt is not None:
                interrupt()
    if cancelled is not None:
        future.exception()  # seen; the cancellation is what the caller is told
        raise cancelled
    return future.result()


def effects_of(answer: dict[str, Any]) -> list[FileEffect]:
    found = [FileEffect.from_dict(effect) for effect in answer["effects"]]
    return sorted(found, key=lambda effect: effect.path)
