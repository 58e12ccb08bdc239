"""``plan.json``: what an apply is about, how far it is, and which of its two states stands in the workspace.

It lies in the apply's own folder, ASCII JSON, replaced whole and on disk before the workspace is touched:

    plan.json     the ledger
    held/<n>      of slot n, whichever of its two states is not in the workspace   (same file system; or <n>.merged)
    before/<n>    copies of both, where the folder lies on another file system than the workspace
    after/<n>
    texts/        contents of either state by digest, for merging what is changed while it stands
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from agentrt.errors import JournalError
from agentrt.records import FileState, Record, Text, dump_json

Standing = Literal["before", "after"]
Doing = Literal["carry_out", "take_back", "put_back"]

FORMAT = 1


class Slot(Record):
    """One path of the workspace and the two things that can be there."""

    path: Text
    before: FileState | None
    after: FileState | None
    in_place: bool = False
    """The object stays, only its permission bits differ."""
    shared: int = 0
    """The inode of what stood before, if it had other names; else 0."""

    merged: bool = False
    """What is held has the second of the two names a slot has in the held folder."""

    @property
    def purged(self) -> bool:
        """Neither side is known any more: what is at the path is left as it is."""
        return self.before is None and self.after is None

    def side(self, standing: Standing) -> FileState | None:
        return self.before if standing == "before" else self.after

    def name(self, number: int) -> bytes:
        """In the held folder, of slot ``number``."""
        return b"%d.merged" % number if self.merged else b"%d" % number


class Folder(Record):
    """A folder whose entries change, or that comes or goes: its mtime on either side (None: take it as it falls)."""

    path: Text
    before: int | None = None
    after: int | None = None

    def side(self, standing: Standing) -> int | None:
        return self.before if standing == "before" else self.after


class Ledger(Record):
    """The whole of an apply. ``slots`` are in the order of carrying out."""

    format: int = FORMAT
    slots: tuple[Slot, ...] = ()
    unmerged: tuple[Slot, ...] = ()
    """While something is done that merges: the slots to go back to."""
    folders: tuple[Folder, ...] = ()
    """Deepest first."""
    standing: Standing = "before"
    """What stands; while ``doing`` something, what stood when it began."""
    doing: Doing | None = None
    apart: bool = False
    """The apply's folder and the workspace are on different file systems."""
    scratch: str = ""
    """Where ``apart``: the folder in the workspace that serves as ``held`` while something is done."""


def other(standing: Standing) -> Standing:
    return "after" if standing == "before" else "before"


def load(aside: Path) -> Ledger | None:
    """The ledger in ``aside``; None where nothing was begun. Raises ``JournalError``."""
    file = aside / "plan.json"
    try:
        ledger = Ledger.from_dict(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, ValidationError) as error:
        raise JournalError(f"{file} is damaged: {error}") from error
    if ledger.format != FORMAT:
        raise JournalError(f"{file} was written by another version of agentrt (format {ledger.format})")
    return ledger


def save(aside: Path, ledger: Ledger) -> None:
    """Replace the ledger; on disk on return. Raises ``OSError``."""
    new = aside / "plan.json.new"
    with new.open("wb") as file:
        file.write(dump_json(ledger).encode("ascii"))
        file.flush()
        os.fsync(file.fileno())
    new.replace(aside / "plan.json")
    folder = os.open(aside, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
