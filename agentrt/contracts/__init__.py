"""The five contracts a plug-in can meet. All of them are protocols: nothing to inherit, nothing to register.

Each has a conformance kit in ``agentrt.testing``. Paths are text as ``os.fsdecode`` gives it; a relative path is
relative to the workspace. Commands are argv lists.
"""

from __future__ import annotations

from .people import Ask, Inquire, Opinion, Question
from .planner import Delayed, OnProgress, OpenPlanner, Planner, Said, Summarizer, unheard
from .policy import Approval, Context, OpenPolicy, Policy
from .sandbox import Confinement, ExecResult, OpenSandbox, Preparing, Sandbox, Wall
from .tool import Foreseeing, Needs, Output, Tool, World

__all__ = [
    "Approval",
    "Ask",
    "Confinement",
    "Context",
    "Delayed",
    "ExecResult",
    "Foreseeing",
    "Inquire",
    "Needs",
    "OnProgress",
    "OpenPlanner",
    "OpenPolicy",
    "OpenSandbox",
    "Opinion",
    "Output",
    "Planner",
    "Policy",
    "Preparing",
    "Question",
    "Said",
    "Sandbox",
    "Summarizer",
    "Tool",
    "Wall",
    "World",
    "unheard",
]
