"""The first process of an action's namespaces: completes the root, starts the command, reaps, and reports.

It is forked by the server ahead of time and waits for its one request. Everything it started dies with it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from ...acting.command import OomOrder, carry_out
from ...acting.privilege import drop_privilege, prctl
from ...layers import wire
from . import kernel, landlock, overlay
from .root import Template

# What a command of root may do to things of its own; nothing that reaches the kernel or other namespaces.
_ROOT_KEEPS = (0, 1, 3, 4, 5, 6, 7, 10)  # chown dac_override fowner fsetid kill setgid setuid net_bind_service
KEEPS = frozenset(_ROOT_KEEPS if os.geteuid() == 0 else ())
_LANDLOCK = landlock.abi()
_REPORT = 3
"""The socket to the server: of its files the only one kept besides the three streams. JSON lines go up it."""
BEGUN = b'{"begun": true}\n'
"""Its word that it has taken the request."""
ALONE = b'"alone": true}\n'
"""How its last word ends when nothing but itself is left in its namespaces."""


def live(template: Template, channel: socket.socket) -> NoReturn:
    """Be the init: this is a forked child and must never return into the server's code."""
    report = channel.fileno()
    _guard(report, lambda: _begin(template, report))


def _begin(template: Template, report: int) -> None:
    prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    template.complete()
    # The server's own files must not be in the action's reach.
    os.dup2(report, _REPORT, inheritable=False)
    os.closerange(_REPORT + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.setsid()
    _guard(_REPORT, lambda: _serve(template, _walls(template), OomOrder()))


def _walls(template: Template) -> landlock.Wall | None:
    """Landlock, but for the workspace. None where the kernel has none: the other walls stand, and doctor says so."""
    if _LANDLOCK < landlock.OLDEST:
        return None
    wall = landlock.Wall(_LANDLOCK)
    for tree in template.trees:
        wall.let_change(tree)
    for folder in template.kernels:
        wall.let_write(folder)
    return wall


def _serve(template: Template, wall: landlock.Wall | None, order: OomOrder) -> None:
    _tell(_REPORT, {"ready": True})
    channel = socket.socket(fileno=_REPORT)
    try:
        request, streams = wire.receive(channel)
    except EOFError:  # the server is gone
        return
    os.write(_REPORT, BEGUN)
    overlay.mount(overlay.from_message(request["stack"]), template.workspace)
    if wall is not None:
        wall.let_change(template.workspace)
    template.enter()
    for target, stream in enumerate(streams):
        os.dup2(stream, target, inheritable=True)
    for stream in streams:
        os.close(stream)

    def put_up_walls() -> None:
        drop_privilege(KEEPS)
        if wall is not None:
            if request.get("terminal"):
                wall.let_write(b"/proc/self/fd/0")  # /dev/stderr is opened anew by who writes to it
            wall.enforce()

    carry_out(request, partial(_tell, _REPORT), order, put_up_walls)


def _guard(report: int, body: Callable[[], object]) -> NoReturn:
    """Run ``body`` in a forked child, which must never return into the server's code."""
    try:
        body()
    except OSError as error:
        _tell(report, {"error": [error.errno, error.strerror, os.fsdecode(error.filename or b"")]})
    except BaseException as error:  # whatever it is, it ends here: this is a child
        _tell(report, {"error": [0, f"{type(error).__name__}: {error}", "action"]})
    finally:
        os._exit(125)


def _tell(report: int, message: dict[str, Any]) -> None:
    os.write(report, json.dumps(message).encode() + b"\n")
