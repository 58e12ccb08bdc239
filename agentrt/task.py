"""The task file: what to do, where, by whom, within what (docs/tasks.md)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, PrivateAttr

from agentrt.agent.budget import RunLimits
from agentrt.documents import Written, describe, load_yaml, validate
from agentrt.units import Seconds

PLACEHOLDER = "say here what is to be done"
"""The objective that ``agentrt init`` writes; a person puts another in its place."""


def _choice(value: object) -> str | dict[str, Any]:
    # As it came: a mapping from a document must keep its places, so that its own reader can point at mistakes.
    if (isinstance(value, str) and value) or isinstance(value, dict):
        return value
    raise ValueError(f"expected a name, a file or a mapping, not {describe(value)}")


def _planner(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"expected a mapping, such as `{{script: script.yaml}}`, not {describe(value)}")
    if not isinstance(value.get("provider", "script" if "script" in value else None), str):
        raise ValueError("a planner needs `provider: NAME`, or `script: FILE`")
    return value


Choice = Annotated[str | dict[str, Any], PlainValidator(_choice)]
PlannerOptions = Annotated[dict[str, Any], PlainValidator(_planner)]


class ReviewRule(Written):
    """A deadline for review, counted from the start of each action."""

    deadline: Seconds
    """As in ``90s``, ``2h`` or ``1h30m``."""
    then: Literal["accept", "reject"]


class Task(Written):
    """One task. Relative paths in it are relative to ``folder``."""

    objective: Annotated[str, Field(min_length=1)]
    """What the planner is told to do."""
    planner: PlannerOptions
    """``{provider: NAME, …}``, or ``{script: FILE}``."""
    workspace: Annotated[str, Field(min_length=1)] = "."
    policy: Choice = "default"
    """A pack's name, a file, or what such a file would hold."""
    sandbox: Choice = "local"
    """A sandbox's name, or ``{kind: NAME, …}``."""
    verify: Annotated[str, Field(min_length=1)] | None = None
    """A shell command that runs in the sandbox when the agent is done; its exit code decides success."""
    limits: RunLimits = RunLimits()
    review: ReviewRule | None = None
    """What becomes of what nobody has reviewed in time."""
    apply: Literal["on_success", "never", "ask"] = "never"
    """Whether what was done is written to the real workspace at the end. ``ask`` needs a person."""

    _folder: Path = PrivateAttr(default_factory=Path)

    @property
    def folder(self) -> Path:
        """The task file's folder; the current one for a task made in Python."""
        return self._folder

    @property
    def workspace_path(self) -> Path:
        # Not pathlib's, which takes `./~x` for `~x`, and fails where there is no such user.
        return self._folder / os.path.expanduser(self.workspace)

    @property
    def provider(self) -> str:
        """Name of the planner's plug-in."""
        return str(self.planner.get("provider", "script"))


def load_task(path: Path | str, *, draft: bool = False) -> Task:
    """Read a task file. Raises ``DocumentError``: for an objective that nobody has written yet, too, but in a draft."""
    document = load_yaml(path)
    task = validate(Task, document)
    if not draft and task.objective.strip() == PLACEHOLDER:
        raise document.error(
            "the objective is still the one `agentrt init` wrote",
            ["objective"],
            hint="say in its place what the agent is to do, as in: make the failing tests pass",
        )
    task._folder = Path(path).parent
    return task
