"""The walls a kernel may lack. Without one the others stand, unless a policy insists on it."""

from __future__ import annotations

from collections.abc import Sequence

from agentrt.contracts import Wall
from agentrt.errors import SandboxUnavailable

from ..acting import calls, privilege
from .inside import landlock


def check(required: Sequence[Wall]) -> None:
    """Raises ``SandboxUnavailable`` where one of them is absent."""
    for wall in required:
        if lacking := absent(wall):
            raise SandboxUnavailable(
                f"no sandbox: the policy requires {wall}, and {lacking}",
                cause="required",
                hint=f"use another kernel, or take {wall} out of the policy's `require`; the other walls stand without",
            )


def absent(wall: Wall) -> str:
    """Why it is not to be had here; nothing where it is."""
    return {"landlock": _no_landlock, "seccomp": _no_seccomp}[wall]()


def _no_landlock() -> str:
    version = landlock.abi()
    if version == 0:
        return "this kernel has no Landlock, or it is switched off"
    if version < landlock.OLDEST:
        return f"this kernel's Landlock (ABI {version}) is too old to be used"
    return ""


def _no_seccomp() -> str:
    if calls.program() is None:
        return "the numbers of this machine's system calls are not known"
    return "" if privilege.filters_calls() else "this kernel has no seccomp filters"
