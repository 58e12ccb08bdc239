"""Where no confinement can be had: which of the known causes it is, and the cure; real where it can be made real."""

from __future__ import annotations

import errno
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from agentrt.errors import SandboxUnavailable
from agentrt.sandboxes.local.causes import Facts, explain

USUAL = Facts(
    apparmor_restricts=False,
    max_user_namespaces=100_000,
    userns_clone=True,
    container=False,
    kernel="6.8.0-45-generic",
    overlay=True,
)
DOCKER = "or use the Docker sandbox (`sandbox: docker`)"
PROGRAM = os.path.realpath(sys.executable)


def refused(number: int, step: str, **facts: object) -> SandboxUnavailable:
    known = Facts(**{**USUAL.__dict__, **facts})
    return explain(OSError(number, os.strerror(number), step), known)


@pytest.mark.parametrize(
    ("number", "step", "facts", "cause", "message", "hint"),
    (
        (
            errno.ENOSPC, "unshare", {"max_user_namespaces": 0}, "max-user-namespaces",
            "no sandbox: this system allows no more user namespaces (user.max_user_namespaces) "
            "(at unshare: No space left on device)",
            f"run `sudo sysctl -w user.max_user_namespaces=15000` {DOCKER}",
        ),
        (
            errno.EPERM, "unshare", {"userns_clone": False}, "userns-clone",
            "no sandbox: this kernel lets only root make user namespaces (kernel.unprivileged_userns_clone=0) "
            "(at unshare: Operation not permitted)",
            f"run `sudo sysctl -w kernel.unprivileged_userns_clone=1` {DOCKER}",
        ),
        (
            errno.EACCES, "/", {"apparmor_restricts": True}, "apparmor",
            "no sandbox: AppArmor takes the capabilities of user namespaces away (at /: Permission denied)",
            "run `printf '%s\\n' 'abi <abi/4.0>,' 'include <tunables/global>' "
            f"'profile agentrt {PROGRAM} flags=(unconfined) {{' '  userns,' '}}' | "
            "sudo tee /etc/apparmor.d/agentrt && sudo apparmor_parser -r /etc/apparmor.d/agentrt` " + DOCKER,
        ),
        (
            errno.EPERM, "unshare", {"container": True}, "container",
            "no sandbox: this runs in a container whose seccomp profile refuses user namespaces "
            "(at unshare: Operation not permitted)",
            "start the container with `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`, "
            "or run agentrt outside of it",
        ),
        (
            errno.EPERM, "/state/.run-1.0/stage/root/proc/", {"container": True}, "masked-proc",
            "no sandbox: this runs in a container that hides parts of /proc, so no new one can be mounted "
            "(at /state/.run-1.0/stage/root/proc/: Operation not permitted)",
            "start the container with `--security-opt systempaths=unconfined`, or run agentrt outside of it",
        ),
        (
            errno.EINVAL, "unshare", {}, "no-userns",
            "no sandbox: this kernel was built without user namespaces (at unshare: Invalid argument)",
            f"use another kernel, {DOCKER}",
        ),
        (
            errno.ENODEV, "/state/.run-1.0/stage/rest", {"overlay": False}, "no-overlay",
            "no sandbox: this kernel has no overlay file system (at /state/.run-1.0/stage/rest: No such device)",
            f"run `sudo modprobe overlay`, {DOCKER}",
        ),
        (
            errno.EPERM, "/state/.run-1.0/stage/work", {"kernel": "5.10.0-28-amd64"}, "old-kernel",
            "no sandbox: kernel 5.10.0-28-amd64 cannot mount overlays in a user namespace (5.11 and later can) "
            "(at /state/.run-1.0/stage/work: Operation not permitted)",
            f"use a newer kernel, {DOCKER}",
        ),
        (
            errno.EINVAL, "/state/.run-1.0/stage/work", {"mounted": ("a b/c", "m")}, "nested-mounts",
            "no sandbox: no layer can be put over this workspace, as other file systems are mounted in it: a b/c, m "
            "(at /state/.run-1.0/stage/work: Invalid argument)",
            "unmount them, or name a workspace without: a folder within this one, or another",
        ),
        (
            errno.EINVAL, "/state/.run-1.0/stage/rest", {}, "state-disk",
            "no sandbox: the file system of the state folder cannot hold overlay layers "
            "(at /state/.run-1.0/stage/rest: Invalid argument)",
            "set XDG_STATE_HOME to a folder on ext4, xfs, btrfs or tmpfs (not NFS, not an overlay)",
        ),
        (
            errno.EPERM, "unshare", {}, "refused",
            "no sandbox: a security module or seccomp filter of this system refuses user namespaces "
            "(at unshare: Operation not permitted)",
            f"run agentrt where `unshare -Ur true` works, {DOCKER}",
        ),
        (
            errno.EIO, "somewhere", {}, "unknown",
            "no sandbox: the kernel refused a step (at somewhere: Input/output error)",
            f"`agentrt doctor` shows which; {DOCKER}",
        ),
    ),
    ids=lambda value: value if isinstance(value, str) and "-" in value and " " not in value else "",
)  # fmt: skip
def test_each_cause_and_its_cure(
    number: int, step: str, facts: dict[str, object], cause: str, message: str, hint: str
) -> None:
    error = refused(number, step, **facts)
    assert (error.cause, error.message, error.hint) == (cause, message, hint)
    assert error.exit_code == 5 and error.code == "no-sandbox"


@pytest.mark.parametrize(
    ("facts", "number", "step", "cause"),
    (
        ({"container": True, "apparmor_restricts": True}, errno.EPERM, "/", "apparmor"),
        ({"kernel": "5.4.0"}, errno.EPERM, "unshare", "refused"),
        ({"kernel": "4"}, errno.EPERM, "/s/work", "old-kernel"),
        ({"kernel": "6.18.44-fc-v657"}, errno.EPERM, "/s/work", "state-disk"),
        ({"max_user_namespaces": None}, errno.ENOSPC, "unshare", "max-user-namespaces"),
        ({}, errno.EPERM, "uid_map", "refused"),
        ({"mounted": ("m",)}, errno.EINVAL, "/s/rest", "state-disk"),
        ({"mounted": ("m",), "max_user_namespaces": 0}, errno.ENOSPC, "unshare", "max-user-namespaces"),
    ),
)
def test_which_cause_where_several_could_be(facts: dict[str, object], number: int, step: str, cause: str) -> None:
    assert refused(number, step, **facts).cause == cause


def test_the_facts_of_a_machine(tmp_path: Path) -> None:
    for path, text in (
        ("proc/sys/user/max_user_namespaces", "0\n"),
        ("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n"),
        ("proc/sys/kernel/unprivileged_userns_clone", "0\n"),
        ("proc/filesystems", "nodev\tproc\n\text4\nnodev\toverlay\n"),
        ("run/.containerenv", ""),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    facts = Facts.read(tmp_path)
    assert facts == Facts(True, 0, False, True, platform.release(), True)
    bare = Facts.read(tmp_path / "nothing")
    assert bare == Facts(False, None, True, False, platform.release(), False)


_TRY = """
import asyncio, sys, tempfile
from pathlib import Path
from agentrt.contracts import Confinement
from agentrt.errors import SandboxUnavailable
from agentrt.records import Snapshot
from agentrt.sandboxes.local import LocalSandbox

async def main():
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder, "workspace"); workspace.mkdir()
        sandbox = LocalSandbox(workspace=workspace, store=Path(folder, "store"), confinement=Confinement())
        try:
            await sandbox.start(Snapshot())
            await sandbox.begin("s1.1")
            await sandbox.exec(["touch", "ran"])
        except SandboxUnavailable as error:
            print(error.cause, error.exit_code, (workspace / "ran").exists(), error, error.hint, sep="|")
        else:
            print("it ran")
        finally:
            await sandbox.close()

asyncio.run(main())
"""


def tried(*before: str) -> list[str]:
    """What a new process is told when it opens a sandbox, after ``before`` (an argv that runs another)."""
    done = subprocess.run([*before, sys.executable, "-c", _TRY], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().split("|")


def test_it_runs_here() -> None:
    assert tried() == ["it ran"]


def test_no_more_user_namespaces_for_real() -> None:
    """In a user namespace of its own the limit is ours to set."""
    script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    cause, code, ran, message, hint = tried("unshare", "-Ur", "sh", "-c", script, "sh")
    assert (cause, code, ran) == ("max-user-namespaces", "5", "False")
    assert message.endswith("(at unshare: No space left on device)")
    assert "sudo sysctl -w user.max_user_namespaces" in hint


def test_mounts_in_the_workspace_for_real(tmp_path: Path) -> None:
    """Each is named, in ``exec`` and by ``doctor``; what lies on such a mount or beside one is a workspace like any."""
    for name in ("work/a b", "work/m", "work/beside", "workshop"):
        (tmp_path / name).mkdir(parents=True)
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    mount = 'for place in "work/a b" work/m workshop; do mount -t tmpfs none "$place"; done; mkdir work/m/in'
    script = f'set -e; {mount}; mount -t tmpfs none work/m/in; mkdir work/m/plain; exec "$@"'
    inside = ("unshare", *user, "--mount", "sh", "-c", script, "sh", sys.executable, "-m", "agentrt")
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")}

    def agentrt(*words: str, workspace: str) -> subprocess.CompletedProcess[str]:
        argv = [*inside, words[0], "--workspace", str(tmp_path / workspace), *words[1:]]
        return subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    done = agentrt("exec", "--", "touch ran", workspace="work")
    assert done.returncode == 5 and "other file systems are mounted in it: a b, m (at " in done.stderr, done.stderr
    assert "hint: unmount them, or name a workspace without" in done.stderr
    doctor = agentrt("doctor", workspace="work")
    assert doctor.returncode == 5 and "other file systems are mounted in it: a b, m (at " in doctor.stdout, doctor
    assert "cure: unmount them, or name a workspace without" in doctor.stdout
    for workspace in ("work/m/plain", "work/beside", "workshop"):
        assert agentrt("exec", "--", "touch ran", workspace=workspace).returncode == 0, workspace
        assert agentrt("doctor", workspace=workspace).returncode == 0, workspace


_FILTER = """
import ctypes, os, platform, struct, sys
CALLS = {"x86_64": (0xC000003E, 272, 56), "aarch64": (0xC00000B7, 97, 220)}
machine, unshare, clone = CALLS[platform.machine()]
NEWUSER, REFUSE, ALLOW = 0x10000000, 0x00050000 | 1, 0x7FFF0000
def step(code, true, false, k): return struct.pack("HBBI", code, true, false, k)
LOAD, EQUAL, ANY, RETURN = 0x20, 0x15, 0x45, 0x06
program = b"".join((
    step(LOAD, 0, 0, 0),            # the number of the call
    step(EQUAL, 1, 0, unshare),
    step(EQUAL, 0, 3, clone),
    step(LOAD, 0, 0, 16),           # its first argument: the flags
    step(ANY, 0, 1, NEWUSER),
    step(RETURN, 0, 0, REFUSE),
    step(RETURN, 0, 0, ALLOW),
))
libc = ctypes.CDLL(None, use_errno=True)
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
value = Program(len(program) // 8, program)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(value), 0, 0) == 0, ctypes.get_errno()
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_seccomp_filter_for_real() -> None:
    """As container engines set one: unshare and clone may make no user namespace."""
    check = [sys.executable, "-c", _FILTER, "/usr/bin/unshare", "-U", "true"]
    assert b"Operation not permitted" in subprocess.run(check, capture_output=True).stderr
    cause, code, ran, message, _ = tried(sys.executable, "-c", _FILTER)
    assert (cause, code, ran) == ("container" if Facts.read().container else "refused", "5", "False")
    assert message.endswith("(at unshare: Operation not permitted)")
