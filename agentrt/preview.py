"""What a move or an apply would do."""

from __future__ import annotations

from typing import Literal

from agentrt.records import Effect, FileEffect, PathConflict, Record, Text


class Refused(Record):
    """A path that is never written to a workspace."""

    path: Text
    because: Text


class Preview(Record):
    """Nothing was touched to find this out, and nothing is promised: it was true a moment ago."""

    kind: Literal["undo", "redo", "restore", "revert", "apply"]
    target: tuple[int, ...] = ()
    """The operations it is about."""
    effects: tuple[FileEffect, ...] = ()
    """What would change: in the sandbox, and for an apply in the real workspace."""
    outside: tuple[Effect, ...] = ()
    """What would change in databases, and what requests would be sent."""
    stays: Text = ""
    """What was sent and would not be taken back, and what waits and would be dropped, in a sentence."""
    take_back: tuple[int, ...] = ()
    """Applies that would be taken out of the real workspace, newest first."""
    put_back: tuple[int, ...] = ()
    """Applies that would be put into the real workspace again, oldest first."""
    merged: tuple[Text, ...] = ()
    """Paths that would be merged: with what changed in the real workspace, or of a revert with later changes."""
    conflicts: tuple[PathConflict, ...] = ()
    """What stands against it: with one of these it would be refused."""
    dependents: tuple[int, ...] = ()
    """Of a revert: later operations that wrote or read what would change."""
    possible: tuple[int, ...] = ()
    """Of a revert: later operations of which is not known what they read."""
    left: tuple[Text, ...] = ()
    """Of an apply: what would stay in the sandbox."""
    as_of: int | None = None
    """Of an apply: the session's last operation when this was found out. ``Runtime.apply`` takes it."""
    refused: tuple[Refused, ...] = ()
