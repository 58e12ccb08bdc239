"""The terminal app: look at outcomes, keep them or take them back. A client of the core, nothing more."""

from __future__ import annotations

from pathlib import Path


def run(workspace: Path, session: str | None, task: Path | None) -> int:
    """Until a person leaves it; the exit code. ``task`` is a task file that says who plans what is typed.

    Raises ``WorkspaceError``, ``JournalError``, ``UnknownOperation``, ``DocumentError`` (of the user's settings).
    """
    from agentrt.settings import load_settings

    from .app import AgentrtApp
    from .keys import chosen
    from .typed import guard

    settings = load_settings()
    app = AgentrtApp(workspace, session, settings, chosen(settings), task)
    guard()
    app.run()
    return app.return_code or 0
