"""Accepted effects go into the user's real workspace, and come out again exactly.

    plan(root, wanted, sources)     what would be done, what stands against it; nothing is touched
    carry_out(plan, content, aside) do it
    take_back(aside, root)          undo it: the very files that were there before are put back
    put_back(aside, root)           redo it
    recover(aside, root)            after a crash in any of the three: as if it had not begun

``aside`` is a folder of this apply's own. It keeps whatever is not in the workspace: the user's files while the
apply stands, the agent's after it was taken back. Deleting it makes what stands final. All of this is blocking, and
one thing at a time may be done with a workspace (the caller holds its lock).
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agentrt.errors import AgentrtError, Conflict, SandboxError, UsageError
from agentrt.records import Change, FileEffect, FileState, PathConflict

from .beneath import Beneath
from .check import check
from .guards import folder_of, is_folder
from .ledger import Doing, Folder, Ledger, Slot, Standing, load, other
from .planning import Plan, Sources, Step, plan
from .since import TEXTS, Since, look_since
from .threeway import NOTE
from .turn import Turn
from .write import make

__all__ = ["Plan", "Recovery", "Sources", "Step", "carry_out", "merges", "obstacles", "plan", "put_back", "recover"]
__all__ += ["standing", "take_back"]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What ``recover`` found and did."""

    undone: Doing | None
    """What had been cut off and was rolled back; None: nothing had been."""
    standing: Standing | None
    """What is in the workspace now: the state before the apply, or the one after it. None: no apply was begun."""
    left: tuple[PathConflict, ...] = ()
    """Paths someone changed between crash and recovery: left as they are; ``ours`` says where the other side is."""


def carry_out(plan: Plan, content: Callable[[str], BinaryIO], aside: Path) -> tuple[FileEffect, ...]:
    """Do all steps of ``plan``, or none. ``content(path)`` opens the new content of a regular file.

    ``aside`` must not exist or be empty. Raises ``Conflict`` (also for the plan's own conflicts), ``DiskFull``,
    ``SandboxError`` (content that is not what was measured), ``OSError``; then nothing is changed and ``aside`` is
    empty, save for what someone changed under our hands (the ``Conflict`` says so and where our side is kept). A
    plain ``AgentrtError``: that could not be done either, and ``recover`` must be called.
    """
    if plan.conflicts:
        first, more = plan.conflicts[0], len(plan.conflicts) - 1
        raise Conflict(
            f"{first.path}: {first.theirs}" + (f" and {more} more" if more else ""), conflicts=plan.conflicts
        )
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(aside.iterdir()):
        raise UsageError(f"{aside} already holds an apply")
    with Beneath(plan.root) as tree:
        slots = tuple(_slot(step) for step in plan.steps)
        apart = _apart(tree, aside)
        turn = Turn(tree, aside, Ledger(slots=slots, folders=_folders(slots, apart), apart=apart))
        try:
            turn.run("carry_out", _Maker(tree, plan, content).make)
        except BaseException:
            _forget(turn)
            raise
        done = zip(plan.steps, turn.ledger.slots, strict=True)
        effects = (s.effect.model_copy(update={"after": slot.after}) for s, slot in done if not s.implied)
        return tuple(sorted(effects, key=lambda effect: effect.path))


def take_back(aside: Path, root: Path) -> tuple[FileEffect, ...]:
    """Put everything back as it was before the apply, whole or not at all; what that changed.

    Files that were moved aside are the same files again (inode, hard links, times). A text that was edited since keeps
    these edits, and only what the apply changed in it goes; ``put_back`` then puts back the very file that stood.
    Raises ``Conflict`` naming every path that is not what was written any more and cannot be merged, ``DiskFull``,
    ``OSError``; then nothing is changed.
    """
    return _again(aside, root, "take_back", "after")


def put_back(aside: Path, root: Path) -> tuple[FileEffect, ...]:
    """The inverse of ``take_back``, with the same checks and errors."""
    return _again(aside, root, "put_back", "before")


def recover(aside: Path, root: Path) -> Recovery:
    """Roll back whatever was cut off in ``aside``; do nothing if nothing was. May itself be killed and called again.

    Once ``carry_out`` had returned, the apply stands, whether or not anyone wrote that down: compare ``standing``.
    Raises ``OSError``, ``JournalError`` (the ledger is damaged).
    """
    ledger = load(aside)
    if ledger is None:
        return Recovery(undone=None, standing=None)
    with Beneath(root) as tree:
        turn = Turn(tree, aside, ledger)
        turn.back()
        if ledger.doing == "carry_out":
            _forget(turn)
    return Recovery(undone=ledger.doing, standing=ledger.standing, left=turn.left)


def standing(aside: Path) -> Standing | None:
    """Which side of the apply is in the workspace; None if it never was carried out. Raises ``JournalError``."""
    ledger = load(aside)
    return None if ledger is None else ledger.standing


def obstacles(aside: Path, root: Path) -> tuple[PathConflict, ...]:
    """What ``take_back`` (or ``put_back``, whichever is next) would raise; nothing is touched."""
    ledger = _loaded(aside)
    with _looked_since(aside, root, ledger) as (tree, since):
        try:
            check(tree, None, ledger, since)
        except Conflict as conflict:
            return conflict.conflicts
    return ()


def merges(aside: Path, root: Path) -> tuple[str, ...]:
    """The paths it would merge with what somebody changed since; nothing is touched."""
    with _looked_since(aside, root, _loaded(aside)) as (_, since):
        return tuple(sorted(since.merged))


@contextmanager
def _looked_since(aside: Path, root: Path, ledger: Ledger) -> Iterator[tuple[Beneath, Since]]:
    kept = os.open(aside / (other(ledger.standing) if ledger.apart else "held"), os.O_RDONLY | os.O_DIRECTORY)
    try:
        with Beneath(root) as tree:
            yield tree, look_since(tree, kept, ledger, aside)
    finally:
        os.close(kept)


def _again(aside: Path, root: Path, doing: Doing, expected: Standing) -> tuple[FileEffect, ...]:
    ledger = _loaded(aside)
    if ledger.standing != expected:
        raise UsageError(f"the apply in {aside} is {'not in' if expected == 'after' else 'already in'} the workspace")
    with Beneath(root) as tree:
        turn = Turn(tree, aside, ledger)
        turn.run(doing)
    now, was = other(expected), expected
    effects = [
        _effect(slot.path, slot.side(was), slot.side(now), slot.in_place)
        for slot in turn.ledger.slots
        if not slot.purged
    ]
    noted = (e.model_copy(update={"note": NOTE}) if e.path in turn.merged else e for e in effects)
    return tuple(sorted(noted, key=lambda effect: effect.path))


def _loaded(aside: Path) -> Ledger:
    ledger = load(aside)
    if ledger is None:
        raise UsageError(f"{aside} holds no apply")
    if ledger.doing is not None:
        raise AgentrtError(f"{aside}: {ledger.doing} was cut off", hint="recover it first")
    return ledger


def _effect(path: str, was: FileState | None, now: FileState | None, in_place: bool) -> FileEffect:
    change: Change = "created" if was is None else "deleted" if now is None else "mode" if in_place else "modified"
    return FileEffect(path=path, change=change, before=was, after=now)


def _slot(step: Step) -> Slot:
    after = step.after
    if step.in_place and step.before is not None and after is not None:
        after = step.before.model_copy(update={"mode": after.mode})  # all else the sandbox measured is its own
    shared = step.before.inode if step.before is not None and step.links > 1 else 0
    return Slot(path=step.path, before=step.before, after=after, in_place=step.in_place, shared=shared)


def _folders(slots: tuple[Slot, ...], apart: bool) -> tuple[Folder, ...]:
    times: dict[str, int | None] = {"": None} if apart else {}
    for slot in slots:
        times.setdefault(slot.path.rpartition("/")[0], None)
        if is_folder(slot.before) or is_folder(slot.after):
            created = is_folder(slot.after) and not slot.in_place
            times[slot.path] = slot.after.mtime_ns if created and slot.after is not None else None
    deepest_first = sorted(times, key=lambda path: (path.count("/") + bool(path), path), reverse=True)
    return tuple(Folder(path=path, after=times[path]) for path in deepest_first)


def _apart(tree: Beneath, aside: Path) -> bool:
    """Whether nothing can be renamed between the two: another file system, subvolume or mount."""
    fd = os.open(aside, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.rename("probe", ".agentrt-probe", src_dir_fd=fd, dst_dir_fd=tree.fd)  # there is no such file, on purpose
    except OSError as error:
        return error.errno == errno.EXDEV or os.fstat(fd).st_dev != tree.device
    finally:
        os.close(fd)
    return False


def _forget(turn: Turn) -> None:
    """Empty ``aside`` after a carry_out that did not happen, unless it keeps something of the user's."""
    if turn.left or turn.ledger.doing is not None or turn.ledger.standing != "before":
        return
    for name in ("held", "before", "after", TEXTS):
        shutil.rmtree(turn.aside / name, ignore_errors=True)
    for name in ("plan.json.new", "plan.json"):
        (turn.aside / name).unlink(missing_ok=True)


class _Maker:
    """Makes what the sandbox has, as the owner of what it replaces would have made it."""

    def __init__(self, tree: Beneath, plan: Plan, content: Callable[[str], BinaryIO]) -> None:
        self.tree, self.content = tree, content
        self._created = {os.fsencode(s.path): s.after for s in plan.steps if s.before is None}
        self._merged = {s.path: s.content for s in plan.steps if s.content is not None}
        self._groups: dict[bytes, int | None] = {}

    def make(self, held: int, name: bytes, slot: Slot) -> FileState:
        path, wanted = os.fsencode(slot.path), slot.after
        assert wanted is not None
        folder = folder_of(path)
        if folder not in self._groups:
            self._groups[folder] = self._group(folder)
        replaces = None
        with suppress(OSError):  # gone or out of reach by now: the check after this says so
            replaces = self.tree.open(path, os.O_PATH) if slot.before is not None else None
        try:
            if wanted.type != "file":
                return make(held, name, wanted, None, replaces, self._groups[folder])
            with self._open(slot.path) as source:
                made = make(held, name, wanted, source, replaces, self._groups[folder])
        finally:
            if replaces is not None:
                os.close(replaces)
        if made.size != wanted.size or (wanted.digest is not None and made.digest != wanted.digest):
            raise SandboxError(f"{slot.path}: the sandbox gave other content than it had measured")
        return made

    def _open(self, path: str) -> BinaryIO:
        if path in self._merged:
            return io.BytesIO(self._merged[path])
        try:
            return self.content(path)
        except OSError as error:
            if isinstance(error, AgentrtError):
                raise
            raise SandboxError(f"{path}: its new content cannot be read from the sandbox: {error.strerror}") from error

    def _group(self, folder: bytes) -> int | None:
        """The group that entries of ``folder`` are born with, where the folder says so (setgid)."""
        if folder in self._created:
            state = self._created[folder]
            return self._group(folder_of(folder)) if state is not None and state.mode & stat.S_ISGID else None
        found = None
        with suppress(OSError):
            found = self.tree.lstat(folder)
        return found.st_gid if found is not None and found.st_mode & stat.S_ISGID else None
