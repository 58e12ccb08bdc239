"""Who can plan here: names of keys, in the environment and among agentrt's secrets. No value is looked into."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

from agentrt.errors import AgentrtError
from agentrt.records import Record

MODELS = {"anthropic": "claude-sonnet-5-5", "openai": "gpt-6.2-sol"}
"""What is written for each provider; a person changes it."""
KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
_URLS = {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL"}


class Key(Record):
    """One way to a planner."""

    provider: str
    name: str
    """``ANTHROPIC_API_KEY`` …"""
    where: Literal["environment", "secrets"]

    @property
    def place(self) -> str:
        return "in the environment" if self.where == "environment" else "among agentrt's secrets"


def keys() -> tuple[list[Key], str]:
    """All that are there, the first one to be taken; why secrets could not be listed, if they could not."""
    kept: tuple[str, ...] = ()
    problem = ""
    try:
        from agentrt.secrets import names

        kept = names()
    except (AgentrtError, OSError) as error:
        problem = str(error)
    return [
        *_in_environment(),
        *(Key(provider=p, name=n, where="secrets") for p, n in KEYS.items() if n in kept),
    ], problem


def _in_environment() -> Iterator[Key]:
    for names in (KEYS, _URLS):
        for provider, name in names.items():
            if os.environ.get(name, "").strip():
                yield Key(provider=provider, name=name, where="environment")
