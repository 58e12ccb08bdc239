"""The way from some definitions to others: which tables are built, renamed and dropped; on disk while it is gone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentrt.errors import ResourceError
from agentrt.records import dump_json
from agentrt.whole import write_whole

from ..rows import Move
from .aim import Aim
from .definitions import Definitions, referring, refers
from .record import Record


@dataclass(frozen=True, slots=True)
class Way:
    source: Definitions
    target: Definitions
    built: dict[str, str]
    """By the name it is to have, the one it is built under."""
    gone: dict[str, str]
    """By its name, the one it has until it is dropped."""
    moved: dict[str, str]
    """By its name, the one it is to have."""
    switching: bool = False
    """All is built. From here on it can have been exchanged."""
    prints: dict[str, list[str]] = field(default_factory=dict)
    """Of what is gone, by its name, what tells whether its rows are those that were compared (``printed``)."""

    def before(self, name: str) -> str:
        """What a table of the target is called before the exchange."""
        return self.built.get(name) or next((old for old, new in self.moved.items() if new == name), name)

    def keep(self, file: Path) -> None:
        written = {
            "source": self.source.written(), "target": self.target.written(), "built": self.built, "gone": self.gone,
            "moved": self.moved, "switching": self.switching, "prints": self.prints,
        }  # fmt: skip
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(file, dump_json(written).encode("ascii"))
        except OSError as error:
            raise ResourceError(f"{file} could not be written: {error.strerror or error}") from error

    @classmethod
    def load(cls, file: Path) -> Way | None:
        try:
            found: dict[str, Any] = json.loads(file.read_bytes())
            sides = Definitions.of(found["source"]), Definitions.of(found["target"])
            return cls(*sides, *(found[name] for name in ("built", "gone", "moved", "switching", "prints")))
        except FileNotFoundError:
            return None
        except (ValueError, LookupError, TypeError) as error:
            raise ResourceError(f"{file} is damaged: {error}") from error


def names_of(moves: Iterable[Move[Record]]) -> set[str]:
    found = set[str]()
    for move in moves:
        found |= {change.table for change in move.record.changes} | move.record.numbers.keys()
        if (altered := move.record.altered) is not None:
            for side in (altered.before, altered.after):
                found |= side.definitions.tables.keys() | side.definitions.views.keys()
                found |= {refers(key) for each in side.definitions.tables.values() for key in each.foreign.values()}
    return found


def laid_out(present: Definitions, aim: Aim, prefix: str) -> Way:
    """What has to be built: what is not as it is there, and what refers to such (a foreign key that is made again where
    it was can rename an index)."""
    origins = {name: content.origin for name, content in aim.contents.items()}
    follow = {origin: name for name, origin in origins.items() if origin is not None}
    build = {name for name, origin in origins.items() if not _stays(present, aim.definitions, name, origin, follow)}
    while more := {
        name
        for name, definition in aim.tables.items()
        if name not in build and build & {refers(clause) for clause in definition.foreign.values()}
    }:
        build |= more
    built = {name: f"{prefix}_n{number}" for number, name in enumerate(sorted(build))}
    moved = {old: name for old, name in follow.items() if name not in build and old != name}
    kept = aim.tables.keys() - build - set(moved.values())
    gone = {
        name: f"{prefix}_o{number}" for number, name in enumerate(sorted(present.tables.keys() - moved.keys() - kept))
    }
    return Way(present, aim.definitions, built, gone, moved)


def _stays(present: Definitions, target: Definitions, name: str, origin: str | None, follow: dict[str, str]) -> bool:
    """It need not be built: it is there, under another name perhaps, and its foreign keys follow what is renamed."""
    if origin is None:
        return False
    was, now = present.tables[origin], target.tables[name]
    foreign = {
        re.sub(rf"\A{re.escape(origin)}(?=_ibfk_[0-9]+\Z)", lambda _: name, key): referring(
            clause, follow.get(refers(clause), refers(clause))
        )
        for key, clause in was.foreign.items()
    }
    return was.body == now.body and foreign == now.foreign
