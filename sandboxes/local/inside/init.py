"""The first process of an action's namespaces: completes the root, starts the command, reaps, and reports.

It is forked by the server ahead of time and waits for its one request. Everything it started dies with it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import resource
import signal
import socket
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from . import calls, files, kernel, landlock, overlay, wire
from .root import Template
from .usage import Exceeded, Usage, others

# What a command of root may do to things of its own; nothing that reaches the kernel or other namespaces.
_ROOT_KEEPS = (0, 1, 3, 4, 5, 6, 7, 10)  # chown dac_override fowner fsetid kill setgid setuid net_bind_service
KEEPS = frozenset(_ROOT_KEEPS if os.geteuid() == 0 else ())
# Whatever Python, or who started agentrt (nohup), made of them.
_DEFAULT_SIGNALS = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
_FILTER = calls.program()
_LANDLOCK = landlock.abi()
_SLACK = 64
"""So many processes more the kernel lets an action have: that there are too many is for init to see, and to say."""
_FIRST_TO_GO = b"1000"
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
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    template.complete()
    # The server's own files must not be in the action's reach.
    os.dup2(report, _REPORT, inheritable=False)
    os.closerange(_REPORT + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.setsid()
    _guard(_REPORT, lambda: _serve(template, _walls(template), _OomOrder()))


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


class _OomOrder:
    """Where the machine runs out of memory, the kernel ends an action's processes first and its init last.

    Opened while that is still allowed: to raise it, and to lower it again, needs no privilege.
    """

    def __init__(self) -> None:
        self._file = -1
        with suppress(OSError):
            self._file = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
            self._own = os.read(self._file, 16)

    def set(self, score: bytes | None = None) -> None:
        """What is started from here on has it, and so has init. Without one: init's own."""
        if self._file >= 0:
            with suppress(OSError):
                os.pwrite(self._file, self._own if score is None else score, 0)


def _serve(template: Template, wall: landlock.Wall | None, order: _OomOrder) -> None:
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
    _carry_out(request, _REPORT, wall, order)


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


def _carry_out(request: dict[str, Any], report: int, wall: landlock.Wall | None, order: _OomOrder) -> None:
    try:
        os.chdir(os.fsencode(request["cwd"]))
    except OSError as error:
        _refuse(report, f"cannot enter {request['cwd']}: {error.strerror}", 125)
    kernel.drop_privilege(KEEPS)
    if wall is not None:
        if request.get("terminal"):
            wall.let_write(b"/proc/self/fd/0")  # /dev/stderr is opened anew by who writes to it
        wall.enforce()
    _filter_calls()
    _limit(request)
    if "call" in request:
        _tell(report, files.CALLS[request["call"]](request) | {"status": 0, "killed": 0, "alone": True})
        os._exit(0)
    order.set(_FIRST_TO_GO)
    command = _spawn(request, report)
    order.set()
    usage = Usage(request, lambda exceeded: _end(report, exceeded))
    usage.watch()
    status = _reap(command)
    usage.stop()
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


def _reap(command: int) -> int:
    """The wait status of the command; orphans are reaped on the way."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == command:
            return status


def _end(report: int, exceeded: Exceeded) -> NoReturn:
    """A limit was exceeded. With init everything dies."""
    _tell(report, {"status": int(signal.SIGKILL), "killed": len(others()), "exceeded": exceeded})
    os._exit(0)


def _left() -> int:
    """How many processes the command left behind. All are children of ours by now, so mostly the answer is quick."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return 0
    return len(others())


def _spawn(request: dict[str, Any], report: int) -> int:
    """Start the command without copying this process (vfork); what it inherits is already as it must be."""
    environment = {os.fsencode(key): os.fsencode(value) for key, value in request["env"].items()}
    argv = [os.fsencode(argument) for argument in request["argv"]]
    try:
        program = _find(argv[0], environment.get(b"PATH", os.defpath.encode()))
        if request["terminal"]:
            return _spawn_at_terminal(program, argv, environment)
        return os.posix_spawn(program, argv, environment, setsigdef=_DEFAULT_SIGNALS, setsigmask=())
    except FileNotFoundError:
        _refuse(report, f"{request['argv'][0]}: not found in the sandbox", 127)
    except OSError as error:
        _refuse(report, f"{request['argv'][0]}: {error.strerror}", 126)
    except ValueError as error:  # what no program can be given: a zero byte, a name with "=" in it …
        _refuse(report, f"{request['argv'][0]}: {error}", 126)


def _spawn_at_terminal(program: bytes, argv: list[bytes], environment: dict[bytes, bytes]) -> int:
    """Its streams are a terminal, and that becomes the one of a session that the command leads: so ^C reaches what
    runs in front, and nothing else. What a program does to it is the terminal's owner's to put right."""
    if pid := os.fork():
        return pid
    try:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        for number in _DEFAULT_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execve(program, argv, environment)
    except BaseException as error:  # whatever it is, it ends here: this is a child
        os.write(2, f"agentrt: {os.fsdecode(argv[0])}: {error}\n".encode(errors="surrogateescape"))
    finally:
        os._exit(126)


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
    _tell(report, {"status": code << 8, "killed": len(others())})
    os._exit(0)


def _limit(request: dict[str, Any]) -> None:
    wanted = {
        resource.RLIMIT_NPROC: request["processes"] + _SLACK,
        resource.RLIMIT_FSIZE: request["file_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    for which, value in wanted.items():
        if value is not None:
            hard = resource.getrlimit(which)[1]
            most = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (most, most))
