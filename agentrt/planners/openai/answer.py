"""What a model answered, in whichever API, and how it is read as it comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from agentrt.planners.calls import read_arguments
from agentrt.records import ProposedAction, Usage

Ending = Literal["complete", "truncated", "refused"]


@dataclass(frozen=True, slots=True)
class Answer:
    """All of it."""

    text: str
    actions: tuple[ProposedAction, ...]
    ending: Ending
    native: dict[str, Any] | None
    """To be sent back as it is; None where nothing is left of it."""
    usage: Usage
    model: str
    """As the server names it, if it does."""


class Reader(Protocol):
    """Of one answer."""

    def feed(self, event: Mapping[str, Any]) -> str:
        """What the event says, for people who watch. Raises ``Complaint``."""
        ...

    @property
    def over(self) -> bool:
        """Nothing further is to be waited for."""
        ...

    @property
    def complete(self) -> bool:
        """All of the answer has come, whatever comes after it."""
        ...

    def whole(self, taken: set[str]) -> Answer | None:
        """The answer, its calls named otherwise than those that are ``taken``; None where its end did not come."""
        ...


Clean = Callable[[str], str]
"""Takes out what nobody is to see, before a part of it is quoted."""


def arguments(given: object, clean: Clean) -> tuple[str, dict[str, Any], str]:
    """Of a call, as text or, with some servers, as an object: as JSON that any API takes back, as a mapping, and what
    is wrong with them. Raises ``RecursionError``."""
    text = clean(given if isinstance(given, str) else "" if given is None else json.dumps(given))
    read, malformed = read_arguments(text.strip())
    return (text if read and not malformed else "{}"), read, malformed


def usage(told: object, total: tuple[str, str]) -> Usage:
    """``total``: what a server calls input and output."""
    counts = told if isinstance(told, dict) else {}
    asked, spoken = (whole_number(counts.get(name)) for name in total)
    asked_for, spoken_of = (_details(counts, name) for name in total)
    # DeepSeek says it in its own way.
    cached = asked_for.get("cached_tokens") or counts.get("prompt_cache_hit_tokens")
    written = min(whole_number(asked_for.get("cache_write_tokens")), asked)
    return Usage(
        input_tokens=asked,
        cached_tokens=min(whole_number(cached), asked - written),
        cache_written_tokens=written,
        output_tokens=spoken,
        reasoning_tokens=min(whole_number(spoken_of.get("reasoning_tokens")), spoken),
    )


def _details(counts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    details = counts.get(f"{name}_details")
    return details if isinstance(details, dict) else {}


def whole_number(value: object) -> int:
    """A count as a server gives it; 0 where it gives none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
