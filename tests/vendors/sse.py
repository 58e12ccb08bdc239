"""Server-sent events, and an answer in both its forms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    data: Any
    name: str | None = None

    @property
    def wire(self) -> bytes:
        name = f"event: {self.name}\n" if self.name else ""
        data = self.data if isinstance(self.data, str) else json.dumps(self.data)
        return f"{name}data: {data}\n\n".encode()


@dataclass(frozen=True)
class Answer:
    whole: dict[str, Any]
    """The body, where it is not streamed."""
    events: list[Event]


def pieces(text: str, size: int) -> Iterator[str]:
    for start in range(0, len(text), max(1, size)):
        yield text[start : start + max(1, size)]
