"""A task's run, as it happens: for people (``progress``), or JSON Lines for programs."""

from __future__ import annotations

import asyncio
import os
import shlex
from pathlib import Path
from typing import Any

from agentrt.agent.events import Event, OperationSettled, OutputCame
from agentrt.errors import UsageError
from agentrt.hearing import hearing
from agentrt.hosting.attending import Attending
from agentrt.records import dump_json
from agentrt.resuming import recorded
from agentrt.session import Result, resume_task, run_task
from agentrt.showing.plain import plain
from agentrt.showing.words import operation_json
from agentrt.task import Task, load_task

from .asking import Person, person
from .interrupting import Interrupted, interrupt, run
from .options import HERE, Where
from .progress import Progress
from .render import say
from .screen import Lines


def run_file(file: Path, where: Where) -> int:
    """0 the task is done · 1 it failed · 3 a person is needed. Raises what ``load_task`` and ``run_task`` raise."""
    if where.session is not None or where.workspace != HERE.workspace:
        raise UsageError(
            "a task runs in a session of its own, on the workspace it names",
            hint="leave --session and --workspace out; `workspace:` in the task file says where",
        )
    return _run(load_task(file), where, resume=False)


def resume_file(file: Path | None, where: Where) -> int:
    """Go on with a run; the task is that in the file, or as it was recorded. As ``run_file``, and raises what
    ``resume_task`` raises."""
    if file is not None:
        return _run(load_task(file), where, resume=True, named=where.session)
    found = recorded(where.workspace, session=where.session)
    return _run(found.task, Where(where.workspace, found.session, where.json), resume=True, named=where.session)


def _run(task: Task, where: Where, *, resume: bool, named: str | None = None) -> int:
    """``named``: the session that was asked for, where it need not be the workspace's current one."""
    watch = _Json() if where.json else Progress(task.limits)
    at_terminal = None if where.json else person(watch.screen.aside)

    def to_go_on() -> str:
        return f"to go on: {_resume(task, named)}" if watch.session is not None else ""

    try:
        result = run(_watched(task, watch, at_terminal, where, resume=resume), to_go_on)
    except Interrupted as stop:
        stop.hint = to_go_on()
        raise
    finally:
        watch.screen.close()
    watch.end(result, _options(task, named))
    if result.success and task.apply == "ask":
        return _ask(result, task.workspace_path, at_terminal)
    return 0 if result.success else 1


async def _watched(
    task: Task, watch: Progress | _Json, at_terminal: Person | None, where: Where, *, resume: bool
) -> Result:
    ask, inquire = (at_terminal.ask, at_terminal.inquire) if at_terminal is not None else (None, None)
    attending = Attending(interrupt, ask, inquire)

    def on_event(event: Event) -> None:
        watch(event)
        attending.tell(event)

    given: Any = {"ask": ask, "inquire": attending.inquire, "heard": attending.heard, "around": attending.around}
    loop = asyncio.get_running_loop()

    def tell(line: str) -> None:
        with watch.screen.aside():
            say(plain(line))

    with hearing(lambda line: loop.call_soon_threadsafe(tell, line)):
        async with watch.screen.kept():
            if not resume:
                return await run_task(task, on_event=on_event, **given)
            workspace = where.workspace if where.workspace != HERE.workspace else None
            return await resume_task(task, workspace=workspace, session=where.session, on_event=on_event, **given)


class _Json:
    """Every event a line."""

    def __init__(self) -> None:
        self.screen = Lines()
        self.session: str | None = None

    def __call__(self, event: Event) -> None:
        document: dict[str, Any] = event.to_dict()
        if isinstance(event, OutputCame):
            document["data"] = event.data.decode("utf-8", "replace")
        elif isinstance(event, OperationSettled):
            document["operation"] = operation_json(event.operation)
        self.session = document.get("session", self.session)
        self.screen.line(dump_json(document))

    def end(self, result: Result, options: str) -> None:
        self.screen.line(dump_json({"event": "result", **result.to_dict()}))


def _resume(task: Task, session: str | None) -> str:
    """The command, from the current folder."""
    return f"agentrt run --resume {_options(task, session)}".rstrip()


def _options(task: Task, session: str | None) -> str:
    """With which a command, from the current folder, is about this run."""
    words, folder, here = [], os.path.realpath(task.workspace_path), os.path.realpath(".")
    if folder != here:
        within = os.path.commonpath([folder, here]) == here
        words += ["--workspace", os.path.relpath(folder, here) if within else folder]
    return shlex.join([*words, "--session", session] if session is not None else words)


def _ask(result: Result, workspace: Path, at_terminal: Person | None) -> int:
    """``apply: ask``: with a person, the answer; without one, it is left for one."""
    if at_terminal is None:
        say("`apply: ask` needs a person; `agentrt apply` writes what was done to the workspace")
        return 3
    if input("apply it to the workspace? [y/N] ").strip().lower() not in ("y", "yes"):
        return 0
    from .moves import apply

    return apply(where=Where(workspace=workspace, session=result.session))
