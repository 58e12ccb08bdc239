"""A shell in the sandbox with the files as they were after an operation: to look and to try, and nothing of it is kept.

It stands in a second sandbox, apart from the session: that may go on, move, or be closed meanwhile. What is applied
meanwhile it may see or not.
"""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from agentrt.contracts import ExecResult, Sandbox
from agentrt.forking import check_ground
from agentrt.hearing import hearing
from agentrt.records import Limits
from agentrt.showing.plain import plain
from agentrt.unread import Unread

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

_A_CENTURY = 100 * 365.25 * 24 * 3600
_CTRL_C, _KEYS = b"\x03", 1 << 16
_CALLED_OFF = 130
_TERMINAL = ("TERM", "COLORTERM", "NO_COLOR")


class Shell:
    """What ``open_shell`` gives; to be closed."""

    def __init__(self, sandbox: Sandbox, limits: Limits, name: str) -> None:
        self._sandbox, self._name = sandbox, name
        self._limits = limits.model_copy(update={"seconds": _A_CENTURY, "cpu_seconds": None})

    async def interact(self, terminal: int, environment: Mapping[str, str]) -> ExecResult:
        """At the other end of a pty, until it ends; ``environment`` is ``of_terminal``'s of who sits at it.

        Nobody's start files are read: an agent may have written them. What it waits for before that, as for an image
        that is pulled, is told there, and ctrl-C calls it off. Raises ``SandboxError``, ``SandboxUnavailable``,
        ``DiskFull``.
        """
        if not await self._ready_at(terminal):
            return ExecResult(exit_code=_CALLED_OFF)
        env = {**of_terminal(environment), "PS1": rf"({self._name}) \w \$ "}
        argv = ["bash", "--noprofile", "--norc", "-i"]
        return await self._sandbox.exec(argv, env=env, limits=self._limits, terminal=terminal)

    async def run(
        self, commands: bytes, on_output: Callable[[bytes], None], on_error: Callable[[bytes], None]
    ) -> ExecResult:
        """Commands, without a terminal, as ``sh`` reads them from its standard input. What it waits for before that is
        told with the errors. Raises as ``interact``."""
        with hearing(partial(_tell, on_error, "\n")):
            return await self._sandbox.exec(
                ["bash"], stdin=commands, limits=self._limits, on_output=on_output, on_error=on_error
            )

    async def _ready_at(self, terminal: int) -> bool:
        """Whether actions can be run there; no: it was called off. Keys are taken only once there is a wait: what is
        typed ahead is the shell's."""
        loop = asyncio.get_running_loop()
        before = termios.tcgetattr(terminal)
        ready = asyncio.ensure_future(self._sandbox.exec(["true"], limits=self._limits))
        called_off = False

        def typed() -> None:
            nonlocal called_off
            with suppress(OSError):
                if keys := os.read(terminal, _KEYS):
                    called_off = called_off or (_CTRL_C in keys and ready.cancel())
                    return
            loop.remove_reader(terminal)  # who sat there is gone

        def told(line: str) -> None:
            if not ready.done():
                tty.setraw(terminal, termios.TCSANOW)
                loop.add_reader(terminal, typed)
                _tell(into(terminal), "\r\n", line)

        try:
            with hearing(lambda line: loop.call_soon_threadsafe(told, line)):
                await ready
        except asyncio.CancelledError:
            if not called_off:
                raise
            return False
        finally:
            loop.remove_reader(terminal)
            with suppress(termios.error):
                termios.tcsetattr(terminal, termios.TCSANOW, before)
        return True

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


def _tell(put: Callable[[bytes], None], end: str, line: str) -> None:
    with suppress(OSError):  # nobody reads it
        put(f"agentrt: {plain(line)}{end}".encode(errors="replace"))


def of_terminal(environment: Mapping[str, str]) -> dict[str, str]:
    """What programs are to know of the terminal they run at."""
    return {name: environment[name] for name in _TERMINAL if name in environment}


def into(file: int) -> Callable[[bytes], None]:
    """Takes what is printed and writes it as it is. Who reads no more ends what prints it, by an ``OSError``."""

    def put(data: bytes) -> None:
        while data:
            data = data[os.write(file, data) :]

    return put
