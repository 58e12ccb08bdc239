"""The content of a file before and after an effect, wherever it is now.

Layers lie over the real workspace. Once something was applied (or the user edited a file), what was there before
is no longer below the layers, but it may be among what the apply moved aside, or what is kept for merges. So content
counts only when it is what the effect says it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from agentrt.contracts import Sandbox
from agentrt.history.contents import Contents
from agentrt.history.ledger import load
from agentrt.records import FileEffect, FileState, Snapshot
from agentrt.runtime import Runtime

MOST = 2_000_000
"""Bytes of a file that is compared line by line."""


class Sides:
    """Looks contents up for effects between two snapshots."""

    def __init__(
        self,
        runtime: Runtime,
        before: Snapshot,
        after: Snapshot,
        most: int | None = MOST,
        sandbox: Sandbox | None = None,
    ) -> None:
        """``most``: bytes of a file above which it is not read; None: any. ``sandbox``: to read in another one than
        the runtime's, which an action may be keeping busy."""
        self._runtime, self._before, self._after = runtime, before, after
        self._most, self._sandbox = most, sandbox or runtime.sandbox

    async def of(self, effect: FileEffect) -> tuple[bytes | None, bytes | None]:
        """Before and after; None where it is no regular file, too large, or nowhere to be found any more."""
        old = effect.renamed_from or effect.path
        return (
            await self._content(self._before, old, effect.before),
            await self._content(self._after, effect.path, effect.after),
        )

    async def _content(self, snapshot: Snapshot, path: str, state: FileState | None) -> bytes | None:
        if state is None or state.type != "file":
            return None
        if self._most is not None and state.size > self._most:
            return None
        async for data in self._candidates(snapshot, path, state):
            if len(data) == state.size and state.digest in (None, hashlib.sha256(data).hexdigest()):
                return data
        return None

    async def _candidates(self, snapshot: Snapshot, path: str, state: FileState) -> AsyncIterator[bytes]:
        try:
            with await self._sandbox.read_at(snapshot, path) as file:
                yield file.read(state.size + 1)
        except OSError:
            pass  # it is no candidate
        if path.startswith("/"):
            return
        if (kept := Contents(self._runtime.store.bases).get(state)) is not None:
            yield kept
        places = [self._runtime.store.workspace / path]
        for operation in self._runtime.operations.values():
            if operation.kind == "apply" and operation.status == "settled":
                places += _held(self._runtime.store.aside / self._runtime.layer(operation.id), path, state)
        for place in places:
            data = _regular(place, state.size)
            if data is not None:
                yield data


def _held(aside: Path, path: str, state: FileState) -> list[Path]:
    """Where an apply keeps what is not in the workspace."""
    ledger = load(aside)
    if ledger is None or state.digest is None:
        return []
    numbers = [number for number, slot in enumerate(ledger.slots) if slot.path == path]
    return [aside / folder / str(number) for number in numbers for folder in ("held", "before", "after")]


def _regular(path: Path, size: int) -> bytes | None:
    try:
        if path.is_symlink() or not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(size + 1)
    except OSError:
        return None
