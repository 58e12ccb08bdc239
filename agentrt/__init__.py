"""agentrt runs an AI agent's actions as transactions: each is confined, its effect is measured, any can be undone.

    from agentrt import Runtime

    async with Runtime.open("path/to/repo") as rt:
        op = await rt.act("bash", command="pytest -q")
        await rt.undo()

``agentrt.sync`` has the same, blocking. Names are imported when they are used: ``import agentrt`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import (
        AgentrtError,
        Conflict,
        Denied,
        DiskFull,
        DocumentError,
        JournalError,
        PlannerError,
        PluginError,
        SandboxError,
        SandboxUnavailable,
        SessionBusy,
        UnknownOperation,
        UsageError,
        WorkspaceError,
    )
    from .preview import Preview
    from .records import FileEffect, Observation, Operation, PathConflict, ProposedAction, View
    from .runtime import Runtime

__version__ = "0.1.0"

_ERRORS = (
    "AgentrtError",
    "Conflict",
    "Denied",
    "DiskFull",
    "DocumentError",
    "JournalError",
    "PlannerError",
    "PluginError",
    "SandboxError",
    "SandboxUnavailable",
    "SessionBusy",
    "UnknownOperation",
    "UsageError",
    "WorkspaceError",
)
_RECORDS = ("FileEffect", "Observation", "Operation", "PathConflict", "ProposedAction", "View")
_HOME = {
    "Preview": "preview",
    "Runtime": "runtime",
    **dict.fromkeys(_ERRORS, "errors"),
    **dict.fromkeys(_RECORDS, "records"),
}

__all__ = [
    "AgentrtError",
    "Conflict",
    "Denied",
    "DiskFull",
    "DocumentError",
    "FileEffect",
    "JournalError",
    "Observation",
    "Operation",
    "PathConflict",
    "PlannerError",
    "PluginError",
    "Preview",
    "ProposedAction",
    "Runtime",
    "SandboxError",
    "SandboxUnavailable",
    "SessionBusy",
    "UnknownOperation",
    "UsageError",
    "View",
    "WorkspaceError",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
