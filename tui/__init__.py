"""The terminal app: look at outcomes, keep them or take them back. A client of the core, nothing more."""

from __future__ import annotations

from pathlib import Path


def run(workspace: Path, session: str | None) -> int:
    """Until a person leaves it; the exit code. Raises ``WorkspaceError``, ``JournalError``, ``UnknownOperation``,
    ``DocumentError`` (of the user's settings)."""
    from agentrt.settings import load_settings

    from .app import AgentrtApp
    from .keys import chosen

    settings = load_settings()
    return AgentrtApp(workspace, session, settings, chosen(settings)).run() or 0
