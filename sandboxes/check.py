"""What the doctors of sandboxes say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One line of ``agentrt doctor``."""

    name: str
    ok: bool
    detail: str
    cure: str = ""
    absent: bool = False
    """Not to be had here, and no fault unless it is insisted on, or all there is to say of the sandbox in use."""
