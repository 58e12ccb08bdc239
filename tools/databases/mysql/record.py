"""What is kept of one action on a MySQL database, and the effects it is shown as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentrt.errors import ResourceError
from agentrt.records import Effect

from ..kept import load, save
from ..rows import Change, Move, effects_of, net_of
from .altered import Altered
from .altered import effects as definitions_told

ENGINE = "mysql"


@dataclass(frozen=True, slots=True)
class Record:
    changes: tuple[Change, ...]
    numbers: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By table: what AUTO_INCREMENT was to give next, before and after."""
    altered: Altered | None = None
    """Definitions, and rows with them: then there is nothing else."""

    def keep(self, file: Path) -> None:
        """Raises ``ResourceError``."""
        own: dict[str, object] = {"numbers": self.numbers}
        save(file, ENGINE, self.changes, own if self.altered is None else own | {"altered": self.altered.written()})

    @classmethod
    def load(cls, file: Path) -> Record | None:
        """None: nothing is kept. Raises ``ResourceError``."""
        kept = load(file, ENGINE)
        if kept is None:
            return None
        try:
            altered = Altered.of(kept.own["altered"]) if "altered" in kept.own else None
            numbers = {table: (int(before), int(after)) for table, (before, after) in kept.own["numbers"].items()}
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ResourceError(f"{file} is damaged: {error}") from error
        return cls(kept.changes, numbers, altered)


def effects(database: str, moves: Sequence[Move[Record]]) -> tuple[Effect, ...]:
    """What moves do, one after the other: rows that change and change back are none."""
    found: list[Effect] = list(effects_of(database, net_of(moves, lambda record: record.changes)))
    for move in moves:
        if move.record.altered is not None:
            found += definitions_told(database, move.record.altered, move.to)
    return tuple(found)
