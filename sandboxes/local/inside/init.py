"""The first process of an action's namespaces: completes the root, starts the command, reaps, and reports.

It is forked by the server ahead of time and waits for its one request. Everything it started dies with it.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import socket
from collections.abc import Callable
from typing import Any, NoReturn

from . import calls, files, kernel, overlay, wire
from .root import Template

# What a command of root may do to things of its own; nothing that reaches the kernel or other namespaces.
_ROOT_KEEPS = (0, 1, 3, 4, 5, 6, 7, 10)  # chown dac_override fowner fsetid kill setgid setuid net_bind_service
KEEPS = frozenset(_ROOT_KEEPS if os.geteuid() == 0 else ())
# Whatever Python, or who started agentrt (nohup), made of them.
_DEFAULT_SIGNALS = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
_FILTER = calls.program()
_COUNT_EVERY = 0.02
_REPORT = 3
"""The socket to the server, and the only file besides the three streams. JSON lines go up it."""
BEGUN = b'{"begun": true}\n'
"""Its word that it has taken the request."""
ALONE = b'"alone": true}\n'
"""How its last word ends when nothing but itself is left in its namespaces."""


def live(template: Template, channel: socket.socket) -> NoReturn:
    """Be the init: this is a forked child and must never return into the server's code."""
    report = channel.fileno()
    _guard(report, lambda: _begin(template, report))


def _begin(template: Template, report: int) -> None:
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    template.complete()
    # The server's own files must not be in the action's reach.
    os.dup2(report, _REPORT, inheritable=False)
    os.closerange(_REPORT + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.setsid()
    _guard(_REPORT, lambda: _serve(template))


def _serve(template: Template) -> None:
    _tell(_REPORT, {"ready": True})
    channel = socket.socket(fileno=_REPORT)
    try:
        request, streams = wire.receive(channel)
    except EOFError:  # the server is gone
        return
    os.write(_REPORT, BEGUN)
    overlay.mount(overlay.from_message(request["stack"]), template.workspace)
    template.enter()
    for target, stream in enumerate(streams):
        os.dup2(stream, target, inheritable=True)
    for stream in streams:
        os.close(stream)
    _carry_out(request, _REPORT)


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


def _carry_out(request: dict[str, Any], report: int) -> None:
    try:
        os.chdir(os.fsencode(request["cwd"]))
    except OSError as error:
        _refuse(report, f"cannot enter {request['cwd']}: {error.strerror}", 125)
    kernel.drop_privilege(KEEPS)
    _filter_calls()
    _limit(request)
    if "call" in request:
        _tell(report, files.CALLS[request["call"]](request) | {"status": 0, "killed": 0, "alone": True})
        os._exit(0)
    command = _spawn(request, report)
    status = _reap(command, request["processes"], report)
    left = _left()
    _tell(report, {"status": status, "killed": left} | ({} if left else {"alone": True}))
    os._exit(0)


def _filter_calls() -> None:
    """Where the kernel has no such filters the other walls stand; ``agentrt doctor`` says so."""
    try:
        if _FILTER is not None:
            kernel.filter_calls(_FILTER)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS):
            raise


def _reap(command: int, most: int, report: int) -> int:
    """The wait status of the command; orphans are reaped on the way."""
    if os.geteuid() == 0:  # elsewhere the kernel counts for us (RLIMIT_NPROC); of root it asks no such thing
        signal.signal(signal.SIGALRM, lambda *_: _count(most, report))
        signal.setitimer(signal.ITIMER_REAL, _COUNT_EVERY, _COUNT_EVERY)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == command:
            signal.setitimer(signal.ITIMER_REAL, 0)
            return status


def _count(most: int, report: int) -> None:
    if _others() > most:
        _refuse(report, f"more than {most} processes: all were ended", 125)


def _left() -> int:
    """How many processes the command left behind. All are children of ours by now, so mostly the answer is quick."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return 0
    return _others()


def _others() -> int:
    """How many processes there are in this namespace besides init."""
    return sum(name.isdigit() for name in os.listdir("/proc")) - 1


def _spawn(request: dict[str, Any], report: int) -> int:
    """Start the command without copying this process (vfork); what it inherits is already as it must be."""
    environment = {os.fsencode(key): os.fsencode(value) for key, value in request["env"].items()}
    argv = [os.fsencode(argument) for argument in request["argv"]]
    try:
        program = _find(argv[0], environment.get(b"PATH", os.defpath.encode()))
        return os.posix_spawn(program, argv, environment, setsigdef=_DEFAULT_SIGNALS, setsigmask=())
    except FileNotFoundError:
        _refuse(report, f"{request['argv'][0]}: not found in the sandbox", 127)
    except OSError as error:
        _refuse(report, f"{request['argv'][0]}: {error.strerror}", 126)
    except ValueError as error:  # what no program can be given: a zero byte, a name with "=" in it …
        _refuse(report, f"{request['argv'][0]}: {error}", 126)


def _find(program: bytes, path: bytes) -> bytes:
    """As execvp(3) does; the name itself where nothing fits, so that the error speaks of it."""
    if b"/" in program:
        return program
    for folder in path.split(b":"):
        candidate = folder + b"/" + program
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):
            return candidate
    return b"/nonexistent/" + program


def _refuse(report: int, message: str, code: int) -> NoReturn:
    """End the action as if its command had said ``message`` and ended with ``code``."""
    os.write(2, f"agentrt: {message}\n".encode(errors="surrogateescape"))
    _tell(report, {"status": code << 8, "killed": _others()})
    os._exit(0)


def _limit(request: dict[str, Any]) -> None:
    wanted = {
        resource.RLIMIT_NPROC: request["processes"],
        resource.RLIMIT_AS: request["memory_bytes"],
        resource.RLIMIT_FSIZE: request["file_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    for which, value in wanted.items():
        if value is not None:
            hard = resource.getrlimit(which)[1]
            most = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (most, most))
