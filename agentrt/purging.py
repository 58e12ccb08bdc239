"""Purge: a path is removed from all of history, on demand. What is in the real workspace is not touched."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentrt.errors import UsageError
from agentrt.history import purge as history
from agentrt.history.garbage import stored
from agentrt.history.removals import Removal, layer_names
from agentrt.records import FileEffect, Operation, View
from agentrt.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from agentrt.runtime import Runtime


@dataclass(frozen=True)
class Purged:
    """Where the path was found."""

    path: str
    """Relative to the workspace; absolute where it lies elsewhere in the sandbox."""
    layers: tuple[str, ...]
    aside: tuple[str, ...]
    """Applies that kept what they replaced there, or what they had written."""
    bases: int
    """Contents the agent had seen there in the real workspace."""


async def purge(runtime: Runtime, path: str, *, actor: str = "user", dry_run: bool = False) -> Purged:
    """No other runtime may be open over the workspace.

    Raises ``UsageError`` (the path is a whole workspace or more), ``SandboxError``, ``DiskFull``, ``OSError``.
    """
    path = _normal(runtime, path)
    async with runtime.turn:
        if runtime.opened.sessions != {runtime.session}:
            raise UsageError("a path is purged while one runtime is open, not several", hint="close the forks first")
        return await uninterrupted(_carry_out(runtime, path, actor, dry_run))


async def _carry_out(runtime: Runtime, path: str, actor: str, dry_run: bool) -> Purged:
    store = runtime.store
    effects = [effect for operation in _all(runtime) for effect in operation.files]
    bases = {str(d) for d in history.digests_at(effects, path)} & set(stored(store.bases))
    aside = tuple(name for name in stored(store.aside) if history.holds(store.aside / name, path))
    if dry_run:
        layers = await runtime.sandbox.purge(path, dry_run=True)
        return Purged(path, tuple(layers), aside, len(bases))
    # Said before it is done: what is missing afterwards is known to be.
    runtime.journal.record_removals("path", [path], "purge")
    op = runtime.intend("note", actor=actor, action={"kind": "purge", "path": path})
    layers = await runtime.sandbox.purge(path)
    for name in stored(store.aside):
        await asyncio.to_thread(history.forget, store.aside / name, path)
    history.forget_contents(store.bases, effects, path)
    found = Purged(path, tuple(layers), aside, len(bases))
    runtime.settle(op, status="settled", after=runtime.view, note=told(found, "was"))
    return found


def told(found: Purged, verb: str = "is") -> str:
    """In one line, for a person."""
    counts = ((len(found.layers), "layer"), (len(found.aside), "apply"), (found.bases, "kept content"))
    words = [f"{n} {what if n == 1 else _many(what)}" for n, what in counts if n]
    return f"{found.path} {verb} in {', '.join(words) or 'nothing that is kept'}"


def not_brought_back(runtime: Runtime, now: View, then: View) -> list[Removal]:
    """The purged paths at which a move between two views would have changed something, had they not been purged."""
    purged = runtime.journal.removals().paths()
    if not purged:
        return []
    moved = layer_names(now.snapshot.layers) ^ layer_names(then.snapshot.layers)
    moved |= {runtime.layer(op) for op in {*now.applied} ^ {*then.applied}}
    passed = [op for op in _all(runtime) if f"{op.session}.{op.id}" in moved]
    return [
        removal
        for removal in purged
        if any(_touches(op.files, removal.name) for op in passed if op.started < removal.at)
    ]


def note_of(removals: Iterable[Removal]) -> str:
    """What a move says of them; empty for none."""
    return "; ".join(
        f"{removal.name} is not put back: it was purged on {time.strftime('%Y-%m-%d', time.localtime(removal.at))}"
        for removal in removals
    )


def _touches(effects: Sequence[FileEffect], path: str) -> bool:
    return any(history.is_at(effect.path, path) for effect in effects)


def _all(runtime: Runtime) -> list[Operation]:
    journal = runtime.journal
    return [operation for session in journal.sessions() for operation in journal.operations(session.id)]


def _normal(runtime: Runtime, path: str) -> str:
    root = str(runtime.store.workspace)
    whole = os.path.normpath(os.path.join(root, path))
    if f"{root}/".startswith(f"{whole.rstrip('/')}/") or whole in ("/home", "/home/agent", "/tmp", "/var"):
        raise UsageError(f"{path} is no path within the workspace or the sandbox's home", hint="name a file or folder")
    return os.path.relpath(whole, root) if whole.startswith(f"{root}/") else whole


def _many(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
