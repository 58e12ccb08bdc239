"""``tui``: the terminal app."""

from __future__ import annotations

import codecs
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
    if where.json or (lacks := _lacking()):
        hint = "agentrt log --follow says the same line by line; agentrt serve: a browser"
        raise UsageError(f"the app needs {'a terminal' if where.json else lacks}", hint=hint)
    if session is not None and where.session not in (None, session):
        raise UsageError(f"two sessions are named: {session} and {where.session}", hint="name one")
    if task is not None:
        load_task(task, draft=True)  # its mistakes come before the screen is taken
    app = cast(App, plugins.find("agentrt.apps", "tui"))
    return app(where.workspace, session or where.session, task)


def at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def _lacking() -> str:
    """What of that which the app needs is not here."""
    if _is_served():
        return ""
    if not at_terminal():
        return "a terminal"
    if (term := os.environ.get("TERM")) in ("dumb", "unknown"):
        return f"a terminal that can be drawn on, and TERM is {term}"
    # Python takes the locales C and POSIX for UTF-8.
    if (encoding := codecs.lookup(sys.stderr.encoding).name) != "utf-8":
        return f"a locale with UTF-8, and this one has {encoding}"
    return ""


def _is_served() -> bool:
    """By ``agentrt serve``: its terminal is a browser's, behind pipes."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")
