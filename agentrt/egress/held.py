"""Secrets that stay outside, and what processes inside have instead."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from agentrt.records import Secret


@dataclass(frozen=True)
class Held:
    """A secret an open runtime may send, and the text that is sent in its place until then."""

    secret: Secret
    placeholder: str


def hold(held: Iterable[Secret]) -> tuple[Held, ...]:
    """Each with a placeholder of its own, which nobody can know beforehand: ``agentrt-secret-NAME-<16 hex digits>``."""
    return tuple(Held(one, f"agentrt-secret-{one.name}-{secrets.token_hex(8)}") for one in held)
