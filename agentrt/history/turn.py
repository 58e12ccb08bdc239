"""Turning a workspace from one state of an apply to the other, whole or not at all.

    ready     what is to come lies in the held folder; nothing of the workspace is touched
    since     what somebody changed in a text is merged into what is to come
    check     every path still is what it should be, or ``Conflict`` names all that are not
    go        the ledger says what is being done, then path by path is swapped
    settle    modes and times of folders, everything on disk, the ledger says what stands

Whatever goes wrong while going, and a process killed while going, ends in ``Turn.back``: all swapped paths are
swapped again, and what stood before stands.
"""

from __future__ import annotations

import errno
import io
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from agentrt.errors import AgentrtError, Conflict, DiskFull
from agentrt.records import FileState, PathConflict

from . import beneath, folders, steps, swap, write
from .beneath import Beneath
from .check import check
from .ledger import Doing, Ledger, Slot, Standing, other, save
from .links import Links
from .since import UNCHANGED, drop_texts, keep_texts, look_since
from .states import describe
from .write import duplicate, remove

_FULL = (errno.ENOSPC, errno.EDQUOT)
_THEIRS = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EXDEV, errno.ELOOP),
    *(errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT, errno.ENOTDIR, errno.EBUSY, errno.ETXTBSY),
)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Make = Callable[[int, bytes, Slot], FileState]
"""``make(held, name, slot)``: make what is to come under ``name`` in the folder ``held``; its state, with inode."""


class Turn:
    """One thing done with an apply. ``ledger`` is what is written, or about to be."""

    def __init__(self, tree: Beneath, aside: Path, ledger: Ledger) -> None:
        self.tree, self.aside, self.ledger = tree, aside, ledger
        self.left: tuple[PathConflict, ...] = ()
        """What could not be put back, since someone changed it meanwhile."""
        self.merged: frozenset[str] = frozenset()
        """Paths that were merged with what somebody changed."""
        self._path = ""  # at work on this one, for the message of an error

    def run(self, doing: Doing, make: Make | None = None) -> None:
        """Turn to the other side; without ``make`` all that is to come is held, or copied, already.

        Raises ``Conflict``, ``DiskFull``, ``OSError`` and what ``make`` raises; then what stood before stands. A plain
        ``AgentrtError`` says that even putting it back failed: the ledger knows, and ``recover`` tries again.
        """
        try:
            self.ledger = folders.note_times(self.tree, self.ledger)
            self._make_scratch()
            with self._held() as held:
                if make is not None or self.ledger.apart:
                    self._make_ready(held, make or self._maker_from_copies())
                since = look_since(self.tree, held, self.ledger, self.aside) if make is None else UNCHANGED
                checked = check(self.tree, held, self.ledger, since)
                unmerged = self.ledger.slots if since.merged else ()
                self.ledger = checked.model_copy(update={"unmerged": unmerged})
                if self.ledger.apart:
                    self._copy_what_goes()
                self._make_merged(held, since.made)
                self.merged = since.merged
                keep_texts(held, self.ledger, self.aside)
                self.ledger = folders.note_times(self.tree, self.ledger)
                self._save(doing=doing)
                self._go(held)
        except BaseException as error:
            try:
                self.back()
            except OSError as second:
                what = f"{self._named(error)}; what had been changed could not be put back yet: {second}"
                raise AgentrtError(
                    what, hint=f"nothing is lost: {self.aside} is recovered at the next start"
                ) from error
            named = self._named(error)
            if named is error:
                raise
            raise named from error
        self._drop_scratch()

    def back(self) -> None:
        """Undo what is being done, however far it came. Raises ``OSError``; then it can be tried again."""
        left: list[PathConflict] = []
        if self.ledger.doing is not None:
            folders.open_all(self.tree, self.ledger)
            with self._held() as held:
                for number, slot in reversed(self._in_order()):
                    steps.checkpoint("back")
                    if not swap.back(self.tree, held, number, slot, self.ledger.standing):
                        left.append(self._left(number, slot))
                if self.ledger.doing == "carry_out" and not left:
                    self._empty(held)  # nothing of the user's is in it, and the disk may be full
            self.left = tuple(left)
        if self.ledger.unmerged:
            # Where something was left, what is held is not what had been: nothing of it is given up.
            slots = self.ledger.slots if self.left else self.ledger.unmerged
            self.ledger = self.ledger.model_copy(update={"slots": slots, "unmerged": ()})
        if self.ledger.doing is not None:
            self.ledger = folders.settle(self.tree, self.ledger, self.ledger.standing)
            beneath.syncfs(self.tree.fd)
            self._save(doing=None)
        self._drop_scratch()

    def _make_ready(self, held: int, make: Make) -> None:
        comes = other(self.ledger.standing)
        slots = list(self.ledger.slots)
        for number, slot in enumerate(slots):
            self._path = slot.path
            if slot.side(comes) is not None and not slot.in_place:
                slots[number] = slot.model_copy(update={comes: make(held, b"%d" % number, slot)})
                steps.checkpoint("made")
        self.ledger = self.ledger.model_copy(update={"slots": tuple(slots)})
        self._path = ""

    def _make_merged(self, held: int, contents: Mapping[int, bytes]) -> None:
        """Beside what was held; on the file system apart, where that is only a copy, in its place."""
        comes = other(self.ledger.standing)
        slots = list(self.ledger.slots)
        for number, content in contents.items():
            slot = slots[number]
            state, self._path, name = slot.side(comes), slot.path, slot.name(number)
            assert state is not None
            remove(held, name)
            replaces = self.tree.open(os.fsencode(slot.path), os.O_PATH)
            try:
                made = write.make(held, name, state, io.BytesIO(content), replaces, None)
            finally:
                os.close(replaces)
            slots[number] = slot.model_copy(update={comes: made})
            steps.checkpoint("merged")
        self.ledger = self.ledger.model_copy(update={"slots": tuple(slots)})
        self._path = ""

    def _copy_what_goes(self) -> None:
        """Scratch does not last: what is to be put in it must also be in ``aside``."""
        with self._copies(self.ledger.standing) as copies:
            for number, slot in enumerate(self.ledger.slots):
                self._path = slot.path
                if slot.side(self.ledger.standing) is not None and not slot.in_place:
                    with self.tree.parent(os.fsencode(slot.path)) as (fd, last):
                        duplicate(fd, last, copies, b"%d" % number)
                    steps.checkpoint("copied")
        self._path = ""

    def _maker_from_copies(self) -> Make:
        comes = other(self.ledger.standing)
        links = Links(self.tree, self.ledger.slots if comes == "before" else ())

        def make(held: int, name: bytes, slot: Slot) -> FileState:
            state = slot.side(comes)
            assert state is not None
            inode = links.link(slot.shared, held, name)
            if inode is None:
                with self._copies(comes) as copies:
                    inode = duplicate(copies, name, held, name)
                links.made(slot.shared, name)
            return state.model_copy(update={"inode": inode})

        return make

    def _go(self, held: int) -> None:
        steps.checkpoint("intended")
        self._sync(held)
        folders.open_all(self.tree, self.ledger)
        for number, slot in self._in_order():
            self._path = slot.path
            steps.checkpoint("swap")
            swap.swap(self.tree, held, number, slot, self.ledger.standing)
        self._path = ""
        self.ledger = folders.settle(self.tree, self.ledger, other(self.ledger.standing))
        steps.checkpoint("settled")
        beneath.syncfs(self.tree.fd)
        unmerged = self.ledger.unmerged
        self._save(standing=other(self.ledger.standing), doing=None, unmerged=())
        with suppress(OSError):  # it is done; what cannot be cleared away now is in nobody's way
            for number, slot in enumerate(unmerged):
                if slot.name(number) != self.ledger.slots[number].name(number):
                    steps.checkpoint("clear")
                    remove(held, slot.name(number))
            drop_texts(self.ledger, self.aside)

    def _in_order(self) -> list[tuple[int, Slot]]:
        slots = [(number, slot) for number, slot in enumerate(self.ledger.slots) if not slot.purged]
        return slots if self.ledger.standing == "before" else slots[::-1]

    @contextmanager
    def _held(self) -> Iterator[int]:
        if self.ledger.scratch:
            with suppress(FileExistsError):  # someone may have thought it litter; the copies are in ``aside``
                os.mkdir(self.ledger.scratch, 0o700, dir_fd=self.tree.fd)
            fd = self.tree.open(os.fsencode(self.ledger.scratch), _FOLDER)
        else:
            (self.aside / "held").mkdir(mode=0o700, exist_ok=True)
            fd = os.open(self.aside / "held", _FOLDER)
        try:
            yield fd
        finally:
            os.close(fd)

    def _make_scratch(self) -> None:
        if self.ledger.apart:
            self._save(scratch=f".agentrt-{secrets.token_hex(8)}")
            steps.checkpoint("scratch")

    def _drop_scratch(self) -> None:
        """All that is in it is also in ``aside``. Where it cannot be dropped now, ``recover`` will."""
        if not self.ledger.scratch:
            return
        with suppress(OSError):
            with suppress(FileNotFoundError):
                with self._held() as held:
                    self._empty(held)
                os.rmdir(self.ledger.scratch, dir_fd=self.tree.fd)
            steps.checkpoint("dropped")
            for folder in self.ledger.folders:
                mtime = folder.side(self.ledger.standing)
                if not folder.path and mtime is not None:
                    folders.set_time(self.tree, b"", mtime)
            self._save(scratch="")

    def _empty(self, held: int) -> None:
        for entry in os.listdir(held):
            steps.checkpoint("drop")
            remove(held, os.fsencode(entry))

    @contextmanager
    def _copies(self, side: Standing) -> Iterator[int]:
        (self.aside / side).mkdir(mode=0o700, exist_ok=True)
        fd = os.open(self.aside / side, _FOLDER)
        try:
            yield fd
        finally:
            os.close(fd)

    def _sync(self, held: int) -> None:
        beneath.syncfs(held)
        if self.ledger.apart:
            with self._copies(self.ledger.standing) as copies:
                beneath.syncfs(copies)

    def _save(self, **update: Any) -> None:
        ledger = self.ledger.model_copy(update=update)
        steps.checkpoint("save")
        save(self.aside, ledger)
        self.ledger = ledger

    def _left(self, number: int, slot: Slot) -> PathConflict:
        side, here = self.ledger.standing, "held" if not self.ledger.apart else self.ledger.standing
        kept = self.aside / here / os.fsdecode(slot.name(number))
        ours = f"{describe(slot.side(side), slot.side(other(side)))}; kept in {kept}"
        return PathConflict(path=slot.path, ours=ours, theirs="changed by someone else meanwhile, left as it is")

    def _named(self, error: BaseException) -> BaseException:
        """The error a caller can act on: which path, and whether everything is as it was."""
        where = f"{self._path}: " if self._path else ""
        if isinstance(error, OSError) and not isinstance(error, AgentrtError):
            what = f"{where}{os.strerror(error.errno or errno.EIO)}"
            if error.errno in _FULL:
                error = DiskFull(what, hint="make room and try again; nothing was changed")
            elif error.errno in _THEIRS:
                found = PathConflict(path=self._path, ours="", theirs=os.strerror(error.errno))
                error = Conflict(what, conflicts=[found] if self._path else [])
        if self.left:
            paths = ", ".join(conflict.path for conflict in self.left)
            message = f"{error}; not put back, since someone changed them meanwhile: {paths}"
            return Conflict(message, conflicts=self.left)
        return error
