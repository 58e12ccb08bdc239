"""Which task is made of a text that a person types, and who plans it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentrt.documents import Document
from agentrt.errors import AgentrtError, UsageError
from agentrt.opening import PolicyChoice, SandboxChoice
from agentrt.task import PLACEHOLDER, Task, load_task, provider, task_of

TEMPLATE = "task.yaml"
_HINT = "`agentrt init` writes a task.yaml that names a planner; or name one in your settings"


@dataclass(frozen=True)
class How:
    """With what a session is opened."""

    policy: PolicyChoice = "default"
    sandbox: SandboxChoice = field(default_factory=lambda: os.environ.get("AGENTRT_SANDBOX", "local"))
    folder: Path | None = None
    to_act: bool = True

    @classmethod
    def of(cls, task: Task) -> How:
        return cls(task.policy, task.sandbox, task.folder)


@dataclass(frozen=True)
class Setup:
    """What the workspace's ``task.yaml`` says, taken for a template; else the user's own planner."""

    workspace: Path
    planner: Mapping[str, Any] | None = None
    """As ``planner`` in a task file."""
    folder: Path = Path("/")
    """To which relative files in it are relative."""

    def task(self, text: str) -> Task:
        """Raises ``UsageError`` where nobody can plan; ``DocumentError``."""
        if (template := self._template()) is not None:
            return template.model_copy(update={"objective": text, "workspace": ".", "apply": "never"})
        if self.planner is None:
            raise UsageError("there is nobody to plan: no planner is configured", hint=_HINT)
        how = How()
        given = {"objective": text, "planner": dict(self.planner), "sandbox": how.sandbox}
        return task_of({**given, "workspace": str(self.workspace)}, self.folder)

    def how(self) -> How:
        """With what a session is opened where no task says so. What cannot be read is told when it is needed."""
        try:
            template = self._template()
        except UsageError:
            template = None
        return How() if template is None else How.of(template)

    def who(self) -> tuple[str, str]:
        """Who plans, on one line, and what a person can do where nobody does."""
        try:
            task = self.task(PLACEHOLDER)
        except AgentrtError as error:
            return "", f"{error}: {error.hint}" if error.hint else str(error)
        planners = [agent.planner or {} for agent in task.agents.values()]
        names = [" ".join(filter(None, (provider(given), str(given.get("model", ""))))) for given in planners]
        return ", ".join(dict.fromkeys(names)), ""

    def _template(self) -> Task | None:
        file = self.workspace / TEMPLATE
        return load_task(file, draft=True) if file.is_file() else None


def planner_of(text: str) -> Mapping[str, Any]:
    """The ``planner`` of a task file, as JSON. Raises ``DocumentError``, ``UsageError``."""
    from .wire import decode

    given = decode(text.encode())
    task_of({"objective": PLACEHOLDER, "planner": given}, Path("/"))
    return Document.of(given, "planner").data
