"""The terminal app: look at outcomes, keep them or take them back. A client of the core, nothing more."""

from __future__ import annotations

from pathlib import Path


def run(workspace: Path, session: str | None) -> int:
    """Until a person leaves it; the exit code. Raises ``WorkspaceError``, ``JournalError``, ``UnknownOperation``,
    ``DocumentError`` (of the user's settings)."""
    from .app import AgentrtApp

    app = AgentrtApp(workspace, session)
    return app.run() or 0
