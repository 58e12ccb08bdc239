"""OpenAI's models through the Responses API, and compatible servers through Chat Completions.

``server.py`` is where requests go and what a task says of it, ``planner.py`` one turn from beginning to end,
``client.py`` the SDK's client, ``request.py`` what is asked, ``troubles.py`` what goes wrong, in words. The Responses
API is in ``items.py`` and ``response.py`` (what is sent, what comes), with ``native.py``, its own tools; Chat
Completions in ``messages.py`` and ``completion.py``. ``models.py`` is what is known of OpenAI's models by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agentrt.contracts import Planner
from agentrt.planners.keys import NONE, find_key
from agentrt.planners.prices import Prices

from .planner import OpenAIPlanner
from .server import read


def open_planner(options: Mapping[str, object], *, folder: Path) -> Planner:
    """Nothing is imported or asked for before the first turn.

    Raises ``DocumentError`` for mistakes in ``options``, ``UsageError`` where there is no key.
    """
    chosen, server = read(options)
    needed = server.own or chosen.key is not None
    key = (
        find_key(server.key, url=server.url, needed=needed, by_task=chosen.base_url is not None) if server.key else NONE
    )
    return OpenAIPlanner(chosen, server, key, Prices.load())
