"""Anthropic's models, through the Messages API.

``messages.py`` writes a conversation down for it, ``answer.py`` reads what it streams back, ``native.py`` translates
its own tools, ``models.py`` knows how a model is told to think, ``troubles.py`` what its errors mean, ``planner.py``
asks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from agentrt.documents import Document
from agentrt.errors import UsageError
from agentrt.planners.keys import find_key
from agentrt.planners.options import ModelOptions, read_options
from agentrt.planners.prices import Prices

from .models import thinking
from .planner import AnthropicPlanner

HOME = "https://api.anthropic.com"
_KEY = "ANTHROPIC_API_KEY"


class AnthropicOptions(ModelOptions):
    """``planner`` of a task: ``{provider: anthropic, model: NAME}`` and what all models have in common."""

    provider: Literal["anthropic"]


def open_planner(options: Mapping[str, object], *, folder: Path) -> AnthropicPlanner:
    """Read the options and find the key; nothing is asked yet.

    Raises ``DocumentError`` (mistakes in ``options`` or in the user's prices), ``UsageError`` (no key).
    """
    chosen = read_options(AnthropicOptions, options)
    try:
        how = thinking(chosen.model, chosen.reasoning, chosen.max_output_tokens)
    except ValueError as error:
        raise Document.of(options, "planner").error(str(error), ("reasoning",)) from None
    server = (chosen.base_url or _from_environment() or HOME).rstrip("/")
    at_home = urlsplit(server).hostname == urlsplit(HOME).hostname
    name = chosen.key or _KEY
    place = "environment variable" if os.environ.get(name, "").strip() else "secret"
    return AnthropicPlanner(
        chosen,
        server=server,
        key=find_key(name, url=server, needed=at_home or chosen.key is not None),
        source=f"the {place} {name}",
        how=how,
        native=at_home if chosen.native_tools is None else chosen.native_tools,
        prices=Prices.load(),
    )


def _from_environment() -> str | None:
    """The vendor's own variable for another server. Raises ``UsageError``."""
    url = os.environ.get("ANTHROPIC_BASE_URL", "").strip()
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname and not (parts.username or parts.password):
        return url
    raise UsageError(
        "ANTHROPIC_BASE_URL holds no URL, or one with a key in it",
        hint="write it as in https://gateway.example.com, or name the server in the task: base_url",
    )
