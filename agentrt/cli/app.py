"""``tui``: the terminal app."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

from cyclopts import Parameter

from agentrt import plugins
from agentrt.errors import UsageError
from agentrt.task import load_task

from .options import HERE, Where

App = Callable[[Path, str | None, Path | None], int]
"""Of the entry point group ``agentrt.apps``: a workspace, a session (None: the current one), a task file that says who
plans what is typed (None: the user's settings), and its exit code."""


def tui(
    session: Annotated[str | None, Parameter(help="A session; by default the workspace's current one.")] = None,
    /,
    *,
    task: Annotated[
        Path | None, Parameter(help="A task file: who plans what is typed, under which policy, rules and limits.")
    ] = None,
    where: Where = HERE,
) -> int:
    """Look at outcomes, keep them or take them back."""
    if where.json or not (at_terminal() or _is_served()):
        raise UsageError(
            "the app needs a terminal", hint="agentrt log --follow says the same line by line; agentrt serve: a browser"
        )
    if session is not None and where.session not in (None, session):
        raise UsageError(f"two sessions are named: {session} and {where.session}", hint="name one")
    if task is not None:
        load_task(task, draft=True)  # its mistakes come before the screen is taken
    app = cast(App, plugins.find("agentrt.apps", "tui"))
    return app(where.workspace, session or where.session, task)


def at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _is_served() -> bool:
    """By ``agentrt serve``: its terminal is a browser's, behind pipes."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")
