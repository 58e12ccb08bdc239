"""Where what is agentrt's own lies. No workspace may hold it: an agent would write it."""

from __future__ import annotations

import os
from pathlib import Path


def state_home() -> Path:
    """``$XDG_STATE_HOME/agentrt``, absolute: journals, layers, secrets. It need not exist."""
    return _home("XDG_STATE_HOME", ".local/state")


def config_home() -> Path:
    """``$XDG_CONFIG_HOME/agentrt``, absolute: the user's settings, policy and prices. It need not exist."""
    return _home("XDG_CONFIG_HOME", ".config")


def _home(variable: str, default: str) -> Path:
    # One that is relative may lead into a workspace; XDG asks to ignore it.
    configured = Path(os.environ.get(variable, ""))
    return (configured if configured.is_absolute() else Path.home() / default) / "agentrt"
