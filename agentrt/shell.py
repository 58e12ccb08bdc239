"""A shell in the sandbox with the files as they were after an operation: to look and to try, and nothing of it is kept.

It stands in a second sandbox, apart from the session: that may go on, move, or be closed meanwhile. What is applied
meanwhile it may see or not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from uuid import uuid4

from agentrt.contracts import ExecResult, Sandbox
from agentrt.forking import check_ground
from agentrt.records import Limits
from agentrt.unread import Unread

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

_A_CENTURY = 100 * 365.25 * 24 * 3600
_TERMINAL = ("TERM", "COLORTERM", "NO_COLOR")


class Shell:
    """What ``open_shell`` gives; to be closed."""

    def __init__(self, sandbox: Sandbox, limits: Limits, name: str) -> None:
        self._sandbox, self._name = sandbox, name
        self._limits = limits.model_copy(update={"seconds": _A_CENTURY, "cpu_seconds": None})

    async def interact(self, terminal: int, environment: Mapping[str, str]) -> ExecResult:
        """At the other end of a pty, until it ends; ``environment`` is ``of_terminal``'s of who sits at it.

        Nobody's start files are read: an agent may have written them. Raises ``SandboxError``,
        ``SandboxUnavailable``, ``DiskFull``.
        """
        env = {**of_terminal(environment), "PS1": rf"({self._name}) \w \$ "}
        argv = ["bash", "--noprofile", "--norc", "-i"]
        return await self._sandbox.exec(argv, env=env, limits=self._limits, terminal=terminal)

    async def run(
        self, commands: bytes, on_output: Callable[[bytes], None], on_error: Callable[[bytes], None]
    ) -> ExecResult:
        """Commands, without a terminal, as ``sh`` reads them from its standard input. Raises as ``interact``."""
        return await self._sandbox.exec(
            ["bash"], stdin=commands, limits=self._limits, on_output=on_output, on_error=on_error
        )

    async def close(self) -> None:
        await self._sandbox.close()


async def open_shell(runtime: Runtime, op: int | None) -> Shell:
    """As of operation ``op`` (0: the start); None: as the session stands. It waits for no action that is running, and
    the runtime may be closed before it.

    It has the walls and limits of the session's policy, but for those of time; no network. Raises
    ``UnknownOperation``, ``UsageError`` (collected; a policy that cannot be read), ``Conflict`` (the real workspace
    below it is another one now), ``SandboxUnavailable``.
    """
    if isinstance(policy := runtime.policy, Unread):
        raise policy.error
    view = runtime.view if op is None else runtime.view_after(op)
    check_ground(runtime, op, view)
    sandbox = await runtime.sandbox.fork(view.snapshot)
    try:
        await sandbox.begin(f"shell-{uuid4().hex}")
    except BaseException:
        await sandbox.close()
        raise
    return Shell(sandbox, policy.limits, "agentrt" if op is None else f"agentrt {op}")


def of_terminal(environment: Mapping[str, str]) -> dict[str, str]:
    """What programs are to know of the terminal they run at."""
    return {name: environment[name] for name in _TERMINAL if name in environment}


def into(file: int) -> Callable[[bytes], None]:
    """Takes what is printed and writes it as it is. Who reads no more ends what prints it, by an ``OSError``."""

    def put(data: bytes) -> None:
        while data:
            data = data[os.write(file, data) :]

    return put
