"""One action: a process tree in its own mount, PID and IPC namespaces, dead when its first process ends.

The server forks the *init* (PID 1 of the namespace), which completes the root, starts the command, reaps, and
reports. When init ends, for whatever reason, the kernel kills everything else in the namespace.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any, NoReturn

from . import files, kernel, wire
from .root import Template

# What a command of root may do to things of its own; nothing that reaches the kernel or other namespaces.
_ROOT_KEEPS = (0, 1, 3, 4, 5, 6, 7, 10)  # chown dac_override fowner fsetid kill setgid setuid net_bind_service
KEEPS = frozenset(_ROOT_KEEPS if os.geteuid() == 0 else ())
_NAMESPACES = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC
# Whatever Python, or who started agentrt (nohup), made of them.
_DEFAULT_SIGNALS = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
_COUNT_EVERY = 0.02


def start(template: Template, request: dict[str, Any], streams: tuple[int, int, int], report: int) -> int:
    """Fork an action's init and return its process id. It writes JSON lines to ``report`` and closes it by dying."""
    pid = kernel.fork_into(_NAMESPACES)
    if pid == 0:
        _guard(report, lambda: _init(template, request, streams, report))
    return pid


def wait(pid: int, report: int, channel: socket.socket, deadline: float) -> dict[str, Any]:
    """See an action to its end; its outcome. The runtime's word, its death, or the clock may end it early."""
    poll = select.poll()
    poll.register(report, select.POLLIN)
    poll.register(channel, select.POLLIN)
    told, timed_out, reporting = b"", False, True
    while reporting:
        left = None if timed_out else max(0.0, deadline - time.monotonic()) * 1000
        ready = [file for file, _ in poll.poll(left)]
        if not ready:
            timed_out = True
            os.kill(pid, signal.SIGKILL)
        if channel.fileno() in ready:
            poll.unregister(channel)
            os.kill(pid, signal.SIGKILL)
            try:
                wire.receive(channel)
            except EOFError:
                os._exit(0)
        if report in ready:
            data = os.read(report, 65536)
            told += data
            reporting = bool(data)
    os.waitpid(pid, 0)  # only then is all the rest dead, too
    return _outcome([json.loads(line) for line in told.splitlines()], timed_out)


def _outcome(told: list[dict[str, Any]], timed_out: bool) -> dict[str, Any]:
    outcome: dict[str, Any] = {"exit_code": 137, "timed_out": timed_out, "killed": 0}
    for line in told:
        if "error" in line:
            raise OSError(*line["error"])
        outcome |= {"failed": line["failed"]} if "failed" in line else {}
        if "status" in line:
            code = os.waitstatus_to_exitcode(line["status"])
            outcome |= {"exit_code": code if code >= 0 else 128 - code, "killed": line["killed"]}
    return outcome


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


def _init(template: Template, request: dict[str, Any], streams: tuple[int, int, int], report: int) -> None:
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    template.enter()
    for target, stream in enumerate(streams):
        os.dup2(stream, target, inheritable=True)
    report = _only(report)
    _guard(report, lambda: _carry_out(request, report))


def _carry_out(request: dict[str, Any], report: int) -> None:
    os.setsid()
    try:
        os.chdir(os.fsencode(request["cwd"]))
    except OSError as error:
        _refuse(report, f"cannot enter {request['cwd']}: {error.strerror}", 125)
    kernel.drop_privilege(KEEPS)
    _limit(request)
    if "call" in request:
        _tell(report, files.CALLS[request["call"]](request) | {"status": 0, "killed": 0})
        os._exit(0)
    command = _spawn(request, report)
    status = _reap(command, request["processes"], report)
    _tell(report, {"status": status, "killed": _others()})
    os._exit(0)


def _only(report: int) -> int:
    """Close every file but the streams and ``report``; the server's own must not be in the action's reach."""
    os.dup2(report, 3, inheritable=False)
    os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return 3


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
