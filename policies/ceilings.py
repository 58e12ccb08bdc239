"""The blast radius: what an action, and a session, may have done at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agentrt.records import Spent
from agentrt.units import format_size


@dataclass(frozen=True)
class Measure:
    """One dimension of it; ``key`` names it in packs, and in what was spent."""

    key: str
    verb: str
    unit: str
    show: Callable[[Any], str]

    def of(self, spent: Spent) -> Any:
        return getattr(spent, self.key)

    def said(self, spent: Spent, most: object) -> str:
        """``deleted 1,204 files; the limit is 1,000``."""
        return f"{self.verb} {self.show(self.of(spent))}{self.unit}; the limit is {self.show(most)}"


def _count(number: int) -> str:
    return f"{number:,}"


MEASURES = (
    Measure("files_deleted", "deleted", " files", _count),
    Measure("files_changed", "changed", " files", _count),
    Measure("bytes_written", "wrote", "", format_size),
)
