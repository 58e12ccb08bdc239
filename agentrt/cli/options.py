"""What every command takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

_EVERYWHERE = Group("Everywhere", sort_key=9)


@Parameter(name="*", group=_EVERYWHERE)
@dataclass(frozen=True)
class Where:
    """The options of every command."""

    workspace: Annotated[Path, Parameter(help="The folder to work on.", show_default=lambda _: "here")] = Path(".")
    session: Annotated[str | None, Parameter(help="A session other than the current one.")] = None
    json: Annotated[bool, Parameter(help="One JSON document on standard output.", negative="")] = False


HERE = Where()


def sandbox_name() -> str:
    """The sandbox commands work in: ``AGENTRT_SANDBOX`` names a plug-in other than the local one."""
    return os.environ.get("AGENTRT_SANDBOX", "local")
