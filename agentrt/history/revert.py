"""Taking old operations out of a view and keeping the later ones: what that means, path by path.

    untouched since            → as it was before the operation
    text, changed since        → a three-way merge: what the operation did goes, the later change stays
    anything else, or a clash  → a conflict, with both sides and the operations involved

Nothing is touched here. Operations are taken out newest first, each from what taking out the ones after it has left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agentrt.records import FileEffect, FileState, Operation, PathConflict, Pick, Snapshot

from . import hunks
from .merge import Clash, is_text, merge
from .states import alike, describe

Sides = tuple[FileState | None, FileState | None]
Parts = Mapping[str, Collection[int]]
"""Paths, each with the numbers of its hunks that are meant; none: all of it."""


class Views(Protocol):
    """What is asked of a sandbox."""

    async def changes(self, a: Snapshot, b: Snapshot) -> Sequence[FileEffect]: ...

    async def look(self, snapshot: Snapshot, paths: Sequence[str]) -> Sequence[FileState | None]: ...

    async def content(self, snapshot: Snapshot, path: str) -> bytes:
        """A regular file as of ``snapshot``. Raises ``OSError``."""
        ...


@dataclass(frozen=True, slots=True)
class Reversal:
    """What taking operations out of a view comes to."""

    picks: tuple[Pick, ...]
    """What to graft onto the view, sorted by path."""
    conflicts: tuple[PathConflict, ...]
    merged: tuple[str, ...]
    """Paths that were changed since, and merge."""


async def take_out(
    views: Views,
    current: Snapshot,
    targets: Iterable[Operation],
    line: Sequence[Operation],
    parts: Parts | None = None,
) -> Reversal:
    """Take ``targets``, whose work is in the view ``current``, out of it.

    ``line``: the operations whose work is in it, to name those a conflict is with. ``parts``: only these.
    Raises what ``views`` raises, and ``AgentrtError`` where text cannot be merged for want of git.
    """
    work = _Work(views, current, line, parts)
    for target in sorted(targets, key=lambda operation: operation.id, reverse=True):
        await work.take_out(target)
    await work.settle_folders()
    return work.result()


def sides_of(effects: Iterable[FileEffect]) -> dict[str, Sides]:
    """By path, what was there before and after; a rename is a path that went and one that came."""
    found: dict[str, Sides] = {}
    for effect in effects:
        if effect.renamed_from is None:
            found[effect.path] = effect.before, effect.after
        else:
            found[effect.renamed_from] = effect.before, None
            found[effect.path] = None, effect.after
    return found


class _Work:
    def __init__(self, views: Views, current: Snapshot, line: Sequence[Operation], parts: Parts | None) -> None:
        self.views, self.current, self.line, self.parts = views, current, line, parts
        self.picks: dict[str, Pick] = {}
        self.conflicts: dict[str, PathConflict] = {}
        self.merged: set[str] = set()
        self._reasons: dict[str, tuple[Operation, FileState | None, FileState | None]] = {}
        """Of each pick: the oldest operation it takes out, and the sides of that."""
        self._known: dict[tuple[Snapshot, str], FileState | None] = {}

    def result(self) -> Reversal:
        """After ``settle_folders``."""
        picks = {p: pick for p, pick in sorted(self.picks.items()) if not alike(self._state(pick), self._now(p))}
        return Reversal(
            tuple(picks.values()),
            tuple(self.conflicts[path] for path in sorted(self.conflicts)),
            tuple(sorted(self.merged & picks.keys() - self.conflicts.keys())),
        )

    async def take_out(self, target: Operation) -> None:
        wanted = {
            path: sides for path, sides in sides_of(target.files).items() if self.parts is None or path in self.parts
        }
        await self._look(dict.fromkeys(wanted, self.current))
        await self._look({path: self.picks[path].source for path in wanted if path in self.picks})
        for path, (before, after) in sorted(wanted.items()):
            numbers = self.parts[path] if self.parts is not None else ()
            await self._path(target, path, before, after, numbers)

    async def _path(
        self, target: Operation, path: str, before: FileState | None, after: FileState | None, numbers: Collection[int]
    ) -> None:
        now = self.picks.get(path, Pick(path=path, source=self.current))
        found = self._state(now)
        whole = Pick(path=path, source=target.before.snapshot)
        if not numbers and alike(found, after):
            self.picks[path], self._reasons[path] = whole, (target, before, after)
        elif not numbers and alike(found, before):
            pass  # something else has put it back
        elif before is not None and after is not None and found is not None and _files(before, after, found):
            await self._merge(target, now, before, after, found, numbers)
        else:
            self._conflict(target, path, describe(before, after), describe(found, after))

    def _state(self, now: Pick) -> FileState | None:
        """What is at a path by now."""
        found = self._known[now.source, now.path]
        if found is None or now.content is None:
            return found
        return found.model_copy(update={"size": len(now.content), "digest": _digest(now.content)})

    def _now(self, path: str) -> FileState | None:
        return self._known[self.current, path]

    async def _merge(
        self,
        target: Operation,
        now: Pick,
        before: FileState,
        after: FileState,
        found: FileState,
        numbers: Collection[int],
    ) -> None:
        path = now.path
        try:
            theirs = await self.views.content(target.before.snapshot, path)
        except FileNotFoundError:  # it lay in the real workspace alone
            gone = f"{describe(before, after)}, and gone from the workspace"
            self._conflict(target, path, gone, describe(found, after))
            return
        base = await self.views.content(target.after.snapshot, path)
        ours = await self.views.content(now.source, path) if now.content is None else now.content
        if numbers:
            theirs = hunks.without(theirs, base, numbers)
            before = after  # the mode is no part of a hunk
        source = _attributes(target, now, before, after, found)
        if source is None:
            self._conflict(target, path, f"mode {before.mode:04o}", f"mode {found.mode:04o}, was {after.mode:04o}")
        elif len({base, ours, theirs}) == 3 and not all(map(is_text, (base, ours, theirs))):
            self._conflict(target, path, f"{describe(before, after)}, no text", describe(found, after))
        else:
            merged = merge(base, ours, theirs)
            if merged.clashes:
                self._conflict(target, path, *_clash(merged.clashes))
            elif merged.content == ours and (source == now.source or before.mode == found.mode):
                return  # something else has put it back
            self.picks[path] = Pick(path=path, source=source, content=merged.content)
            self._reasons[path] = target, before, after
            if ours != base:
                self.merged.add(path)

    async def settle_folders(self) -> None:
        """A folder that was made stays for what came into it later; what takes a folder's place must not hide that,
        and what is put back needs its folder."""
        await self._look(dict.fromkeys(self.picks, self.current))
        await self._look({path: pick.source for path, pick in self.picks.items()})
        for path in sorted(self.picks, reverse=True):  # what is in a folder before the folder
            target, before, after = self._reasons[path]
            held = await self._held(path)
            if held is not None and before is not None:
                self._conflict(target, path, describe(before, after), f"a folder that holds {held} by now", held)
            elif held is not None:
                del self.picks[path]
        for path, pick in self.picks.items():
            target, before, after = self._reasons[path]
            above = _folders(path) if before is not None else []
            await self._look(dict.fromkeys(above, pick.source))
            await self._look({folder: self._source(folder) for folder in above})
            for folder in above:
                there, now = self._known[pick.source, folder], self._known[self._source(folder), folder]
                if _is_folder(there) and not _is_folder(now):
                    self._conflict(target, path, describe(before, after), f"its folder {folder} is gone", folder)
                    break

    def _source(self, path: str) -> Snapshot:
        return self.picks[path].source if path in self.picks else self.current

    async def _held(self, path: str) -> str | None:
        """Of what is a folder now and is to be none: something in it that no pick takes away."""
        source = self.picks[path].source
        if not _is_folder(self._now(path)) or _is_folder(self._known[source, path]):
            return None
        differing = sides_of(await self.views.changes(source, self.current))
        inside = (inner for inner, (_, there) in differing.items() if inner.startswith(f"{path}/") and there)
        return next((p for p in inside if p not in self.picks or self._reasons[p][1] is not None), None)

    async def _look(self, paths: Mapping[str, Snapshot]) -> None:
        """Know what is at each path as of a snapshot."""
        asked: dict[Snapshot, list[str]] = {}
        for path, source in paths.items():
            if (source, path) not in self._known:
                asked.setdefault(source, []).append(path)
        for source, missing in asked.items():
            for path, state in zip(missing, await self.views.look(source, missing), strict=True):
                self._known[source, path] = state

    def _conflict(self, target: Operation, path: str, ours: str, theirs: str, also: str = "") -> None:
        """``also``: a path that stands against it."""
        later = (op.id for op in self.line if op.id > target.id and {path, also} & sides_of(op.files).keys())
        found = PathConflict(path=path, ours=ours, theirs=theirs, operations=(target.id, *later))
        self.conflicts.setdefault(path, found)


def _files(*states: FileState) -> bool:
    return all(state.type == "file" for state in states)


def _is_folder(state: FileState | None) -> bool:
    return state is not None and state.type == "directory"


def _attributes(target: Operation, now: Pick, before: FileState, after: FileState, found: FileState) -> Snapshot | None:
    """Whose mode and other attributes the file gets; None where both sides changed the mode."""
    if found.mode == after.mode:
        return target.before.snapshot if before is not after else now.source
    return now.source if before.mode in (after.mode, found.mode) else None


def _clash(clashes: Sequence[Clash]) -> tuple[str, str]:
    """Ours and theirs in words: what would come back, and what stands there now."""
    more = f", and {len(clashes) - 1} more such places" if len(clashes) > 1 else ""
    first = clashes[0]
    return f"{_quoted(first.theirs)}{more}", f"{_quoted(first.ours)} in line {first.line}"


def _quoted(text: str) -> str:
    """The beginning of some lines."""
    shown = text.strip("\n").split("\n")
    cut = shown[0][:60] + ("…" if len(shown[0]) > 60 or len(shown) > 1 else "")
    return f'"{cut}"' if text else "nothing"


def _folders(path: str) -> list[str]:
    """The folders on the way, outermost first; of an absolute path those below the sandbox's own."""
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names)) if names[depth - 1]]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
