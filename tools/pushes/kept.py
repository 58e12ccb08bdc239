"""What is kept of the push of one action, on disk before anything of it leaves; its objects lie beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from agentrt.contracts import PUSH, PUSHING
from agentrt.errors import ResourceError
from agentrt.history import steps
from agentrt.records import Record, RequestEffect, Reversibility, Text
from agentrt.whole import write_whole

State = Literal["queued", "sending", "sent", "idle"]
"""sending: it may have arrived, the remote says; idle: it was there already, by somebody else."""


class Kept(Record):
    """A push."""

    remote: Text
    url: Text
    """As it is shown, without what lets somebody in."""
    digest: str
    """SHA-256 of the whole of it."""
    branch: Text
    to: Text
    """The branch there, without ``refs/heads/``."""
    commit: str
    before: str | None
    """Where the branch there was; None: there was none."""
    rule: str
    """By which it waits."""
    state: State = "queued"

    @property
    def ref(self) -> str:
        return f"refs/heads/{self.to}"

    @property
    def waits(self) -> bool:
        return self.state in ("queued", "sending")

    @property
    def line(self) -> str:
        return f"{PUSHING} {self.url} {self.to}"

    @property
    def back(self) -> str:
        """What undo does, for people."""
        return f"deletes {self.to} there" if self.before is None else f"puts {self.to} back to {self.before[:10]}"

    def effect(self, change: Literal["sent", "refused", "queued"], *, because: str = "") -> RequestEffect:
        reversibility: Reversibility = "compensable" if change == "sent" else "reversible"
        return RequestEffect(
            change=change,
            reversibility=reversibility,
            method=PUSHING,
            url=f"{self.url} {self.to}",
            rule=self.rule,
            because=because,
            resource="" if change == "refused" else PUSH,
            inverse=self.back if change == "sent" else "",
        )


def objects_of(aside: Path, mark: str) -> Path:
    return aside / mark / f"{PUSH}.git"


def save(aside: Path, mark: str, kept: Kept) -> None:
    """For this user only; on disk on return. Raises ``ResourceError``."""
    file = aside / mark / f"{PUSH}.json"
    steps.checkpoint(f"push is {kept.state}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(file, kept.model_dump_json().encode())
    except OSError as error:
        raise ResourceError(
            f"what undo of the push needs could not be kept: {error.strerror or error}",
            hint=f"look at the disk that {file.parent} is on",
        ) from error


def load(aside: Path, mark: str) -> Kept | None:
    """None where the action pushed nothing. Raises ``ResourceError`` where it cannot be read."""
    file = aside / mark / f"{PUSH}.json"
    try:
        return Kept.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResourceError(f"what was kept of a push cannot be read: {file}: {error.strerror}") from error
    except ValidationError as error:
        raise ResourceError(f"{file} is damaged: {error.errors()[0]['msg']}") from error


def drop(aside: Path, mark: str) -> None:
    """As if nothing had been asked for. Raises ``ResourceError``."""
    try:
        (aside / mark / f"{PUSH}.json").unlink(missing_ok=True)
    except OSError as error:
        raise ResourceError(f"a push could not be dropped: {error.strerror}") from error
    shutil.rmtree(objects_of(aside, mark), ignore_errors=True)
