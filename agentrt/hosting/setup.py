"""Which task is made of a text that a person types, and who plans it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agentrt.errors import AgentrtError, UsageError
from agentrt.housing import SandboxChoice
from agentrt.opening import PolicyChoice
from agentrt.settings import load_settings, planner_for
from agentrt.task import PLACEHOLDER, Task, load_task, provider, task_of


@dataclass(frozen=True)
class How:
    """With what a session is opened."""

    policy: PolicyChoice = "default"
    sandbox: SandboxChoice | None = None
    """By default the session's own."""
    folder: Path | None = None
    to_act: bool = True

    @classmethod
    def of(cls, task: Task) -> How:
        return cls(task.policy, task.sandbox, task.folder)


@dataclass(frozen=True)
class Setup:
    """Of one workspace. What lies in it has no say: a task file counts where a person names it."""

    workspace: Path

    def task(self, text: str, file: Path | None = None) -> Task:
        """``file``: a task file, of which everything counts but the objective and ``apply``.

        Raises ``UsageError`` where nobody can plan, or the file is about another workspace; ``DocumentError``.
        """
        if file is not None:
            task = load_task(file, draft=True)
            if task.workspace_path.resolve() != self.workspace:
                raise UsageError(
                    f"{file} is about {task.workspace_path.resolve()}, not about {self.workspace}",
                    hint="open the app there, or without --task",
                )
            return task.model_copy(update={"objective": text, "apply": "never"})
        planning = planner_for(load_settings())
        if planning.options is None:
            raise UsageError("there is nobody to plan", hint=planning.hint)
        given = {"objective": text, "planner": planning.options}
        return task_of({**given, "workspace": str(self.workspace)}, planning.folder)

    def who_goes_on(self, recorded: Task, file: Path | None = None) -> Task:
        """The task whose planners go on with a recorded one: today's, where they are for agents of the same names.

        Raises ``UsageError``, ``DocumentError`` of ``file``."""
        try:
            now = self.task(recorded.objective, file)
        except AgentrtError:
            if file is not None:  # a person named it
                raise
            return recorded
        return now if now.agents.keys() == recorded.agents.keys() else recorded

    def who(self, file: Path | None = None) -> tuple[str, str]:
        """Who plans, on one line, and what a person can do where nobody does."""
        try:
            task = self.task(PLACEHOLDER, file)
        except AgentrtError as error:
            return "", f"{error}: {error.hint}" if error.hint else str(error)
        planners = [agent.planner or {} for agent in task.agents.values()]
        names = [" ".join(filter(None, (provider(given), str(given.get("model", ""))))) for given in planners]
        return ", ".join(dict.fromkeys(names)), ""
