"""The task file: what to do, where, by whom, within what (docs/tasks.md)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, PrivateAttr

from agentrt import plugins
from agentrt.agent.builtin import BUILTIN
from agentrt.agent.completeness import Rule
from agentrt.agent.conclusion import RunLimits
from agentrt.agent.conversation import AGENT, EVERYBODY
from agentrt.agent.crew import Schedule
from agentrt.arguments import GROUP
from agentrt.databases import Spec
from agentrt.documents import Document, Loc, Written, describe, load_yaml, nearest, validate
from agentrt.errors import DocumentError, UsageError
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


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"expected a mapping, as a policy file has it, not {describe(value)}")
    return value


def _agent_name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", value) or value in _TAKEN:
        taken = f"; {', '.join(_TAKEN)} are taken" if value in _TAKEN else ""
        raise ValueError(f"expected an agent's name, small letters, digits, _ and -{taken}, not {describe(value)}")
    return value


_TAKEN = ("user", "agentrt", EVERYBODY)
"""Who else is an actor, or is talked to."""
AgentName = Annotated[str, AfterValidator(_agent_name)]
Choice = Annotated[str | dict[str, Any], PlainValidator(_choice)]
PlannerOptions = Annotated[dict[str, Any], PlainValidator(_planner)]


class ReviewRule(Written):
    """A deadline for review, counted from the start of each action."""

    deadline: Seconds
    """As in ``90s``, ``2h`` or ``1h30m``."""
    then: Literal["accept", "reject"]


class AgentSpec(Written):
    """One agent of a crew."""

    role: str = ""
    """What it is for, in a few words; the others are told."""
    instructions: str = ""
    """What only this one is told."""
    planner: PlannerOptions | None = None
    """The task's, where it has none of its own."""
    actions: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    """The kinds of actions it may take; all by default."""
    policy: Annotated[dict[str, Any], PlainValidator(_mapping)] | None = None
    """What a policy file would hold, on top of the task's policy: it can only make it stricter."""
    priority: int = 0
    """For ``schedule: priority``: the highest goes first."""


class CrewSpec(Written):
    """Several agents who work on the same files, in turn."""

    schedule: Schedule = "round_robin"
    agents: Annotated[dict[AgentName, AgentSpec], Field(min_length=1)]


class Task(Written):
    """One task. Relative paths in it are relative to ``folder``."""

    objective: Annotated[str, Field(min_length=1)]
    """What the planner is told to do."""
    planner: PlannerOptions | None = None
    """``{provider: NAME, …}``, or ``{script: FILE}``. Needed, unless each agent of a crew has one."""
    crew: CrewSpec | None = None
    """By default one agent works alone; its name is ``agent``."""
    rules: Annotated[tuple[Rule, ...], Field(strict=False)] = ()
    """What must hold all the time: each a text, or ``{rule: TEXT, check: COMMAND}``."""
    workspace: Annotated[str, Field(min_length=1)] = "."
    policy: Choice = "default"
    """A pack's name, a file, or what such a file would hold."""
    sandbox: Choice | None = None
    """A sandbox's name, or ``{kind: NAME, …}``. By default the session's own, of a new one the local one, or that which
    ``AGENTRT_SANDBOX`` names."""
    databases: dict[str, Spec] = Field(default_factory=dict)
    """By the names the agent knows them by: ``sqlite:///app.db``, or ``{url: URL, hold: true}``."""
    verify: Annotated[str, Field(min_length=1)] | None = None
    """A shell command that runs in the sandbox when the agent is done; its exit code decides success."""
    limits: RunLimits = RunLimits()
    review: ReviewRule | None = None
    """What becomes of what nobody has reviewed in time."""
    apply: Literal["on_success", "never", "ask"] = "never"
    """Whether what was done is written to the real workspace at the end. ``ask`` needs a person."""

    _folder: Path = PrivateAttr(default_factory=Path)
    _document: Document | None = PrivateAttr(default=None)
    """What it was read from; None for a task made in Python."""

    @property
    def folder(self) -> Path:
        """The task file's folder; the current one for a task made in Python."""
        return self._folder

    @property
    def workspace_path(self) -> Path:
        # Not pathlib's, which takes `./~x` for `~x`, and fails where there is no such user.
        return self._folder / os.path.expanduser(self.workspace)

    @contextmanager
    def pointing(self, *loc: str) -> Iterator[None]:
        """What is found wrong within it is told as a mistake of the file, at ``loc``."""
        try:
            yield
        except DocumentError:
            raise
        except UsageError as error:
            if self._document is None:
                raise
            raise self._document.error(str(error), loc, hint=error.hint) from error

    @property
    def agents(self) -> dict[str, AgentSpec]:
        """By name, each with its planner; of a task without a crew the one."""
        given = self.crew.agents if self.crew is not None else {AGENT: AgentSpec()}
        return {
            name: agent if agent.planner is not None else agent.model_copy(update={"planner": self.planner})
            for name, agent in given.items()
        }


def provider(planner: dict[str, Any]) -> str:
    """Name of a planner's plug-in."""
    return str(planner.get("provider", "script"))


def load_task(path: Path | str, *, draft: bool = False) -> Task:
    """Read a task file. Raises ``DocumentError``: for an objective that nobody has written yet, too, but in a draft."""
    document = load_yaml(path)
    task = _checked(validate(Task, document), document)
    if not draft and task.objective.strip() == PLACEHOLDER:
        raise document.error(
            "the objective is still the one `agentrt init` wrote",
            ["objective"],
            hint="say in its place what the agent is to do, as in: make the failing tests pass",
        )
    task._folder, task._document = Path(path).parent, document
    return task


def task_of(data: dict[str, Any], folder: Path) -> Task:
    """One that was read before (``Task.to_dict``). Raises ``DocumentError``."""
    document = Document.of(data, "the task as it was recorded")
    task = _checked(validate(Task, document), document)
    task._folder = folder
    return task


def _checked(task: Task, document: Document) -> Task:
    """Raises ``DocumentError`` for what only shows when all of it is looked at."""
    for name, agent in task.agents.items():
        if agent.planner is None:
            loc: Loc = () if task.crew is None else ("crew", "agents", name)
            raise document.error(
                "`planner` is missing" if task.crew is None else f"`{name}` has no planner, and the task has none",
                loc,
                key=bool(loc),
                hint="write `planner: {provider: anthropic, model: …}` or `{script: FILE}`",
            )
        known = [*plugins.names(GROUP), *BUILTIN]
        for at, kind in enumerate(agent.actions or ()):
            if kind not in known:
                loc = ("crew", "agents", name, "actions", at)
                raise document.error(f'no action is called "{kind}"', loc, hint=nearest(kind, known))
    return task
