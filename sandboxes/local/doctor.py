"""What confinement is active here, found out by doing it."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentrt.contracts import Confinement
from agentrt.errors import AgentrtError
from agentrt.records import Snapshot

from . import toolchains
from .sandbox import LocalSandbox


@dataclass(frozen=True)
class Check:
    """One line of ``agentrt doctor``."""

    name: str
    ok: bool
    detail: str
    cure: str = ""


_PROBES: tuple[tuple[str, str, str, Callable[[str], bool]], ...] = (
    ("user namespace", "the id maps", "cat /proc/self/uid_map", lambda out: bool(out.strip())),
    (
        "network",
        "only the loopback, empty",
        "cut -d: -f1 /proc/net/dev | tail -n +3",
        lambda out: out.split() == ["lo"],
    ),
    ("processes", "its own process ids", "echo $$", lambda out: out.strip().isdigit() and int(out) < 10),
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
            printed = bytearray()
            await sandbox.exec(["bash", "-c", command], on_output=printed.extend)
            checks.append(Check(name, holds(printed.decode(errors="replace")), detail))
        await sandbox.exec(["bash", "-c", "rm lower && echo new > upper"])
        sealed = await sandbox.seal()
        found = [(effect.path, effect.change) for effect in await sandbox.changes(start, sealed)]
        layered = found == [("lower", "deleted"), ("upper", "created")] and (tree / "lower").exists()
        checks.append(Check("layers", layered, "a deletion and a new file were measured; the real folder kept its own"))
        await sandbox.restore(start)
        printed = bytearray()
        await sandbox.exec(["ls"], on_output=printed.extend)
        checks.append(Check("undo", printed == b"lower\n", "the layer was taken back"))
    finally:
        await sandbox.close()
    return checks
