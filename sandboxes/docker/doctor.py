"""Which container engine is there, and what it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentrt.contracts import Confinement
from agentrt.errors import AgentrtError

from .engine import About, about, connect

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True)
class Check:
    """One line of ``agentrt doctor``."""

    name: str
    ok: bool
    detail: str
    cure: str = ""
    absent: bool = False
    """Not to be had here, and no fault unless it is insisted on, or this is the sandbox in use."""


def doctor(*, workspace: Path, store: Path, confinement: Confinement) -> list[Check]:
    """Ask the engine what it is. Without one there is a single check, and it is ``absent``."""
    try:
        client = connect()
    except AgentrtError as error:
        return [Check("engine", True, str(error), error.hint, absent=True)]
    try:
        return [*_told(about(client)), *_tried(client)]
    except AgentrtError as error:
        return [Check("engine", False, str(error), error.hint)]
    finally:
        client.close()


def _told(found: About) -> list[Check]:
    """What it says of itself."""
    whose = "a user's own" if found.rootless else "root's: who may use it is as good as root"
    return [
        Check("engine", True, f"{found.name} {found.version} at {found.address}"),
        Check("storage", True, found.driver),
        Check("rootless", True, whose),
        _limits(found),
        _seccomp(found),
    ]


def _tried(client: docker.DockerClient) -> list[Check]:
    """What holds in a container, found out by starting one."""
    return []


def _limits(found: About) -> Check:
    if not found.lacking:
        return Check("limits", True, f"memory, processes and processors, by control groups {found.cgroups}")
    cure = "control groups version 2, with their controllers delegated to the user whose engine it is"
    return Check("limits", True, f"not kept here: {', '.join(found.lacking)}", cure, absent=True)


def _seccomp(found: About) -> Check:
    if found.seccomp:
        return Check("seccomp", True, "system calls are filtered")
    cure = "an engine and a kernel with seccomp, and no seccomp-profile=unconfined in the engine's configuration"
    return Check("seccomp", True, "system calls are not filtered; the other walls stand", cure, absent=True)
