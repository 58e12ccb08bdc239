"""An action's command, from its start to the end of all it started; or the reading or writing of a file in its place.

Who calls this is a process of its own that ends with the action, and the one that orphans come to.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import resource
import signal
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from . import calls, files, privilege
from .usage import Exceeded, Usage, others

Tell = Callable[[dict[str, Any]], object]

# Whatever Python, or who started agentrt (nohup), made of them.
_DEFAULT_SIGNALS = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
_FILTER = calls.program()
_SLACK = 64
"""So many processes more the kernel lets an action have: that there are too many is for us to see, and to say."""
_FIRST_TO_GO = b"1000"


class Refused(Exception):
    """It cannot be started: what the command would have said of it, and its exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class OomOrder:
    """Where the machine runs out of memory, the kernel ends an action's processes first and its caller last.

    Opened while that is still allowed: to raise it, and to lower it again, needs no privilege.
    """

    def __init__(self) -> None:
        self._file = -1
        with suppress(OSError):
            self._file = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
            self._own = os.read(self._file, 16)

    def set(self, score: bytes | None = None) -> None:
        """What is started from here on has it, and so has this process. Without one: its own."""
        if self._file >= 0:
            with suppress(OSError):
                os.pwrite(self._file, self._own if score is None else score, 0)


def tell_to(report: int, message: dict[str, Any]) -> None:
    """As a line of JSON."""
    os.write(report, json.dumps(message).encode() + b"\n")


def guarded(tell: Tell, body: Callable[[], object]) -> NoReturn:
    """Run ``body`` in a forked child, which must never return into the server's code."""
    try:
        body()
    except OSError as error:
        tell({"error": [error.errno, error.strerror, os.fsdecode(error.filename or b"")]})
    except BaseException as error:  # whatever it is, it ends here: this is a child
        tell({"error": [0, f"{type(error).__name__}: {error}", "action"]})
    finally:
        os._exit(125)


def outcome_of(told: bytes, *, timed_out: bool) -> dict[str, Any]:
    """What came of an action, by what was told of it. Raises the ``OSError`` that was told instead."""
    outcome: dict[str, Any] = {"exit_code": 137, "timed_out": timed_out, "killed": 0, "exceeded": None}
    for line in map(json.loads, told.splitlines()):
        if "error" in line:
            raise OSError(*line["error"])
        outcome |= {key: line[key] for key in ("failed", "exceeded") if key in line}
        if "status" in line:
            code = os.waitstatus_to_exitcode(line["status"])
            outcome |= {"exit_code": code if code >= 0 else 128 - code, "killed": line["killed"]}
    return outcome


def carry_out(request: dict[str, Any], tell: Tell, order: OomOrder, enter: Callable[[], object]) -> NoReturn:
    """See ``request`` through and end this process: what came of it is told.

    ``enter``: puts up what walls there are, once this process stands where the command is to run.
    """
    try:
        try:
            os.chdir(os.fsencode(request["cwd"]))
        except OSError as error:
            raise Refused(f"cannot enter {request['cwd']}: {error.strerror}", 125) from error
        enter()
        _filter_calls()
        _limit(request)
        if "call" in request:
            tell(files.CALLS[request["call"]](request) | {"status": 0, "killed": 0, "alone": True})
            os._exit(0)
        order.set(_FIRST_TO_GO)
        command = _spawn(request)
    except Refused as refused:
        os.write(2, f"agentrt: {refused}\n".encode(errors="surrogateescape"))
        tell({"status": refused.code << 8, "killed": len(others())})
        os._exit(0)
    order.set()
    usage = Usage(request, lambda exceeded: _end(tell, exceeded))
    usage.watch()
    status = _reap(command)
    usage.stop()
    left = _left()
    tell({"status": status, "killed": left} | ({} if left else {"alone": True}))
    os._exit(0)


def _filter_calls() -> None:
    """Where the kernel has no such filters the other walls stand; ``agentrt doctor`` says so."""
    try:
        if _FILTER is not None:
            privilege.filter_calls(_FILTER)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS):
            raise


def _limit(request: dict[str, Any]) -> None:
    wanted = {
        # The kernel counts by user, also where that is not the action's alone.
        resource.RLIMIT_NPROC: request["processes"] + _SLACK if request.get("own_user", True) else None,
        resource.RLIMIT_FSIZE: request["file_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    for which, value in wanted.items():
        if value is not None:
            hard = resource.getrlimit(which)[1]
            most = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (most, most))


def _reap(command: int) -> int:
    """The wait status of the command; orphans are reaped on the way."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == command:
            return status


def _end(tell: Tell, exceeded: Exceeded) -> NoReturn:
    """A limit was exceeded. With this process everything dies."""
    tell({"status": int(signal.SIGKILL), "killed": len(others()), "exceeded": exceeded})
    os._exit(0)


def _left() -> int:
    """How many processes the command left behind. All are children of ours by now, so mostly the answer is quick."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return 0
    return len(others())


def _spawn(request: dict[str, Any]) -> int:
    """Start the command without copying this process (vfork); what it inherits is already as it must be."""
    environment = {os.fsencode(key): os.fsencode(value) for key, value in request["env"].items()}
    argv = [os.fsencode(argument) for argument in request["argv"]]
    try:
        program = _find(argv[0], environment.get(b"PATH", os.defpath.encode()))
        if request["terminal"]:
            return _spawn_at_terminal(program, argv, environment)
        return os.posix_spawn(program, argv, environment, setsigdef=_DEFAULT_SIGNALS, setsigmask=())
    except FileNotFoundError as error:
        raise Refused(f"{request['argv'][0]}: not found in the sandbox", 127) from error
    except OSError as error:
        raise Refused(f"{request['argv'][0]}: {error.strerror}", 126) from error
    except ValueError as error:  # what no program can be given: a zero byte, a name with "=" in it …
        raise Refused(f"{request['argv'][0]}: {error}", 126) from error


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
