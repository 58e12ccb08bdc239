"""What confinement is active here, found out by doing it."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from agentrt.contracts import Confinement, Wall
from agentrt.errors import AgentrtError
from agentrt.records import Limits, Snapshot

from ..acting.init import KEEPS
from ..check import Check
from . import toolchains, walls
from .inside import landlock
from .sandbox import LocalSandbox

_OTHER_KERNEL = "another kernel, or this one with it switched on"
_NAMESPACES = ("user", "mnt", "pid", "net", "ipc", "uts")


def _all_others(told: str) -> bool:
    """Whether every namespace an action is in is another one than ours."""
    ours = {os.readlink(f"/proc/self/ns/{name}") for name in _NAMESPACES}
    return len(told.split()) == len(_NAMESPACES) and ours.isdisjoint(told.split())


_PROBES: tuple[tuple[str, str, str, Callable[[str], bool]], ...] = (
    (
        "namespaces",
        "its own, for users, mounts, processes, the network, IPC and the host name",
        f"cd /proc/self/ns && readlink {' '.join(_NAMESPACES)}",
        _all_others,
    ),
    (
        "network",
        "none but an empty loopback",
        "cut -d: -f1 /proc/net/dev | tail -n +3",
        lambda out: out.split() == ["lo"],
    ),
    ("processes", "none but its own are seen", "echo $$", lambda out: out.strip().isdigit() and int(out) < 10),
    ("home", "a private one", 'echo "$HOME"', lambda out: out.strip() == "/home/agent"),
    (
        "system folders",
        "read-only",
        "touch /usr/agentrt 2>/dev/null || echo refused",
        lambda out: "refused" in out,
    ),
)


def doctor(*, workspace: Path, store: Path, confinement: Confinement) -> list[Check]:
    """Make a sandbox beside ``store``, act in it, take the action back, and say how each step went."""
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="doctor-", dir=store) as folder:
            tree, layers = Path(folder, "tree"), Path(folder, "layers")
            tree.mkdir()
            (tree / "lower").write_text("below\n")
            sandbox = LocalSandbox(workspace=tree, store=layers, confinement=confinement)
            checks = asyncio.run(_probe(sandbox, tree))
            sandbox = LocalSandbox(workspace=workspace, store=Path(folder, "others"), confinement=confinement)
            checks.append(asyncio.run(_workspace(sandbox)))
    except AgentrtError as error:
        checks = [Check("confinement", False, str(error), error.hint)]
    except OSError as error:
        told = f"{error.filename or store}: {error.strerror or error}"
        cure = "make room there, or set XDG_STATE_HOME to a folder that is yours, writable and not full"
        checks = [Check("state folder", False, told, cure)]
    shows = toolchains.find(workspace, confinement, os.environ)
    checks.append(Check("toolchains", True, "shown read-only: " + (", ".join(shows) or "none besides the system's")))
    return checks


async def _probe(sandbox: LocalSandbox, tree: Path) -> list[Check]:
    checks = []
    start = Snapshot()
    await sandbox.start(start)
    try:
        await sandbox.begin("probe")
        for name, detail, command, holds in _PROBES:
            checks.append(Check(name, holds(await _said(sandbox, command)), detail))
        checks += _walls(await _said(sandbox, "cat /proc/self/status"))
        checks.append(await _limits(sandbox))
        checks.append(_users(await _said(sandbox, "cat /proc/self/uid_map")))
        await _said(sandbox, "rm lower && echo new > upper")
        sealed = await sandbox.seal()
        found = [(effect.path, effect.change) for effect in await sandbox.changes(start, sealed)]
        layered = found == [("lower", "deleted"), ("upper", "created")] and (tree / "lower").exists()
        checks.append(Check("layers", layered, "a deletion and a new file were measured; the real folder kept its own"))
        await sandbox.restore(start)
        checks.append(Check("undo", await _said(sandbox, "ls") == "lower\n", "the layer was taken back"))
    finally:
        await sandbox.close()
    return checks


async def _said(sandbox: LocalSandbox, command: str) -> str:
    printed = bytearray()
    await sandbox.exec(["bash", "-c", command], on_output=printed.extend)
    return printed.decode(errors="replace")


def _walls(status: str) -> list[Check]:
    """What holds beside namespaces and mounts, as an action's process says (proc_pid_status(5)), or the kernel does."""
    said = dict(line.split(":\t", 1) for line in status.splitlines())
    lacking = walls.absent("seccomp")
    calls = "system calls are filtered: none that traces, mounts, makes namespaces, asks for keys or reaches the kernel"
    found = [_wall("seccomp", lacking, said["Seccomp"] == "2", calls)]
    lacking, version = walls.absent("landlock"), landlock.abi()
    writes = f"ABI {version}: nothing is written but beneath the places that are an action's own, whatever is mounted"
    writes += "; its signals and abstract sockets stay within" if version >= landlock.SCOPED_SINCE else ""
    found.append(_wall("landlock", lacking, True, writes))
    held = "no program has more rights than who starts it, whatever its file says"
    found.append(Check("no-new-privileges", said["NoNewPrivs"] == "1", held))
    left, most = int(said["CapEff"], 16), sum(1 << capability for capability in KEEPS)
    kept = "of root's, those over its own files and processes" if most else "none left"
    return [*found, Check("capabilities", left | most == most, kept)]


def _wall(name: Wall, lacking: str, holds: bool, what: str) -> Check:
    if lacking:
        return Check(name, True, f"{lacking}; the other walls stand", _OTHER_KERNEL, absent=True)
    return Check(name, holds, what)


async def _limits(sandbox: LocalSandbox) -> Check:
    result = await sandbox.exec(["sleep", "9"], limits=Limits(cpu_seconds=0, processes=1, memory_bytes=1, seconds=5))
    what = "memory, processes, processor time and files written are those of an action's processes together"
    return Check("limits", result.exceeded != "", what)


def _users(uid_map: str) -> Check:
    """Not a fault either way; who wonders what cannot be changed finds it here."""
    if sum(int(count) for count in uid_map.split()[2::3]) > 1:
        return Check("users", True, "this machine's, as agentrt runs as root")
    return Check("users", True, "yours alone: files of other users or groups can be read, not changed")


async def _workspace(sandbox: LocalSandbox) -> Check:
    """That sandboxes work here does not mean that one works over this folder."""
    await sandbox.start(Snapshot())
    try:
        await sandbox.begin("probe")
        await sandbox.exec(["true"])
        return Check("workspace", True, f"{sandbox.workspace}, seen at its own path, under a layer")
    except AgentrtError as error:
        return Check("workspace", False, str(error), error.hint)
    finally:
        await sandbox.close()
