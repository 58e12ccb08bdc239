"""What is kept of history, and for how long: the quota, garbage, and what is said of what is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentrt import plugins
from agentrt.contracts import Sandbox
from agentrt.errors import AgentrtError, UsageError
from agentrt.history import garbage, room
from agentrt.history.collectable import Item, collectable
from agentrt.history.garbage import Garbage
from agentrt.history.journal import Journal
from agentrt.history.removals import Removal
from agentrt.history.room import Usage
from agentrt.history.store import Store
from agentrt.records import Operation, View
from agentrt.units import format_size

if TYPE_CHECKING:
    from agentrt.standing import Standing

_ENOUGH = 0.9
"""Of the quota: what is collected down to, so that not every action has to collect again."""

_LEFTOVERS = "agentrt.leftovers"
"""Entry points: ``leftovers(*, store, dry_run)`` removes what processes that are gone left outside of ``store``, the
folder of the sandboxes' layers, and gives what it was: each with ``name``, and ``kept``: why it stays, or "". Where
there can be nothing, the answer comes at once."""


@dataclass(frozen=True)
class Outside:
    """Something of a sandbox that is not in the store."""

    sandbox: str
    name: str
    """For people, as in "container agentrt-1"; untrusted."""
    kept: str = ""
    """Why it stays."""


@dataclass(frozen=True)
class Freed:
    """What went, or would go."""

    garbage: Garbage = field(default_factory=Garbage)
    collected: tuple[Item, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Bytes by kind: ``layers``, ``outputs``, ``aside``, ``bases``, ``collected``."""
    used: int = 0
    """Bytes the store takes then."""
    quota: int = 0


class Room:
    """What a workspace's store takes, kept within the quota. All runtimes over it share one."""

    def __init__(self, store: Store, journal: Journal) -> None:
        """Raises ``UsageError`` for a quota that is none."""
        self._store, self._journal = store, journal
        self._quota = room.quota(store)
        self._usage = Usage.take(store)

    def add(self, operation: Operation) -> None:
        """What it wrote counts, without being measured."""
        if self._usage is not None:
            self._usage.used += _written(operation)

    async def keep_within(self, sandbox: Sandbox, *, alone: bool = True) -> tuple[str, ...]:
        """Collect if the quota is reached; lines for a person. Work goes on whatever comes of it.

        Not ``alone``: what looks like garbage may be another runtime's that is at work, and is left.
        """
        if self._usage is not None and self._usage.used <= max(self._usage.look_at, self._quota):
            return ()
        try:
            freed = await self.free(sandbox, only_over=True, alone=alone)
        except (AgentrtError, OSError) as error:
            return (f"history could not be kept within the quota: {error}",)
        notes = []
        if freed.collected:
            notes.append(
                f"collected the oldest {format_size(freed.sizes['collected'])} of history that no undo needs,"
                f" to stay within the quota of {format_size(self._quota)}"
            )
        if self._usage is not None and freed.used > self._quota and not self._usage.told:
            self._usage.told = True
            notes.append(await asyncio.to_thread(self._what_takes_it, freed.used))
        return tuple(notes)

    async def free(
        self, sandbox: Sandbox, *, dry_run: bool = False, only_over: bool = False, alone: bool = True
    ) -> Freed:
        """Remove garbage, and if more is kept than the quota what may go, oldest first.

        ``only_over``: nothing at all unless it is. Raises ``JournalError``, ``SandboxError``, ``DiskFull``,
        ``OSError``.
        """
        used = await asyncio.to_thread(room.measure_store, self._store)
        found, collected, sizes = Garbage(), list[Item](), dict[str, int]()
        if alone and (not only_over or used > self._quota):
            found = garbage.find(self._store, self._journal)
            sizes = await asyncio.to_thread(self._sizes, found)
            used -= sum(sizes.values())
            if not dry_run:
                await remove_garbage(self._store, sandbox, found)
                used = await asyncio.to_thread(room.measure_store, self._store)
        while used > self._quota:
            items = await asyncio.to_thread(self._oldest, collectable(self._store, self._journal), used)
            if not items:
                break
            size = sum(size for _, size in items)
            collected += [item for item, _ in items]
            sizes["collected"] = sizes.get("collected", 0) + size
            used -= size
            if dry_run:
                break
            await self._collect(sandbox, [item for item, _ in items])
            # Files of several names were counted with each.
            used = await asyncio.to_thread(room.measure_store, self._store)
        if not dry_run:
            told = self._usage is not None and self._usage.told
            over = used > self._quota
            self._usage = Usage(used, used + self._quota // 10 if over else 0, told and over)
        return Freed(found, tuple(collected), sizes, used, self._quota)

    def leave(self) -> None:
        """For the next process."""
        if self._usage is not None:
            self._usage.leave(self._store)

    async def _collect(self, sandbox: Sandbox, items: Sequence[Item]) -> None:
        for kind in ("layer", "output", "aside"):
            names = [item.name for item in items if item.kind == kind]
            if names:
                self._journal.record_removals(kind, names, "quota")
        await sandbox.remove([item.name for item in items if item.kind == "layer"])
        rest = [self._place(item) for item in items if item.kind != "layer"]
        await asyncio.to_thread(_remove_all, rest)

    def _oldest(self, items: Sequence[Item], used: int) -> list[tuple[Item, int]]:
        """As many as bring it well under the quota, with their sizes."""
        found: list[tuple[Item, int]] = []
        for item in items:
            if used <= self._quota * _ENOUGH:
                break
            size = garbage.size(self._place(item))
            used -= size
            found.append((item, size))
        return found

    def _place(self, item: Item) -> Path:
        folders = {"layer": self._store.layers, "output": self._store.outputs, "aside": self._store.aside}
        return folders[item.kind] / item.name

    def _sizes(self, found: Garbage) -> dict[str, int]:
        parts = _by_folder(self._store, found)
        return {folder.name: sum(garbage.size(folder / n) for n in names) for folder, names in parts if names}

    def _what_takes_it(self, used: int) -> str:
        store = self._store
        folders = (store.layers, store.outputs, store.aside, store.bases)
        parts = {folder.name: room.measure(folder) for folder in folders}
        most = max(parts, key=lambda name: parts[name])
        return (
            f"the history of this workspace takes {format_size(used)}, more than its quota of"
            f" {format_size(self._quota)}, and all of it is pending or needed by undo; most of it,"
            f" {format_size(parts[most])}, is in {store.root / most}. To make it less: apply or reject what is pending,"
            f" then agentrt new; or allow more with {room.QUOTA}"
        )


async def remove_garbage(store: Store, sandbox: Sandbox, found: Garbage) -> None:
    """Also what sandboxes that were killed left. Raises ``SandboxError``, ``OSError``."""
    await sandbox.remove(found.layers)
    rest = [folder / name for folder, names in _by_folder(store, found)[1:] for name in names]
    await asyncio.to_thread(_remove_all, rest)


def remove_outside(store: Store, *, dry_run: bool) -> tuple[Outside, ...]:
    """What sandboxes that are gone left elsewhere. One that cannot be asked is told among it, and stops nothing."""
    found: list[Outside] = []
    for sandbox in plugins.names(_LEFTOVERS):
        try:
            leftovers: Any = plugins.find(_LEFTOVERS, sandbox)
            found += [Outside(sandbox, e.name, e.kept) for e in leftovers(store=store.layers, dry_run=dry_run)]
        except AgentrtError as error:
            hint = f"; {error.hint}" if error.hint else ""
            found.append(Outside(sandbox, "whatever was left", f"{error}{hint}"))
    return tuple(found)


def check_kept(standing: Standing, op: int, view: View) -> None:
    """Raises ``UsageError`` where nothing can go to the view after ``op`` any more, since it was collected."""
    removal = standing.journal.removals().of_view(standing.session, view)
    if removal is not None:
        raise UsageError(
            f"the files as they were after operation {op} {gone(removal)}",
            hint=f"agentrt log marks what is gone; {room.QUOTA}=20GB would keep more from now on",
        )


def gone(removal: Removal) -> str:
    """When and why, for a person."""
    day = time.strftime("%Y-%m-%d", time.localtime(removal.at))
    return (
        f"were collected on {day} to stay within the quota" if removal.because == "quota" else f"were purged on {day}"
    )


def _written(operation: Operation) -> int:
    """About what it added to the store."""
    both = operation.kind == "apply"
    states = (s for effect in operation.files for s in (effect.after, effect.before if both else None))
    files = sum(state.size + 4096 for state in states if state is not None)
    seen = operation.observation
    return files + (seen.output_bytes if seen is not None and seen.truncated else 0) + 4096


def _by_folder(store: Store, found: Garbage) -> list[tuple[Path, tuple[str, ...]]]:
    return [
        (store.layers, found.layers),
        (store.outputs, found.outputs),
        (store.aside, found.aside),
        (store.bases, found.bases),
    ]


def _remove_all(places: Sequence[Path]) -> None:
    for place in places:
        garbage.remove(place)
