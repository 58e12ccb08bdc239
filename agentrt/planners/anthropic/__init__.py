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

from agentrt.documents import Document
from agentrt.planners.keys import HOMES, NONE, find_key, from_environment, is_home
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
    server = (chosen.base_url or from_environment("ANTHROPIC_BASE_URL") or HOME).rstrip("/")
    at_home = is_home(server, HOMES[_KEY])
    # A server that a task names gets the key that the task names with it, and no other.
    name = chosen.key or (_KEY if at_home or chosen.base_url is None else None)
    place = "environment variable" if name is not None and os.environ.get(name, "").strip() else "secret"
    return AnthropicPlanner(
        chosen,
        server=server,
        key=NONE
        if name is None
        else find_key(name, url=server, needed=at_home or chosen.key is not None, by_task=chosen.base_url is not None),
        source=f"the {place} {name}",
        how=how,
        native=at_home if chosen.native_tools is None else chosen.native_tools,
        prices=Prices.load(),
    )
