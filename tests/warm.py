"""The command line by forks of a process that has loaded it, because starting Python is most of what a command costs.

What a fork runs is what ``python -m agentrt`` runs, in the folder, with the environment and over the files it is given,
to the end of the interpreter. Where an interpreter must begin with it (its streams are terminals or closed, its locale
is another one), start one.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_MOST = 1 << 20


class Warm:
    """Any number of commands at once; ``before`` is what enters other namespaces."""

    def __init__(self, *, before: Sequence[str] = ()) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        null, command = subprocess.DEVNULL, [*before, sys.executable, __file__, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env=environment, stdin=null, stdout=null, stderr=null
            )

    def run(
        self, words: Sequence[str | bytes], *, cwd: Path, env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        """``agentrt WORDS``, nothing to read, and what it printed."""
        ended, end = os.pipe()
        files = [os.open(os.devnull, os.O_RDONLY), os.memfd_create("stdout"), os.memfd_create("stderr"), end]
        job = {"words": [os.fsdecode(word) for word in words], "cwd": os.fspath(cwd), "env": dict(env)}
        socket.send_fds(self._channel, [json.dumps(job).encode()], files)
        os.close(end)
        with open(files[0]), open(files[1], "rb") as out, open(files[2], "rb") as err, open(ended) as pipe:
            code = int(pipe.read())
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(["agentrt", *job["words"]], code, out.read(), err.read())

    def close(self) -> None:
        self._channel.close()
        self._process.wait()


@functools.cache
def warm() -> Warm:
    """Of these tests, as long as they run."""
    made = Warm()
    atexit.register(made.close)
    return made


def _serve(channel: socket.socket) -> None:
    """Returns in every fork, as the process that is to run the command."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for who tells how each one ended
    while True:
        data, files, _, _ = socket.recv_fds(channel, _MOST, 4)
        if not data:
            os._exit(0)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            channel.close()
            *streams, ended = files
            child = os.fork()
            if child == 0:
                os.close(ended)
                return _become(json.loads(data), streams)
            os.write(ended, str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
            os._exit(0)
        for file in files:
            os.close(file)


def _load() -> None:
    """All there is of agentrt, and what it loads when it is needed."""
    for package in ("agentrt", "agentrt.policies", "agentrt.sandboxes", "agentrt.tools"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    importlib.import_module("ruamel.yaml")
    gc.freeze()


def _become(job: dict[str, Any], streams: Sequence[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    time.tzset()
    sys.path[:1] = [job["cwd"], *filter(None, job["env"].get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = ["agentrt", *job["words"]]


if __name__ == "__main__":
    _load()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module("agentrt", run_name="__main__", alter_sys=True)
