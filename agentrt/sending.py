"""Requests are written down before they go, so that they are known also where nobody is left to settle the action."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from agentrt.history.store import Store
from agentrt.records import Going, RequestEffect, dump_json

CUT_OFF = "agentrt was ended while it was on its way"
CUT_SHORT = "cut off: what it did is not kept; what it sent was sent, or may have been"
"""Of an action, for the planner."""


def place(store: Store, layer: str) -> Path:
    """Of an operation that has not ended. JSON Lines."""
    return store.outputs / f"{layer}.requests"


def write(file: Path, going: Going) -> None:
    """Not forced to disk: what is to be survived is the death of a process."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with open(descriptor, "ab", buffering=0) as stream:
        stream.write(dump_json(going.to_dict()).encode() + b"\n")


class Sends:
    """What leaves of one operation otherwise than by a ``Gate``: ``contracts.Ledger``."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._is_written = False
        self._effects: list[RequestEffect] = []

    def write(self, file: Path) -> None:
        """From here on what leaves is written down before it goes; see ``place``."""
        self._file = file

    @property
    def effects(self) -> tuple[RequestEffect, ...]:
        return tuple(self._effects)

    def goes(self, effect: RequestEffect, *, kept: str = "") -> int:
        if self._file is not None:
            write(self._file, Going(effect=effect, kept=kept))
            self._is_written = True
        self._effects.append(effect)
        return len(self._effects) - 1

    def became(self, number: int, effect: RequestEffect) -> None:
        self._effects[number] = effect

    def queued(self, effect: RequestEffect) -> None:
        self._effects.append(effect)

    def settled(self) -> None:
        """They are in the journal."""
        if self._file is not None and self._is_written:
            forget(self._file)


def unknown(effect: RequestEffect) -> RequestEffect:
    """Of one that was on its way: what was to take it back may not fit what became of it."""
    if effect.change == "refused":
        return effect
    update: dict[str, object] = {"because": CUT_OFF}
    if effect.resource:
        update |= {"resource": "", "inverse": "", "reversibility": "unknown"}
    return effect.model_copy(update=update)


def forget(file: Path) -> None:
    """It is in the journal."""
    file.unlink(missing_ok=True)


def left(file: Path) -> Iterator[Going]:
    """What an action that was cut off had sent, or may have; a line that was cut off itself had not gone yet."""
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            yield Going.from_dict(json.loads(line))
        except (ValueError, ValidationError):
            continue
