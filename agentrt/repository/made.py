"""``git.json``: the commit an apply made, and which of its two sides stands in the user's repository.

It lies in the apply's own folder, ASCII JSON, replaced whole and on disk before the repository is touched.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from agentrt.errors import JournalError
from agentrt.history import steps
from agentrt.history.ledger import Standing
from agentrt.records import Record, Text, dump_json

FORMAT = 1


class Made(Record):
    """A branch that was made, or one that was moved on."""

    format: int = FORMAT
    kind: Literal["branch", "commit"]
    ref: Text
    """In full: ``refs/heads/…``."""
    commit: str
    parent: str
    standing: Standing = "before"
    """What stands; while ``doing``, what stood when it began."""
    doing: bool = False

    @property
    def branch(self) -> str:
        return self.ref.removeprefix("refs/heads/")

    def action(self) -> dict[str, str]:
        """What was asked, as the journal has it."""
        return {"kind": self.kind, "branch": self.branch, "commit": self.commit, "parent": self.parent}

    def tip(self, standing: Standing) -> str | None:
        """Where the ref points; None: there is none."""
        if standing == "after":
            return self.commit
        return self.parent if self.kind == "commit" else None


def load(aside: Path) -> Made | None:
    """None where the apply made no commit. Raises ``JournalError``."""
    file = aside / "git.json"
    try:
        made = Made.from_dict(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, ValidationError) as error:
        raise JournalError(f"{file} is damaged: {error}") from error
    if made.format != FORMAT:
        raise JournalError(f"{file} was written by another version of agentrt (format {made.format})")
    return made


def save(aside: Path, made: Made, **update: Any) -> Made:
    """Replace it; on disk on return. Raises ``OSError``."""
    made = made.model_copy(update=update)
    steps.checkpoint("save git")
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = aside / "git.json.new"
    with new.open("wb") as file:
        file.write(dump_json(made).encode("ascii"))
        file.flush()
        os.fsync(file.fileno())
    new.replace(aside / "git.json")
    folder = os.open(aside, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return made
