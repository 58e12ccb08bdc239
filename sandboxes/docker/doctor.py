"""Which container engine is there, what it keeps, and what holds in a container there."""

from __future__ import annotations

import asyncio
import errno
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from agentrt.contracts import Confinement
from agentrt.errors import AgentrtError
from agentrt.records import Snapshot

from ..check import Check
from .engine import About, about, connect
from .labels import needed

if TYPE_CHECKING:
    import docker

    from .sandbox import DockerSandbox

_FEW = 1000
"""A container that has just started has had fewer processes; one that sees the machine's sees higher numbers."""


def doctor(*, workspace: Path, store: Path, confinement: Confinement) -> list[Check]:
    """Ask the engine what it is, and try a container. Without an engine it is a single check, ``absent``."""
    try:
        client = connect()
    except AgentrtError as error:
        return [Check("engine", True, str(error), error.hint, absent=True)]
    try:
        return [*_told(about(client)), *_tried(client, store, confinement)]
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


def _tried(client: docker.DockerClient, store: Path, confinement: Confinement) -> list[Check]:
    """What holds in a container, found out by starting one: of the workspace's own image, or of agentrt's."""
    from .images import at_hand

    image = at_hand(client, sorted(needed(store)))
    if image is None:
        told = "none is here yet: the first action builds agentrt's own, or pulls the one that a task names"
        return [Check("image", True, told, "docker pull IMAGE, and `image: IMAGE` in the task", absent=True)]
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="doctor-", dir=store) as folder:
            return asyncio.run(_probed(image, Path(folder), confinement))
    except OSError as error:
        if isinstance(error, AgentrtError):
            raise
        told = f"{error.filename or store}: {error.strerror or error}"
        return [Check("state folder", False, told, "make room there, or set XDG_STATE_HOME to a folder that is yours")]


async def _probed(image: str, folder: Path, confinement: Confinement) -> list[Check]:
    from .options import DockerOptions
    from .sandbox import DockerSandbox

    tree = folder / "tree"
    tree.mkdir()
    (tree / "lower").write_text("below\n")
    sandbox = DockerSandbox(
        workspace=tree,
        store=folder / "layers",
        confinement=confinement,
        options=DockerOptions(image=image),
        folder=folder,
        report=lambda line: None,
    )
    start = Snapshot()
    await sandbox.start(start)
    try:
        await sandbox.begin("probe")
        checks = _walls(
            dict(line.split(":\t", 1) for line in (await sandbox.read("/proc/self/status")).decode().splitlines())
        )
        devices = (await sandbox.read("/proc/net/dev")).decode().splitlines()[2:]
        alone = [line.partition(":")[0].strip() for line in devices] == ["lo"]
        checks.append(Check("network", alone, "none but an empty loopback"))
        checks.append(Check("system folders", await _is_refused(sandbox, "/usr/agentrt"), "read-only"))
        await sandbox.exec(["sh", "-c", "rm lower && echo new > upper"])
        sealed = await sandbox.seal()
        found = [(effect.path, effect.change) for effect in await sandbox.changes(start, sealed)]
        layered = found == [("lower", "deleted"), ("upper", "created")] and (tree / "lower").exists()
        checks.append(Check("layers", layered, "a deletion and a new file were measured; the real folder kept its own"))
        await sandbox.restore(start)
        checks.append(Check("undo", await sandbox.read("lower") == b"below\n", "the layer was taken back"))
    finally:
        await sandbox.close()
    return [Check("image", True, f"{image.removeprefix('sha256:')[:12]}, home {sandbox.home}"), *checks]


async def _is_refused(sandbox: DockerSandbox, path: str) -> bool:
    try:
        await sandbox.write(path, b"")
    except OSError as error:
        return error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
    return False


def _walls(status: Mapping[str, str]) -> list[Check]:
    """As an action's process says (proc_pid_status(5))."""
    uids = status["Uid"].split()
    return [
        Check("user", "0" not in uids, f"{uids[0]}, not root"),
        Check("processes", int(status["Pid"]) < _FEW, "none but its own are seen"),
        Check("no-new-privileges", status["NoNewPrivs"] == "1", "no program has more rights than who starts it"),
        Check("capabilities", not any(int(status[f"Cap{kind}"], 16) for kind in ("Prm", "Eff", "Bnd")), "none"),
    ]


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
