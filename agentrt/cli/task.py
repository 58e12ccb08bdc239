"""A task's run, as it happens: lines for people, JSON Lines for programs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from agentrt.agent.events import ActionRefused, ActionStarted, Event, OperationSettled, OutputCame, TurnTaken
from agentrt.errors import UsageError
from agentrt.records import Operation, dump_json
from agentrt.session import Result, run_task
from agentrt.task import load_task

from .asking import person
from .options import Where
from .plain import cut, plain, plain_lines, terminal_width
from .render import effects_text, operation_json, put, say

_TAIL = 12
"""Lines of output shown of an action that did not succeed."""


def run_file(file: Path, where: Where) -> int:
    """0 the task is done · 1 it failed · 3 a person is needed. Raises what ``load_task`` and ``run_task`` raise."""
    if where.session is not None or where.workspace != Path("."):
        raise UsageError(
            "a task runs in a session of its own, on the workspace it names",
            hint="leave --session and --workspace out; `workspace:` in the task file says where",
        )
    task = load_task(file)
    attended = not where.json and sys.stdin.isatty() and sys.stdout.isatty()
    watch = _put_json if where.json else _Watcher()
    result = asyncio.run(run_task(task, on_event=watch, ask=person() if attended else None))
    if where.json:
        print(dump_json({"event": "result", **result.to_dict()}), flush=True)
    else:
        _conclude(result)
    if result.success and task.apply == "ask":
        return _ask(result, task.workspace_path, attended)
    return 0 if result.success else 1


class _Watcher:
    """Tells a person what the agent says and does."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, TurnTaken):
            text = plain_lines(event.turn.text.strip())
            put(f"\n{text}" if text else "")
        elif isinstance(event, ActionStarted):
            put(cut(f"→ {plain(event.shown)}", terminal_width()))
        elif isinstance(event, ActionRefused):
            put(f"  not carried out: {plain(event.because)}")
        elif isinstance(event, OperationSettled):
            for line in _settled(event.operation):
                put(f"  {line}")
        sys.stdout.flush()


def _settled(operation: Operation) -> list[str]:
    seen, parts = operation.observation, [f"operation {operation.id}"]
    if operation.status != "settled":
        parts.append(operation.status.replace("_", " "))
    if seen is not None and seen.exit_code is not None:
        parts.append(f"exit code {seen.exit_code}")
    if effects := effects_text(operation.effects):
        parts.append(effects)
    lines = [", ".join(parts)]
    if seen is not None and seen.error:
        lines.append(plain(seen.error))
    if seen is not None and seen.exit_code:
        output = plain_lines(seen.output).rstrip("\n").splitlines()
        lines += [f"| {line}" for line in output[-_TAIL:]]
    return lines


def _put_json(event: Event) -> None:
    document: dict[str, Any] = event.to_dict()
    if isinstance(event, OutputCame):
        document["data"] = event.data.decode("utf-8", "replace")
    elif isinstance(event, OperationSettled):
        document["operation"] = operation_json(event.operation)
    print(dump_json(document), flush=True)


def _conclude(result: Result) -> None:
    put()
    put(f"{'done' if result.success else 'failed'}: {plain(result.reason)}")
    if result.apply is not None:
        put(f"applied to the workspace: {effects_text(result.apply.effects)}; agentrt undo takes it out again")
    else:
        put(f"session {result.session}: agentrt log · agentrt diff · agentrt undo · agentrt apply")


def _ask(result: Result, workspace: Path, attended: bool) -> int:
    """``apply: ask``: with a person, the answer; without one, it is left for one."""
    if not attended:
        say("`apply: ask` needs a person; `agentrt apply` writes what was done to the workspace")
        return 3
    if input("apply it to the workspace? [y/N] ").strip().lower() not in ("y", "yes"):
        return 0
    from .moves import apply

    return apply(where=Where(workspace=workspace, session=result.session))
