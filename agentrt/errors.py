"""Every error agentrt raises on purpose.

    AgentrtError                     code, hint, exit_code
    ├── UsageError                   (ValueError)       2  the request cannot be right
    │   ├── DocumentError                               2  a file people write: file:line:column
    │   ├── WorkspaceError                              2  a workspace we refuse to work on
    │   ├── PluginError              (LookupError)      2  no such plug-in, or it does not load
    │   └── UnknownOperation         (LookupError)      2  no such operation, session or view
    ├── Denied                       (PermissionError)  3  the policy said no, or a person is needed
    ├── Conflict                                        4  nothing was touched
    │   └── SessionBusy                                 4  another process has this session
    ├── SandboxUnavailable           (OSError)          5  confinement cannot be had here
    ├── SandboxError                 (OSError)          1  confinement was there and failed
    │   └── DiskFull                                    1  no room to seal a layer
    ├── ResourceError                (OSError)          1  a database or an API cannot be reached, or failed
    ├── JournalError                                    1  the journal cannot be read or written
    ├── PlannerError                                    1  the planner cannot go on
    │   └── ContextOverflow                             1  the conversation is too long for its model
    └── HostGone                     (ConnectionError)  1  the process that works on a workspace is not there any more
        └── HostBug                                     1  … it is, and has a mistake of its own

Each leaf has a stable ``code`` (scripts may match on it), a ``hint`` (what to do next, may be empty) and the
exit code of the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class AgentrtError(Exception):
    """Base of everything agentrt raises on purpose."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(AgentrtError, ValueError):
    """The request cannot be right, whatever the state of the world."""

    code = "usage"
    exit_code = 2


class DocumentError(UsageError):
    """A file written by a person is malformed; ``where`` is ``file:line:column`` (both from 1)."""

    code = "document"

    def __init__(self, message: str, *, file: str, line: int = 1, column: int = 1, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.file, self.line, self.column = file, line, column

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class WorkspaceError(UsageError):
    """A folder agentrt refuses to work on (missing, unreadable, a home, ``/``, the state folder …)."""

    code = "workspace"


class PluginError(UsageError, LookupError):
    """No plug-in has that name, or it does not load."""

    code = "plugin"


class UnknownOperation(UsageError, LookupError):
    """No such operation, session or view."""

    code = "unknown"


class Denied(AgentrtError, PermissionError):
    """The policy denied it, or a person is needed and none is there."""

    code = "denied"
    exit_code = 3


class Conflict(AgentrtError):
    """It cannot be done without overwriting something; nothing was touched.

    ``conflicts`` holds one ``agentrt.records.PathConflict`` a path.
    """

    code = "conflict"
    exit_code = 4

    def __init__(self, message: str, *, conflicts: Sequence[Any] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.conflicts = tuple(conflicts)


class SessionBusy(Conflict):
    """Another process has this workspace's journal; nothing was touched."""

    code = "busy"


class SandboxUnavailable(AgentrtError, OSError):
    """No confinement can be had on this machine; ``cause`` is one of the known ones (docs/sandbox.md)."""

    code = "no-sandbox"
    exit_code = 5

    def __init__(self, message: str, *, cause: str = "unknown", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.cause = cause


class SandboxError(AgentrtError, OSError):
    """The sandbox was there and failed; what had been done in this action is not kept."""

    code = "sandbox"


class DiskFull(SandboxError):
    """The layer of an action could not be written whole; the action is rolled back."""

    code = "disk-full"


class ResourceError(AgentrtError, OSError):
    """Something outside the sandbox, a database or an API, cannot be reached or failed; nothing of it was changed."""

    code = "resource"


class Unanswered(AgentrtError, OSError):
    """A request went out, or part of it, and no answer came: it may have been carried out."""

    code = "unanswered"


class HeldBack(AgentrtError):
    """A rule holds a request back until a person releases it; nothing of it was sent."""

    code = "held-back"

    def __init__(self, message: str, *, rule: str = "", due: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.rule = rule
        self.due = due
        """When it is sent all the same, in seconds since the epoch; None: never."""


class JournalError(AgentrtError):
    """The journal is damaged, or was written by a newer agentrt."""

    code = "journal"


class PlannerError(AgentrtError):
    """The planner cannot propose anything further."""

    code = "planner"


class ContextOverflow(PlannerError):
    """The conversation is too long for the model that is to continue it."""

    code = "context"


class HostGone(AgentrtError, ConnectionError):
    """The process that works on a workspace for others is not there, or went away; the journal says what it did."""

    code = "host"


class HostBug(HostGone):
    """A mistake of agentrt's own. What was asked for may have been done; the host lives on, and its log says more."""

    code = "bug"
