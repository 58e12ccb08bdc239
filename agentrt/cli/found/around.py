"""What else there is to know about a folder before an agent works in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import cast

from agentrt import plugins
from agentrt.errors import AgentrtError
from agentrt.records import Record, Text

from .files import Folder

_PROBES = "agentrt.probes"
"""Entry points: ``probe()`` gives the ``AgentrtError`` that a sandbox would fail with here, or None. It is quick."""
_INSTRUCTIONS = ("AGENTS.md", "CLAUDE.md", "CONTRIBUTING.md")
POLICY = ".agentrt/policy.yaml"


class Around(Record):
    """Facts about a folder."""

    git: bool
    files: int
    """All but folders and what lies in ``.git``; ``more``: there are more than were counted."""
    more: bool
    policy: bool
    """Whether the folder has a policy of its own."""
    instructions: tuple[str, ...]


class Unconfined(Record):
    """Why nothing could be run in a sandbox here, and the cure."""

    sandbox: str
    detail: Text
    cure: Text


def around(folder: Folder) -> Around:
    return Around(
        git=any(os.path.lexists(place / ".git") for place in (folder.path, *folder.path.parents)),
        files=len(folder.files),
        more=folder.more,
        policy=os.path.lexists(folder.path / POLICY),
        instructions=tuple(name for name in _INSTRUCTIONS if folder.has(name)),
    )


def unconfined(sandbox: str) -> Unconfined | None:
    """What stands in the way of ``sandbox``; None where nothing is known to."""
    if sandbox not in plugins.names(_PROBES):
        return None
    probe = cast(Callable[[], AgentrtError | None], plugins.find(_PROBES, sandbox))
    lack = probe()
    return Unconfined(sandbox=sandbox, detail=str(lack), cure=lack.hint) if lack is not None else None
