"""The terminal app: look at outcomes, keep them or take them back. A client of the core, nothing more."""

from __future__ import annotations

from pathlib import Path


def run(workspace: Path, session: str | None, task: Path | None) -> int:
    """Until a person leaves it, also for other workspaces' sessions; the exit code. ``task`` is a task file that says
    who plans what is typed, in the first workspace.

    Raises ``WorkspaceError``, ``JournalError``, ``UnknownOperation``, ``DocumentError`` (of the user's settings), and
    what the app died of.
    """
    from agentrt.settings import load_settings

    from .app import AgentrtApp
    from .keys import chosen
    from .typed import guard

    settings = load_settings()
    guard()
    while True:
        app = AgentrtApp(workspace, session, settings, chosen(settings), task)
        app.run()
        if app._exception is not None:
            raise app._exception
        if app.going is None:
            return app.return_code or 0
        workspace, session, task = app.going.workspace, app.going.session, None
