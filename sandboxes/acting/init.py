"""The first process of an action's namespaces: sets the stage, starts the command, reaps, and reports.

It is forked by the server ahead of time and waits for its one request. Everything it started dies with it.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
from functools import partial
from typing import Any, NoReturn, Protocol

from ..layers import wire
from . import kernel
from .command import OomOrder, carry_out, guarded, tell_to
from .privilege import prctl

# What a command of root may do to things of its own; nothing that reaches the kernel or other namespaces.
_ROOT_KEEPS = (0, 1, 3, 4, 5, 6, 7, 10)  # chown dac_override fowner fsetid kill setgid setuid net_bind_service
KEEPS = frozenset(_ROOT_KEEPS if os.geteuid() == 0 else ())
_REPORT = 3
"""The socket to the server: of its files the only one kept besides the three streams. JSON lines go up it."""
_TELL = partial(tell_to, _REPORT)
BEGUN = b'{"begun": true}\n'
"""Its word that it has taken the request."""
ALONE = b'"alone": true}\n'
"""How its last word ends when nothing but itself is left in its namespaces."""


class Stage(Protocol):
    """What a sandbox does in the namespaces of an action, before its command is there. Each raises ``OSError`` whose
    ``filename`` is the step that was refused."""

    def complete(self) -> None:
        """Mount what there is to mount before it is known what is to run."""
        ...

    def enter(self, request: dict[str, Any]) -> None:
        """It is known now."""
        ...

    def confine(self, request: dict[str, Any]) -> None:
        """Last of all, where the command is to run: give up what it must not have."""
        ...


def live(stage: Stage, channel: socket.socket) -> NoReturn:
    """Be the init: this is a forked child and must never return into the server's code."""
    report = channel.fileno()
    guarded(partial(tell_to, report), lambda: _begin(stage, report))


def _begin(stage: Stage, report: int) -> None:
    prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    # The server's own files must not be in the action's reach.
    os.dup2(report, _REPORT, inheritable=False)
    os.closerange(_REPORT + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.setsid()
    guarded(_TELL, lambda: _serve(stage))


def _serve(stage: Stage) -> None:
    stage.complete()
    order = OomOrder()
    _TELL({"ready": True})
    channel = socket.socket(fileno=_REPORT)
    try:
        request, streams = wire.receive(channel)
    except EOFError:  # the server is gone
        return
    os.write(_REPORT, BEGUN)
    stage.enter(request)
    for target, stream in enumerate(streams):
        os.dup2(stream, target, inheritable=True)
    for stream in streams:
        os.close(stream)
    carry_out(request, _TELL, order, partial(stage.confine, request))
