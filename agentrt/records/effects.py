"""What an action measurably did."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Record, Text

FileType = Literal["file", "directory", "symlink", "fifo", "socket", "device"]
Change = Literal["created", "modified", "deleted", "renamed", "mode"]
Reversibility = Literal["reversible", "compensable", "irreversible", "unknown"]
HARM: tuple[Reversibility, ...] = ("reversible", "compensable", "unknown", "irreversible")
"""From what is easiest to take back to what cannot be."""


class Snapshot(Record):
    """The sandbox's part of a view: names of sealed layers, lowest first."""

    layers: tuple[str, ...] = ()


class FileState(Record):
    """One path at one moment: enough to know whether it is still the same."""

    type: FileType
    mode: int
    """Permission bits, ``0o7777`` at most."""
    size: int
    """Bytes; 0 where the type has no content."""
    mtime_ns: int
    inode: int = 0
    """0 where it is not known or means nothing (inside a layer it changes when the layer freezes)."""
    digest: str | None = None
    """SHA-256 of the content or of a link's target; None for directories and special files."""
    target: Text | None = None
    """Where a symlink points."""


class FileEffect(Record):
    """One path that is not what it was."""

    kind: Literal["file"] = "file"
    path: Text
    """Relative to the workspace; absolute for what lies elsewhere in the sandbox."""
    change: Change
    reversibility: Reversibility = "reversible"
    before: FileState | None = None
    """None for what was created."""
    after: FileState | None = None
    """None for what was deleted."""
    renamed_from: Text | None = None
    note: Text = ""
    """What a person should know: a broken hard link, a base that moved underneath …"""

    @property
    def in_workspace(self) -> bool:
        return not self.path.startswith("/")


class Pick(Record):
    """One path as it is to be, taken from a snapshot: how a view is put together from others."""

    path: Text
    """As effects name it."""
    source: Snapshot
    """Where the path is as it is to be; what is not there is to go."""
    content: bytes | None = None
    """Of a regular file: to have this content instead, and all else as in ``source``."""


class RequestEffect(Record):
    """A request to the outside, sent, refused or held back. What was sent no undo takes back, unless a resource can."""

    kind: Literal["request"] = "request"
    change: Literal["sent", "refused", "queued"]
    """queued: it waits in the outbox until a person releases it."""
    reversibility: Reversibility
    """reversible: it asked and changed nothing (GET); compensable: another request takes it back; irreversible: nothing
    does; unknown: TLS stayed closed, so what went through was not seen."""
    method: Text
    """CONNECT where TLS stayed closed."""
    url: Text
    """``scheme://host[:port]/path``; of a closed connection ``host:port``. Secrets in it are placeholders."""
    status: int | None = None
    """Of the answer; None where none came."""
    sent: int = 0
    """Bytes of bodies, or through the connection."""
    received: int = 0
    rule: str = ""
    """``file:line`` of the rule that let it out or refused it."""
    because: Text = ""
    """Why it was refused."""
    secrets: tuple[str, ...] = ()
    """Names of those that were put in."""
    canary: Text | None = None
    """The planted file that was on its way out."""
    resource: str = ""
    """The resource that keeps what takes it back; empty where nothing does."""
    inverse: Text = ""
    """What takes it back: ``DELETE https://…``."""
    due: float | None = None
    """When what is queued goes out by itself, in seconds since the epoch; None: it waits for a person."""


Cell = Text | int | float | None
"""One value of a row as people read it: what is long is cut (``…``), bytes are written as ``x'…'``."""


class RowChange(Record):
    """One row that is not what it was, by the names of its columns."""

    before: dict[Text, Cell] | None
    """None for what was inserted."""
    after: dict[Text, Cell] | None
    """None for what was deleted."""


class RowsEffect(Record):
    """Rows of one table that are not what they were."""

    kind: Literal["rows"] = "rows"
    database: str
    """By the name the task gives it."""
    table: Text
    change: Literal["created", "modified", "deleted"]
    """created: rows were inserted, and nothing else; deleted likewise."""
    reversibility: Reversibility = "reversible"
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    rows: tuple[RowChange, ...] = ()
    """The first of them. All are kept where undo finds them."""
    note: Text = ""
    queued: bool = False
    """It waits in the outbox, and nothing of it is there."""
    due: float | None = None
    """As of a request."""

    @property
    def count(self) -> int:
        return self.inserted + self.updated + self.deleted


class SchemaEffect(Record):
    """A table, an index, a view, a trigger … of a database that is not what it was."""

    kind: Literal["schema"] = "schema"
    database: str
    object: str
    """``table``, ``index``, ``view``, ``trigger``, ``sequence`` …"""
    name: Text
    change: Literal["created", "modified", "deleted"]
    reversibility: Reversibility = "reversible"
    before: Text | None = None
    """As SQL; None for what was created."""
    after: Text | None = None
    rows: int | None = None
    """Of a table: how many it had before, which went with it or were carried over."""
    note: Text = ""
    queued: bool = False
    """As of rows."""
    due: float | None = None


Effect = Annotated[FileEffect | RequestEffect | RowsEffect | SchemaEffect, Field(discriminator="kind")]


def is_queued(effect: Effect) -> bool:
    """It waits in the outbox until somebody releases it."""
    if isinstance(effect, FileEffect):
        return False
    return effect.change == "queued" if isinstance(effect, RequestEffect) else effect.queued
