"""The five contracts a plug-in can meet. All of them are protocols: nothing to inherit, nothing to register.

Each has a conformance kit in ``agentrt.testing``. Paths are text as ``os.fsdecode`` gives it; a relative path is
relative to the workspace. Commands are argv lists.
"""

from __future__ import annotations

from .people import Ask, Opinion, Question
from .planner import OpenPlanner, Planner
from .policy import Approval, Context, OpenPolicy, Policy
from .sandbox import Confinement, ExecResult, OpenSandbox, Sandbox, Wall
from .tool import Output, Tool, World

__all__ = [
    "Approval",
    "Ask",
    "Confinement",
    "Context",
    "ExecResult",
    "OpenPlanner",
    "OpenPolicy",
    "OpenSandbox",
    "Opinion",
    "Output",
    "Planner",
    "Policy",
    "Question",
    "Sandbox",
    "Tool",
    "Wall",
    "World",
]
