"""What the server has issued: ids, signatures, encrypted reasoning, stored answers. All from counters, none by chance."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from vendors.counting import Caches

CREATED = 1_767_225_600
"""Every answer's time: 2026-01-01, midnight UTC."""


@dataclass
class State:
    caches: Caches
    key: str | None = None
    """The only key that is let in; None: any."""
    echo_key: bool = False
    """Whether errors about a key quote all of it."""
    signatures: dict[str, str] = field(default_factory=dict)
    """Anthropic: a thinking block's signature, or what stands for a redacted one, and its text."""
    prefixes: dict[str, str] = field(default_factory=dict)
    """Anthropic: what stood before a thinking block when it was thought."""
    thought: dict[str, bool] = field(default_factory=dict)
    """Anthropic: a tool use's id, and whether its message had thinking."""
    reasoning: dict[str, str] = field(default_factory=dict)
    """OpenAI: encrypted content, and the id of its reasoning item."""
    reasoned: dict[str, str] = field(default_factory=dict)
    """OpenAI: the id and call_id of an item that came with a reasoning item, and that one's id."""
    stored: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """OpenAI: responses that were to be stored, each with the whole conversation up to its end."""
    _counts: Counter[str] = field(default_factory=Counter)

    def id(self, prefix: str) -> str:
        self._counts[prefix] += 1
        return f"{prefix}_{self._counts[prefix]:06d}"

    def opaque(self, text: str) -> str:
        """Stands for what only the vendor can read. No two are alike."""
        self._counts["opaque"] += 1
        return "gAAAA" + hashlib.sha256(f"{self._counts['opaque']} {text}".encode()).hexdigest()
