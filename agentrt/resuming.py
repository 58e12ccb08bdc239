"""Which run a session holds: what it takes to go on with it is in its journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentrt.errors import UnknownOperation, UsageError
from agentrt.history.store import locate
from agentrt.reader import Reader, open_reader
from agentrt.records import Message
from agentrt.task import Task, task_of


@dataclass(frozen=True)
class Run:
    """A session, and the task it was made for."""

    session: str
    task: Task


def recorded(workspace: Path | str | None = None, *, session: str | None = None, task: Task | None = None) -> Run:
    """The run in a workspace's session (default: its current one), or in one it was forked from, and its task: the one
    that was recorded, or ``task``, whose limits or planner may be others. ``workspace``: that of ``task``, or ``.``.

    Raises ``UnknownOperation`` (no such session), ``UsageError`` (no task made it; ``task`` has another objective, or
    another workspace), ``DocumentError`` (the recorded one is none any more).
    """
    if task is not None and workspace is not None and _real(workspace) != _real(task.workspace_path):
        raise UsageError(
            f"the task is on {_real(task.workspace_path)}, not on {_real(workspace)}",
            hint="leave --workspace out: the task names it",
        )
    where = workspace or (task.workspace_path if task is not None else ".")
    try:
        reader = open_reader(where, session=session)
    except UnknownOperation:
        if session is not None and locate(where).journal.exists():
            raise
        raise UnknownOperation(
            f"there is no run to resume in {_real(where)}",
            hint="agentrt TASK.yaml starts one; --workspace names another folder",
        ) from None
    with reader:
        said = _task_message(reader)
        if said is None:
            return Run(reader.session, _never_begun(reader, task))
    about = str(said.body["text"])
    if task is not None and task.objective != about:
        raise UsageError(
            f"session {reader.session} has another objective than the task",
            hint="agentrt TASK.yaml without --resume starts a run of its own; agentrt sessions lists those there are",
        )
    return Run(reader.session, task or task_of(said.body["document"], Path(said.body["folder"])))


def _real(folder: Path | str) -> Path:
    return Path(folder).resolve()


def _task_message(reader: Reader) -> Message | None:
    """Also where the conversation was taken back to before its first word."""
    for head in _heads(reader):
        first = next(iter(reader.journal.conversation(head)), None)
        if first is not None and first.role == "task" and "document" in first.body:
            return first
    return None


def _heads(reader: Reader) -> Iterator[int]:
    yield reader.view.conversation
    for operation in reader.log():
        yield operation.before.conversation
        yield operation.after.conversation


def _never_begun(reader: Reader, task: Task | None) -> Task:
    """A run may have died before its first word: then only its title is there. Raises ``UsageError``."""
    if reader.conversation() or reader.log() or not reader.info.title:
        raise UsageError(
            f"session {reader.session} was not made by a task: there is nothing to resume",
            hint="agentrt sessions lists those there are; --session names one",
        )
    if task is None:
        raise UsageError(
            f"the run in session {reader.session} ended before it began, and its task is not recorded",
            hint="name the task file: agentrt run --resume TASK.yaml",
        )
    if task.objective != reader.info.title:
        raise UsageError(
            f"session {reader.session} has another objective than the task", hint="agentrt TASK.yaml starts a new run"
        )
    return task
