"""The contracts a plug-in can meet. All of them are protocols: nothing to inherit, nothing to register.

Each has a conformance kit in ``agentrt.testing``. Paths are text as ``os.fsdecode`` gives it; a relative path is
relative to the workspace. Commands are argv lists.
"""

from __future__ import annotations

from .people import Ask, Inquire, Opinion, Question
from .planner import Delayed, OnProgress, OpenPlanner, Planner, Said, Summarizer, unheard
from .policy import Approval, Context, OpenPolicy, Policy
from .pushes import PUSH, PUSHING, Destination, Ledger, OpenPushes, Pushes
from .requests import (
    HTTP,
    SAFE,
    Answer,
    Call,
    CutOff,
    Exchange,
    Http,
    Inverse,
    Line,
    OpenHttp,
    Outbox,
    Past,
    Takes,
    Waiting,
)
from .resource import Answered, Database, OpenDatabase, Parameters, Planned, Resource, Scalar, Step
from .sandbox import Confinement, ExecResult, OpenSandbox, Preparing, Sandbox, Wall
from .tool import Fitting, Foreseeing, Needs, Output, Queuing, Tool, World

__all__ = [
    "HTTP",
    "PUSH",
    "PUSHING",
    "SAFE",
    "Answer",
    "Answered",
    "Approval",
    "Ask",
    "Call",
    "Confinement",
    "Context",
    "CutOff",
    "Database",
    "Delayed",
    "Destination",
    "Exchange",
    "ExecResult",
    "Fitting",
    "Foreseeing",
    "Http",
    "Inquire",
    "Inverse",
    "Ledger",
    "Line",
    "Needs",
    "OnProgress",
    "OpenDatabase",
    "OpenHttp",
    "OpenPlanner",
    "OpenPolicy",
    "OpenPushes",
    "OpenSandbox",
    "Opinion",
    "Outbox",
    "Output",
    "Parameters",
    "Past",
    "Planned",
    "Planner",
    "Policy",
    "Preparing",
    "Pushes",
    "Question",
    "Queuing",
    "Resource",
    "Said",
    "Sandbox",
    "Scalar",
    "Step",
    "Summarizer",
    "Takes",
    "Tool",
    "Waiting",
    "Wall",
    "World",
    "unheard",
]
