"""An agent that tries: to be where undo does not look, to outlive its action, to break what serves it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from attack_ground import hostile

from agentrt.contracts import Confinement
from agentrt.errors import SandboxError
from agentrt.records import Limits

PRLIMIT = """
import os, resource as r
for limit in (r.RLIMIT_NOFILE, r.RLIMIT_CPU, r.RLIMIT_FSIZE, r.RLIMIT_AS):
    try: r.prlimit(1, limit, (0, 0))
    except PermissionError: print("refused")
for set in (lambda: os.setpriority(os.PRIO_PROCESS, 1, 19), lambda: os.setpriority(os.PRIO_USER, 0, 19),
            lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)), lambda: os.sched_setaffinity(1, {0})):
    try: set()
    except PermissionError: print("refused")
r.prlimit(0, r.RLIMIT_CORE, (0, 0))
os.nice(1)
"""

ON_THE_FIRST = {
    "signals": ("for i in $(seq 1 64); do kill -$i 1 2>/dev/null; done; echo on", "on\n"),
    "interrupt": ("kill -INT 1; sleep 0.2; echo on", "on\n"),
    "everybody": ("kill -9 -1; sleep 30", ""),
    "look": ("cat /proc/1/mem /proc/1/environ /proc/1/maps /proc/1/fd/0 2>/dev/null; ls /proc/1/fd 2>&-", ""),
    "score": ("echo 1000 > /proc/1/oom_score_adj || echo no", "no\n"),
    "limits": (f"python3 -c '{PRLIMIT}'", "refused\n" * 8),
}


def test_the_first_process_is_nobodys_to_harm(engine: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with hostile(tmp_path) as made:
            for script, expected in ON_THE_FIRST.values():
                printed, changed = await made.undone(f"exec 2>/dev/null\n{script}")
                assert (printed, changed) == (expected, set()), script

    asyncio.run(scenario())


def test_a_runner_that_is_stopped_or_killed_ends_its_action(engine: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with hostile(tmp_path) as made:
            for how in ("STOP", "KILL"):
                await made.begin()
                result, _ = await made.bash(f"kill -{how} $PPID; sleep 60", limits=Limits(seconds=50))
                assert (result.exit_code, result.timed_out) == (137, False), how
            assert await made.act("echo alive") == "alive\n"

    asyncio.run(scenario())


def test_nothing_outlives_its_action(engine: Any, tmp_path: Path) -> None:
    late = "(setsid bash -c 'trap : HUP TERM; setsid bash -c \"while sleep 0.01; do date >> late; done\" &' &)"
    queues = """
import ctypes, os
libc = ctypes.CDLL(None)
print(min(libc.msgget(7, 0o1600), libc.semget(7, 1, 0o1600), libc.shmget(7, 4096, 0o1600)))
open("/dev/shm/file", "w"); os.makedirs("/dev/shm/a/b"); os.chmod("/dev/shm/a", 0); libc.mq_open(b"/q", 0o102, 0o600, None)
"""

    async def scenario() -> None:
        async with hostile(tmp_path) as made:
            await made.act(f"{late}; while [ ! -s late ]; do sleep 0.01; done")
            # The shell lists processes itself: of two in a pipe, the second may not be there yet.
            running = 'for process in /proc/[0-9]*; do read -r name < "$process/comm" && echo "$name"; done'
            first = await made.act(f"sha256sum late; {running}")
            assert await made.act(f"sleep 0.2; sha256sum late; {running}") == first
            assert await made.act(f"python3 -c '{queues}'") == "0\n"
            look = "ls -A /dev/shm /dev/mqueue; tail -qn +2 /proc/sysvipc/*"
            assert await made.act(look) == "/dev/mqueue:\n\n/dev/shm:\n"
            fork = "python3 -c 'import os\nwhile True:\n  try: os.fork()\n  except OSError: pass'"
            await made.undone(fork, limits=Limits(seconds=1, processes=100_000))

    asyncio.run(scenario())


HIDING = {
    "a link, gone again": ("ln kept l; echo x >> l; rm l; touch -d 2000-01-01 kept", {("kept", "modified")}),
    "a mapping": (
        'python3 -c \'import mmap, os\nf = os.open("kept", os.O_RDWR)\nmmap.mmap(f, 2)[0] = 90\nos.utime("kept", (1, 1))\'',
        {("kept", "modified")},
    ),
    "closed folders": (
        "mkdir -p c/d/e; echo 1 > c/d/e/f; chmod 000 c/d/e/f c/d/e c/d c",
        {("c", "created"), ("c/d", "created"), ("c/d/e", "created"), ("c/d/e/f", "created")},
    ),
    "another folder of that name": (
        "mv real r2; mkdir real; echo 2 > real/f",
        {("real/f", "modified"), ("r2", "created"), ("r2/f", "created")},
    ),
    "a link to a folder becomes one": (
        "rm sub; mkdir sub; echo new > sub/x; echo 2 > sub/y",
        {("sub", "modified"), ("sub/x", "created"), ("sub/y", "created")},
    ),
    "a folder becomes a link": (
        "rm -r real; ln -s other real; rm etc; mkdir etc; echo 1 > etc/passwd",
        {("real", "modified"), ("real/f", "deleted"), ("etc", "modified"), ("etc/passwd", "created")},
    ),
    "our own temporary name": (
        "touch .agentrt-0 .agentrt-1; mkdir .agentrt-2; ln kept again",
        {(".agentrt-0", "created"), (".agentrt-1", "created"), (".agentrt-2", "created"), ("again", "created")},
    ),
    "names": (
        "touch $'a\\nb' $'\\xff\\xfe'; mkdir $'\\x1b[2J'",
        {("a\nb", "created"), ("\udcff\udcfe", "created"), ("\x1b[2J", "created")},
    ),
    "marks": (
        'python3 -c \'import os\nfor path in ("real", "kept"):\n'
        ' for name in ("opaque", "whiteout", "redirect"): os.setxattr(path, "user.overlay." + name, b"y")\'',
        {("real", "mode"), ("kept", "mode")},
    ),
    "not files": (
        "rm -r real other; mkfifo real; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"other\")'",
        {("real", "modified"), ("real/f", "deleted"), ("other", "modified"), ("other/x", "deleted")},
    ),
    "mostly holes": ("truncate -s 50M big", {("big", "created")}),
    "locked": ("exec 9>>kept; flock 9; (flock 9; sleep 99) & sleep 99 & echo 2 >&9", {("kept", "modified")}),
}


def test_what_is_hidden_is_measured_and_undone(engine: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with hostile(tmp_path) as made:
            for name, (script, expected) in HIDING.items():
                _, changed = await made.undone(script)
                assert changed == expected, name

    asyncio.run(scenario())


def test_a_link_of_an_action_before_is_a_file_of_its_own(engine: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with hostile(tmp_path) as made:
            await made.act("ln kept l; mkdir twins; ln kept twins/l; chmod 555 twins")
            _, changed = await made.undone("echo 2 >> l; rm l; chmod 755 twins; echo 3 >> twins/l")
            assert changed == {("l", "deleted"), ("twins", "mode"), ("twins/l", "modified")}
            # Where a name was there is a link to a folder of the system's now, whose files have several names.
            await made.act("mkdir bin; echo mine > bin/perl; echo mine > bin/ls")
            _, changed = await made.undone("rm -r bin; ln -s /usr/bin bin")
            assert ("bin", "modified") in changed

    asyncio.run(scenario())


def test_what_is_too_deep_is_refused_and_goes(engine: Any, tmp_path: Path) -> None:
    deeper = 'python3 -c \'import os\nfor _ in range(60): os.mkdir("d" * 100); os.chdir("d" * 100)\''

    async def scenario() -> None:
        async with hostile(tmp_path) as made:
            before = await made.tree()
            with pytest.raises(SandboxError, match="File name too long"):
                await made.act(f"{deeper}; echo 2 > kept")
            with pytest.raises(SandboxError, match="what the action changed was lost"):
                await made.sandbox.seal()
            await made.undo(made.at)
            assert await made.tree() == before

    asyncio.run(scenario())


def test_memory_that_is_nobodys_does_not_end_the_container(engine: Any, tmp_path: Path) -> None:
    segments = """
import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
while (number := libc.shmget(0, 8 << 20, 0o1600)) >= 0: ctypes.memset(libc.shmat(number, None, 0), 1, 8 << 20)
"""

    async def scenario() -> None:
        async with hostile(tmp_path, memory="128 MB") as made:
            await made.undone(f"head -c 1G /dev/zero > /dev/shm/x\npython3 -c '{segments}'\ntail /dev/zero")

    asyncio.run(scenario())


def test_what_is_planted_cannot_be_moved_away(engine: Any, tmp_path: Path) -> None:
    tricks = (
        "mv ~/.cloud ~/.gone; mkdir ~/.cloud; echo kept > ~/.cloud/secretly",
        "rm -f ~/other; mv ~/other ~/gone; echo mine > ~/other",
        "rm -rf ~/.cloud ~/other; ln -s /tmp ~/.cloud",
        "chmod 700 ~; chmod -t ~; mv ~/.cloud ~/x",
    )

    async def scenario() -> None:
        planted = {"~/.cloud/key": b"planted", "~/other": b"too"}
        async with hostile(tmp_path, confinement=Confinement(planted=planted)) as made:
            for trick in tricks:
                printed, changed = await made.undone(f"exec 2>/dev/null; {trick}; cat ~/.cloud/* ~/other")
                assert (printed, changed) == ("plantedtoo", set()), trick
            _, changed = await made.undone("echo mine > ~/mine; mv ~/mine ~/yours; mkdir ~/.cache")
            assert {path.rpartition("/")[2] for path, _ in changed} == {"yours", ".cache"}

    asyncio.run(scenario())


def test_what_is_hidden_stays_so(engine: Any, tmp_path: Path) -> None:
    tricks = (
        "cat kept real/f; ln kept l; cat l; cp -a . /tmp/all; grep -rh . /tmp/all/kept /tmp/all/real",
        "rm -f kept; rm -rf real; mkdir real; cat kept real/f",
        "mv real moved; cat moved/f; mv kept k; cat k",
        "echo mine > kept; echo mine > real/f",
    )

    async def scenario() -> None:
        async with hostile(tmp_path, confinement=Confinement(hidden=("kept", "real/f"))) as made:
            for trick in tricks:
                printed, changed = await made.undone(f"{trick} 2>/dev/null")
                assert "r\n" not in printed and "a\n" not in printed, trick
                assert not {"kept", "real", "real/f"} & {path for path, _ in changed}, trick
                await made.act(trick)
                assert await made.act("wc -c < kept; wc -c < real/f") == "0\n0\n", trick

    asyncio.run(scenario())
