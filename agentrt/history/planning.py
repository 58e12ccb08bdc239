"""What an apply would do to the real workspace, and what stands against it. Nothing is touched."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from agentrt.records import Change, FileEffect, FileState, PathConflict

from .beneath import Beneath
from .contents import READING, Contents, digest_of, read
from .guards import folder_of, is_folder, may_change, owned, strangers
from .states import alike, describe, look
from .threeway import NOTE, Clashes, Sides, blend

Wanted = tuple[FileEffect, FileState | None]


@dataclass(frozen=True, slots=True)
class Step:
    """One path to be changed from ``before`` (what is in the workspace) to ``after``."""

    path: str
    before: FileState | None
    after: FileState | None
    effect: FileEffect
    """As it will be recorded; of a renamed path ``before`` is what the old name was."""
    in_place: bool = False
    """Only permission bits change; the object and its inode stay."""
    links: int = 1
    """How many names the file in the workspace has."""
    implied: bool = False
    """The old name of a rename: part of the effect of the new one."""
    content: bytes | None = None
    """Of a file whose text was merged; None: the agent's."""
    merged: bool = False
    """With what changed in the workspace."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order they can be carried out in. ``refused`` paths (with the reason) are not among them."""

    root: Path
    steps: tuple[Step, ...]
    conflicts: tuple[PathConflict, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def fetched(self) -> tuple[str, ...]:
        """The files whose content is the agent's, in the order of the steps."""
        made = (step for step in self.steps if not step.in_place and step.content is None)
        return tuple(step.path for step in made if step.after is not None and step.after.type == "file")

    @property
    def merged(self) -> tuple[str, ...]:
        """Paths that will be merged with what changed in the workspace."""
        return tuple(sorted(step.path for step in self.steps if step.merged))


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the texts come from that a merge is made of, beside the workspace itself."""

    bases: Contents
    agents: Callable[[str], BinaryIO]
    """Opens a file as the agent left it."""


def plan(root: Path, wanted: Iterable[Wanted], sources: Sources | None = None) -> Plan:
    """Compare what is wanted with what is there.

    Raises ``OSError`` when ``root`` cannot be read, and what ``sources`` raise; without them no text is merged.

    With each effect comes its base: what the agent saw at that path when it first touched it (None: nothing). The
    base of a ``renamed`` effect is that of the old name, unless the old name is listed as an effect of its own. A
    path that already is what is wanted is no step and no conflict.
    """
    with Beneath(root) as tree:
        survey = _Survey(tree, sources)
        for want in sorted(_spread(wanted), key=lambda want: want[0].split(b"/")):
            survey.add(*want)
        survey.look_for_strangers()
        survey.look_for_locked_folders()
    removals = [step for step in reversed(survey.steps.values()) if step.after is None]
    others = [step for step in survey.steps.values() if step.after is not None]
    conflicts = sorted(survey.conflicts.values(), key=lambda conflict: conflict.path)
    return Plan(root, (*removals, *others), tuple(conflicts), tuple(survey.refused.items()))


def _spread(wanted: Iterable[Wanted]) -> Iterator[tuple[bytes, FileEffect, FileState | None, bool]]:
    """One entry a path: a rename is a deletion and a creation."""
    listed = list(wanted)
    names = {effect.path for effect, _ in listed}
    for effect, seen in listed:
        old, base = effect.renamed_from, seen
        if old is not None and old not in names:
            gone = FileEffect(path=old, change="deleted", before=effect.before)
            yield os.fsencode(old), gone, seen, True
            base = None
        yield os.fsencode(effect.path), effect, base, False


class _Survey:
    """Paths are added parents first; ``steps`` has them in that order."""

    def __init__(self, tree: Beneath, sources: Sources | None) -> None:
        self.tree, self.sources = tree, sources
        self.steps: dict[bytes, Step] = {}
        self.conflicts: dict[str, PathConflict] = {}
        self.refused: dict[str, str] = {}
        self._known: dict[bytes, tuple[FileState | None, FileState | None]] = {}

    def add(self, path: bytes, effect: FileEffect, base: FileState | None, implied: bool) -> None:
        after = effect.after
        if after is not None and after.type == "directory":
            after = after.model_copy(update={"size": 0})
        try:
            if reason := _bad_name(path) or self._bad_object(path, after):
                self.refused[effect.path] = reason
                return
            reachable, obstacle = self._parent(path)
            now = look(self.tree, path) if reachable else None
        except OSError as error:
            self.refused[effect.path] = _why(error)
            return
        self._known[path] = (now, after)
        if alike(now, after) and (after is None or after.type != "file" or after.digest is not None):
            return
        if obstacle and after is not None:
            if os.fsdecode(folder_of(path)) in self.refused:
                self.refused[effect.path] = "its folder is refused"
            else:
                self._conflict(effect.path, describe(after, base), obstacle)
        elif alike(now, base):
            self.steps[path] = self._step(path, effect, now, after, implied)
        else:
            self._merge(path, effect, base, now, after)

    def _merge(
        self,
        path: bytes,
        effect: FileEffect,
        base: FileState | None,
        now: FileState | None,
        after: FileState | None,
    ) -> None:
        """Both sides changed it: a step that keeps what either did, or a conflict."""
        found = blend(base, now, after, self._sides(path, effect.path))
        if isinstance(found, Clashes):
            self._conflict(effect.path, found.brought, found.here)
        elif found is None:
            theirs = describe(now, base) if base is not None else f"{describe(now, None)} by someone else since"
            self._conflict(effect.path, describe(after, base), theirs)
        elif not alike(now, found.state):
            note = f"{effect.note}; {NOTE}" if effect.note else NOTE
            step = self._step(path, effect.model_copy(update={"note": note}), now, found.state, False)
            self.steps[path] = replace(step, content=found.content, merged=True)

    def _sides(self, path: bytes, name: str) -> Sides:
        def here(state: FileState) -> bytes | None:
            with suppress(OSError):
                return read(self.tree.open(path, READING), state)
            return None

        def agents(state: FileState) -> bytes | None:
            assert sources is not None
            with sources.agents(name) as file:
                content = file.read(state.size + 1)
            return content if digest_of(content) == state.digest else None

        sources = self.sources
        if sources is None:
            return Sides(lambda _: None, here, lambda _: None)
        return Sides(sources.bases.get, here, agents)

    def look_for_strangers(self) -> None:
        """A folder that is to go may hold only what goes with it."""
        going = {path for path, (_, after) in self._known.items() if after is None}
        for path, step in self.steps.items():
            if not is_folder(step.before) or is_folder(step.after):
                continue
            try:
                for inside in strangers(self.tree, path, going):
                    theirs = "not among what the agent deleted: created since, or to be kept"
                    self._conflict(os.fsdecode(inside), "deleted with its folder", theirs)
            except OSError as error:
                self._conflict(step.path, describe(step.after, step.before), _why(error))

    def look_for_locked_folders(self) -> None:
        """What cannot be done for lack of permission is known before anything is done."""
        free: dict[bytes, bool] = {}
        for path, step in self.steps.items():
            ours = describe(step.after, step.before)
            folder = folder_of(path)
            if step.in_place:
                if not owned(self.tree, path):
                    self._conflict(step.path, ours, "it belongs to someone else, who alone can change its mode")
                continue
            for needed in (folder, path) if is_folder(step.before) else (folder,):
                if needed not in free:
                    free[needed] = self._may_change(needed)
                if not free[needed]:
                    what = "its folder is not writable" if needed == folder else "not writable"
                    self._conflict(step.path, ours, what)
                    break

    def _step(
        self, path: bytes, effect: FileEffect, now: FileState | None, after: FileState | None, implied: bool
    ) -> Step:
        found = self.tree.lstat(path) if now is not None and now.type == "file" else None
        links = found.st_nlink if found is not None else 1
        same_content = now is not None and after is not None and _same_content(now, after)
        in_place = same_content and links == 1 and (is_folder(now) or owned(self.tree, path))
        change: Change = "created" if now is None else "deleted" if after is None else "modified"
        update: dict[str, object] = {"after": after}
        if effect.renamed_from is None:
            update |= {"change": "mode" if same_content else change, "before": now}
        if after is not None and links > 1:
            note = f"was one of {links} names of the same file; now a file of its own"
            update["note"] = f"{effect.note}; {note}" if effect.note else note
        return Step(effect.path, now, after, effect.model_copy(update=update), in_place, links, implied)

    def _parent(self, path: bytes) -> tuple[bool, str]:
        """Whether there is a folder to look into, and what stands against putting something there."""
        folder = folder_of(path)
        if folder in self._known:
            now, after = self._known[folder]
            return is_folder(now), "" if is_folder(after) else "its folder is to go"
        found = self.tree.lstat(folder)
        if found is None:
            return False, "its folder is gone"
        if stat.S_ISLNK(found.st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return (True, "") if stat.S_ISDIR(found.st_mode) else (False, "its folder is a file now")

    def _bad_object(self, path: bytes, after: FileState | None) -> str:
        if after is None:
            return ""
        if after.type not in ("file", "directory", "symlink"):
            return f"a {after.type} is never written to a workspace"
        if after.type == "file" and after.mode & 0o6000:
            return "setuid and setgid bits are never written to a workspace"
        if after.type == "directory" and after.mode & 0o6000 and not self._inherits(path, after.mode):
            return "setuid and setgid bits are never written to a workspace"
        return ""

    def _inherits(self, path: bytes, mode: int) -> bool:
        """The group bit of a folder is harmless where it only passes on what its own folder has."""
        if mode & stat.S_ISUID:
            return False
        now, after = self._known.get(folder_of(path), (None, None))
        above = after or now
        if above is not None:
            return bool(above.mode & stat.S_ISGID)
        found = self.tree.lstat(folder_of(path))
        return found is not None and bool(found.st_mode & stat.S_ISGID)

    def _may_change(self, folder: bytes) -> bool:
        """As it is, or after opening a folder that the plan is about anyway."""
        step = self.steps.get(folder)
        if step is not None and (not is_folder(step.before) or owned(self.tree, folder)):
            return True
        return may_change(self.tree, folder)

    def _conflict(self, path: str, ours: str, theirs: str) -> None:
        self.conflicts.setdefault(path, PathConflict(path=path, ours=ours, theirs=theirs))


def _same_content(now: FileState, after: FileState) -> bool:
    if now.type != after.type or now.type == "symlink":
        return False
    return now.type == "directory" or (now.digest is not None and now.digest == after.digest)


def _folder(path: bytes) -> bytes:
    return path.rpartition(b"/")[0]


def _bad_name(path: bytes) -> str:
    if path.startswith(b"/"):
        return "outside the workspace"
    if any(name in (b"", b".", b"..") for name in path.split(b"/")) or b"\0" in path:
        return "not a path of something in the workspace"
    return ""


def _why(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "a symbolic link stands where its folder should be"
    if error.errno == errno.EXDEV:
        return "another file system is mounted there"
    return os.strerror(error.errno or errno.EIO)
