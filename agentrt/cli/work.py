"""``run``, ``exec``, ``new`` and ``fork``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agentrt.errors import UsageError
from agentrt.notices import stays_sent
from agentrt.records import Operation
from agentrt.showing.plain import plain
from agentrt.showing.words import action_text, effects_text, forked_text, operation_json

from .options import HERE, WHOLE, Where
from .render import mute, put, put_json, say


def run(
    task: Annotated[Path | None, Parameter(help="The task file (docs/tasks.md).")] = None,
    /,
    *,
    resume: Annotated[bool, Parameter(help="Go on with the session's run; TASK is as recorded.", negative="")] = False,
    where: Where = HERE,
) -> int:
    """Let an agent work on a task, headless; or let it go on after an interruption, a crash, a limit."""
    from .task import resume_file, run_file

    if resume:
        return resume_file(task, where)
    if task is None:
        raise UsageError(
            "run: TASK is missing", hint="as in: agentrt run task.yaml; agentrt run --resume goes on with the last one"
        )
    return run_file(task, where)


def execute(
    *command: Annotated[str, Parameter(name="COMMAND", help="The command and its arguments, after --.")],
    cwd: Annotated[str | None, Parameter(help="The folder to run it in; the workspace by default.")] = None,
    policy: Annotated[str, Parameter(help="A pack's name, or a file.")] = "default",
    where: Where = HERE,
) -> int:
    """Run one command in the sandbox, as a transaction. A single word is a whole bash command line."""
    from agentrt.runtime import Runtime

    from .asking import person
    from .session import with_runtime

    if not command:
        raise UsageError("exec: COMMAND is missing", hint="as in: agentrt exec -- make test")
    arguments = {"command": command[0] if len(command) == 1 else shlex.join(command)}
    if cwd is not None:
        arguments["cwd"] = cwd
    stream = None if where.json else _Stream()
    at_terminal = None if where.json else person()

    async def work(runtime: Runtime) -> Operation:
        return await runtime.act("bash", actor="user", on_output=stream, **arguments)

    ask = at_terminal.ask if at_terminal is not None else None
    operation = with_runtime(where, work, create=True, policy=policy, ask=ask)
    if where.json:
        put_json(operation_json(operation))
    _tell(operation)
    return _exit_code(operation)


def new(
    title: Annotated[str, Parameter(help="What it is about, for `agentrt sessions`.")] = "", /, *, where: Where = HERE
) -> int:
    """Start a session on the workspace as it is; it becomes the current one."""
    from agentrt.history.journal import Journal
    from agentrt.history.store import Lock, create, locate

    store = locate(where.workspace)
    create(store)
    with Lock(store).acquire(), Journal.open(store.journal) as journal:
        info = journal.create_session(title=title)
    if where.json:
        put_json(info)
    else:
        put(f"session {info.id} on {plain(str(store.workspace))}")
    return 0


def fork(
    op: Annotated[int, WHOLE, Parameter(help="The operation's number; 0 is the start.")], /, *, where: Where = HERE
) -> int:
    """Start a second session from where this one stood after an operation; it becomes the current one."""
    from agentrt.history.journal import SessionInfo
    from agentrt.runtime import Runtime

    from .session import with_runtime

    async def work(runtime: Runtime) -> SessionInfo:
        async with await runtime.fork(op) as branch:
            return branch.info

    info = with_runtime(where, work)
    if where.json:
        put_json(info)
    else:
        put(f"session {info.id}: forked from {forked_text(info)}; it is the current one now")
        put(f"agentrt --session {info.parent} … goes on with {info.parent}")
    return 0


class _Stream:
    """A command's output, byte for byte, as it comes. When nobody reads on, the command still runs to its end."""

    def __init__(self) -> None:
        self._open = True

    def __call__(self, chunk: bytes) -> None:
        if not self._open:
            return
        try:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
        except OSError as error:
            self._open = False
            mute()
            if not isinstance(error, BrokenPipeError):
                say(f"standard output takes no more, the command goes on: {error.strerror}")


def _tell(operation: Operation) -> None:
    """One line on standard error, where there is something to know besides the output."""
    seen = operation.observation
    error = plain(seen.error) if seen is not None and seen.error else ""
    name = f"operation {operation.id}"
    if operation.status == "settled":
        if error:
            say(f"{name}: {error}")
        if effects := effects_text(operation.effects):
            takes_back = " — `agentrt undo` takes it back" if operation.files else ""
            say(f"{name}: {effects}{takes_back}")
        if sent := stays_sent([operation]):
            say(f"{name}: {plain(sent)}")
    else:
        say(f"{name} {operation.status.replace('_', ' ')}: {error or action_text(operation)}")
        if operation.note:
            print(f"hint: {plain(operation.note)}", file=sys.stderr)


def _exit_code(operation: Operation) -> int:
    if operation.status in ("denied", "rolled_back"):
        return 3
    seen = operation.observation
    if operation.status != "settled" or seen is None or seen.exit_code is None:
        return 125
    return seen.exit_code
