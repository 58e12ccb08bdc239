"""Why confinement cannot be had here, and the exact cure.

Every cause was seen on a real system (docs/sandbox.md lists them). What the kernel refused tells most of it; the
rest is read from ``Facts``, so that each cause can be shown without a machine that has it.
"""

from __future__ import annotations

import errno
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from agentrt.errors import SandboxUnavailable

from . import mounts

_NAMED = 10
_DOCKER = "or use the Docker sandbox (`sandbox: docker`)"


@dataclass(frozen=True)
class Facts:
    """What the machine says about itself, and about the workspace."""

    apparmor_restricts: bool
    max_user_namespaces: int | None
    userns_clone: bool
    container: bool
    kernel: str
    overlay: bool
    mounted: tuple[str, ...] = ()
    """What is mounted in the workspace, by name."""

    @classmethod
    def read(cls, root: Path = Path("/"), *, workspace: Path | None = None) -> Facts:
        most = _number(root / "proc/sys/user/max_user_namespaces")
        return cls(
            apparmor_restricts=_number(root / "proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1,
            max_user_namespaces=most,
            userns_clone=_number(root / "proc/sys/kernel/unprivileged_userns_clone") != 0,
            container=any((root / name).exists() for name in (".dockerenv", "run/.containerenv")),
            kernel=platform.release(),
            overlay="overlay" in _text(root / "proc/filesystems").split(),
            mounted=mounts.beneath(workspace) if workspace is not None else (),
        )


def explain(error: OSError, facts: Facts | None = None, *, workspace: Path | None = None) -> SandboxUnavailable:
    """The cause behind the ``OSError`` of a refused step (its ``filename``)."""
    facts = facts or Facts.read(workspace=workspace)
    step = str(error.filename or "")
    cause, why, cure = _cause(error.errno or 0, step, facts)
    told = f"no sandbox: {why} (at {step or 'start'}: {error.strerror or error})"
    return SandboxUnavailable(told, cause=cause, hint=cure)


def _cause(code: int, step: str, facts: Facts) -> tuple[str, str, str]:
    if (code == errno.ENOSPC and step == "unshare") or facts.max_user_namespaces == 0:
        return (
            "max-user-namespaces",
            "this system allows no more user namespaces (user.max_user_namespaces)",
            f"run `sudo sysctl -w user.max_user_namespaces=15000` {_DOCKER}",
        )
    if not facts.userns_clone:
        return (
            "userns-clone",
            "this kernel lets only root make user namespaces (kernel.unprivileged_userns_clone=0)",
            f"run `sudo sysctl -w kernel.unprivileged_userns_clone=1` {_DOCKER}",
        )
    if facts.apparmor_restricts and code in (errno.EPERM, errno.EACCES):
        return "apparmor", "AppArmor takes the capabilities of user namespaces away", _apparmor_cure()
    if facts.container and step in ("unshare", "/") and code in (errno.EPERM, errno.EACCES):
        return (
            "container",
            "this runs in a container whose seccomp profile refuses user namespaces",
            "start the container with `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`, "
            "or run agentrt outside of it",
        )
    if step.endswith("/proc/") or step.endswith("/proc"):
        return (
            "masked-proc",
            "this runs in a container that hides parts of /proc, so no new one can be mounted",
            "start the container with `--security-opt systempaths=unconfined`, or run agentrt outside of it",
        )
    if code in (errno.ENOSYS, errno.EINVAL) and step == "unshare":
        return "no-userns", "this kernel was built without user namespaces", f"use another kernel, {_DOCKER}"
    if facts.mounted and step.endswith("/work"):
        return (
            "nested-mounts",
            f"no layer can be put over this workspace, as other file systems are mounted in it: {_some(facts.mounted)}",
            "unmount them, or name a workspace without: a folder within this one, or another",
        )
    if step.endswith(("/work", "/rest")):
        return _overlay_cause(facts)
    if code in (errno.EPERM, errno.EACCES):
        return (
            "refused",
            "a security module or seccomp filter of this system refuses user namespaces",
            f"run agentrt where `unshare -Ur true` works, {_DOCKER}",
        )
    return "unknown", "the kernel refused a step", f"`agentrt doctor` shows which; {_DOCKER}"


def _overlay_cause(facts: Facts) -> tuple[str, str, str]:
    if not facts.overlay:
        return (
            "no-overlay",
            "this kernel has no overlay file system",
            f"run `sudo modprobe overlay`, {_DOCKER}",
        )
    if _version(facts.kernel) < (5, 11):
        return (
            "old-kernel",
            f"kernel {facts.kernel} cannot mount overlays in a user namespace (5.11 and later can)",
            f"use a newer kernel, {_DOCKER}",
        )
    return (
        "state-disk",
        "the file system of the state folder cannot hold overlay layers",
        "set XDG_STATE_HOME to a folder on ext4, xfs, btrfs or tmpfs (not NFS, not an overlay)",
    )


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _apparmor_cure() -> str:
    """Ubuntu 23.10 and later: a profile that does nothing but allow ``userns`` for our interpreter."""
    program = os.path.realpath(sys.executable)
    lines = (
        "abi <abi/4.0>,",
        "include <tunables/global>",
        f"profile agentrt {program} flags=(unconfined) {{",
        "  userns,",
        "}",
    )
    file = "/etc/apparmor.d/agentrt"
    quoted = " ".join(f"'{line}'" for line in lines)
    return f"run `printf '%s\\n' {quoted} | sudo tee {file} && sudo apparmor_parser -r {file}` {_DOCKER}"


def _version(release: str) -> tuple[int, int]:
    major, minor = [*release.split("-")[0].split("."), "0"][:2]
    return int(major), int(minor)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None
