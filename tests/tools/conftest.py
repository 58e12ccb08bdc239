"""Tools are tried through a ``PlainWorld``: real files, real commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from agentrt.contracts import Tool
from agentrt.plugins import find
from agentrt.records import Observation
from agentrt.testing.plain_world import PlainWorld

Act = Callable[..., Observation]


@pytest.fixture
def act(tmp_path: Path) -> Act:
    """``act("read", path="a.txt")``: the tool as the runtime finds it, in a workspace that is ``tmp_path``."""
    world = PlainWorld(tmp_path)

    def run(kind: str, **fields: Any) -> Observation:
        tool: Tool = find("agentrt.tools", kind)()
        return anyio.run(tool.run, tool.action.from_dict({"kind": kind, **fields}), world)

    return run
