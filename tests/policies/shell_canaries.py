"""Scripts run by bash itself, where every program is a canary that tells how it was called.

Nothing else is on PATH but the wrappers under test, scripts hold no ``/``, root becomes nobody, and where there are
namespaces they run in a network and a process namespace of their own.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Ran = tuple[str, ...]

CANARIES = ("rm", "curl", "ls", "cat", "chmod", "dd", "tee", "grep", "no")
"""Each repeats its arguments; ``no`` fails. Names that are none of these are told as well."""
WRAPPERS = ("env", "xargs", "find", "timeout", "nice", "nohup", "setsid", "stdbuf", "flock", "bash", "sh")
_SUDO = '#!/bin/sh\nwhile getopts nEHu:g: option; do :; done\nshift $((OPTIND - 1))\nexec "$@"\n'
_SECONDS = 2
"""How long one script may take."""
_END = b"END\0"
_NOBODY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


def program_folder(folder: Path) -> Path:
    """A folder for PATH, and beside it the log. ``folder`` can be reached by everybody."""
    folder.chmod(0o777)
    programs = folder / "programs"
    programs.mkdir()
    for name in CANARIES:
        told = f'printf \'%s\\0\' "$(($# + 1))" {name} "$@" >> {folder}/log'
        (programs / name).write_text(f'#!/bin/sh\n{told}\nprintf "%s " "$@"\nexit {int(name == "no")}\n')
        (programs / name).chmod(0o755)
    (programs / "sudo").write_text(_SUDO)
    (programs / "sudo").chmod(0o755)
    for name in WRAPPERS:
        if (real := shutil.which(name)) is not None:
            (programs / name).symlink_to(os.path.realpath(real))
    return programs


def _prelude(folder: Path) -> str:
    told = f'builtin printf "%s\\\\0" "$(($# + {{more}}))" {{name}} "$@" >> {folder}/log; builtin printf "%s " "$@"'
    lines = [f"{name}() {{ {told.format(name=name, more=1)}; }}" for name in CANARIES if name != "no"]
    lines.append(f"no() {{ {told.format(name='no', more=1)}; return 1; }}")
    lines.append(f"command_not_found_handle() {{ {told.format(name='', more=0)}; }}")
    return "\n".join(lines).replace("\\\\0", "\\0")


def run(scripts: Sequence[str], folder: Path) -> list[list[Ran] | None]:
    """What each of them ran; None for one that did not come to an end."""
    found: list[list[Ran] | None] = []
    while len(found) < len(scripts):
        some = _run(scripts[len(found) :], folder)
        found += some
        if len(found) < len(scripts):
            found.append(None)
    return found


def _run(scripts: Sequence[str], folder: Path) -> list[list[Ran]]:
    log, work = folder / "log", folder / "a/b/c"
    log.write_bytes(b"")
    log.chmod(0o666)
    shutil.rmtree(folder / "a", ignore_errors=True)
    work.mkdir(parents=True)
    work.chmod(0o777)
    for number, script in enumerate(scripts):
        (folder / f"script{number}").write_text(script)
    driver = f"{_prelude(folder)}\n" + "".join(
        f'( eval "$(<{folder}/script{number})"; wait )\nbuiltin printf "END\\0" >> {folder}/log\n'
        for number in range(len(scripts))
    )
    (folder / "driver").write_text(driver)
    limits = "ulimit -t 2 -f 1000 -n 64; FUNCNEST=20; "
    environment = {"PATH": str(folder / "programs"), "HOME": str(work), "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(
        [*namespaces(), "/bin/bash", "--norc", "--noprofile", "-c", f"{limits}. {folder}/driver", "canaries"],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **_NOBODY,
    )
    ended, since = 0, time.monotonic()
    while process.poll() is None and time.monotonic() < since + _SECONDS:
        time.sleep(0.02)
        if (now := log.read_bytes().count(_END)) != ended:
            ended, since = now, time.monotonic()
    if process.poll() is None:
        os.killpg(process.pid, 9)
        process.wait()
    return _told(log.read_bytes())


def run_alone(script: str, folder: Path) -> list[Ran]:
    """By itself, so that nothing of another script is taken for its own."""
    (found,) = run([script], folder)
    time.sleep(0.2)
    return found or []


def _told(log: bytes) -> list[list[Ran]]:
    fields = log.decode(errors="surrogateescape").split("\0")[:-1]
    found: list[list[Ran]] = []
    current: list[Ran] = []
    at = 0
    while at < len(fields):
        if fields[at] == "END":
            found.append(current)
            current, at = [], at + 1
            continue
        if not fields[at].isdigit():
            at += 1  # the rest of what somebody wrote who was killed meanwhile
            continue
        count = int(fields[at])
        current.append(tuple(fields[at + 1 : at + 1 + count]))
        at += 1 + count
    return found


@functools.cache
def namespaces() -> tuple[str, ...]:
    """What to run bash with so that it has no network and leaves no process; nothing where that is not to be had."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    command = (unshare, "-rnpf", "--kill-child")
    worked = subprocess.run([*command, "/bin/true"], capture_output=True, check=False, **_NOBODY).returncode == 0
    return command if worked else ()
