"""What is kept of one action on a MySQL database, and the effects it is shown as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentrt.errors import ResourceError
from agentrt.records import Effect

from ..kept import load, save
from ..rows import Change, Move, effects_of, net_of

ENGINE = "mysql"


@dataclass(frozen=True, slots=True)
class Record:
    changes: tuple[Change, ...]
    numbers: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By table: what AUTO_INCREMENT was to give next, before and after."""

    def keep(self, file: Path) -> None:
        """Raises ``ResourceError``."""
        save(file, ENGINE, self.changes, {"numbers": self.numbers})

    @classmethod
    def load(cls, file: Path) -> Record | None:
        """None: nothing is kept. Raises ``ResourceError``."""
        kept = load(file, ENGINE)
        if kept is None:
            return None
        try:
            numbers = {table: (int(before), int(after)) for table, (before, after) in kept.own["numbers"].items()}
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ResourceError(f"{file} is damaged: {error}") from error
        return cls(kept.changes, numbers)


def effects(database: str, moves: Sequence[Move[Record]]) -> tuple[Effect, ...]:
    """What moves do, one after the other: what changes and changes back is none."""
    return tuple(effects_of(database, net_of(moves, lambda record: record.changes)))
