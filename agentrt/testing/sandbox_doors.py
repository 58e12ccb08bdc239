"""Checks of what leads in and out: the door, and files that are planted."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from agentrt.contracts import Confinement, Sandbox
from agentrt.records import Snapshot

from .sandbox_ground import Ground, check, ground

_CALL = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
    connection.sendall(b"from inside")
    print(connection.recv(100).decode())
"""
_CONTENT = b"planted\0\xff" + b"x" * 100_000

_ATTEMPTS = (
    *("echo x > $f", "echo x >> $f", "rm -f $f", "mv $f $f.b", "chmod 777 $f", "touch $f", "ln -sf /dev/null $f"),
    *("rm -rf ${f%/*}", "cp -f /dev/null $f", "truncate -s 0 $f"),
)

OpenConfined = Callable[[Path, Path, Confinement], Sandbox]
"""Opens the sandbox under test: workspace, store for layers, and what is asked of its walls."""


@check("door: who knocks inside is heard outside, action after action")
async def _(ground: Ground) -> None:
    listener = await ground.sandbox.door()
    assert await ground.sandbox.door() is listener
    listener.setblocking(False)
    port = listener.getsockname()[1]
    loop = asyncio.get_running_loop()
    for number in range(2):
        await ground.sandbox.begin(ground.name())
        running = asyncio.create_task(ground.run("python3", "-c", _CALL, str(port)))
        connection, _ = await loop.sock_accept(listener)
        with connection:
            connection.setblocking(False)
            assert await loop.sock_recv(connection, 100) == b"from inside"
            await loop.sock_sendall(connection, b"heard %d" % number)
        assert (await running)[1] == b"heard %d\n" % number
        await ground.sandbox.discard()


async def check_planted(open: OpenConfined) -> None:
    """Files of ``Confinement.planted``, for a sandbox that confines. Raises ``AssertionError``."""
    for path in ("~/.cloud/credentials", "/run/agentrt/ca.pem", "/tmp/planted", "/var/lib/planted"):
        confinement = Confinement(planted={path: _CONTENT, "~/other": b""})
        async with ground(partial(_open, open, confinement)) as made:
            await _planted(made, path)


def _open(open: OpenConfined, confinement: Confinement, workspace: Path, store: Path) -> Sandbox:
    return open(workspace, store, confinement)


async def _planted(ground: Ground, path: str) -> None:
    inside = os.path.join(await ground.home(), path[2:]) if path.startswith("~") else path
    await ground.sandbox.begin(ground.name())
    assert await ground.sandbox.read(path) == _CONTENT, f"{path} is not what was planted"
    for attempt in _ATTEMPTS:
        result, printed = await ground.run("bash", "-c", f"f={inside}; {attempt}")
        assert result.exit_code != 0, f"{attempt} could be done to {path}: {printed!r}"
    assert await ground.sandbox.read(path) == _CONTENT
    await ground.sandbox.discard()

    kept = await ground.act(f"cat {inside} > copy; touch ~/mine")
    effects = await ground.changed(Snapshot(), kept)
    assert effects == [(f"{await ground.home()}/mine", "created"), ("copy", "created")], effects
    await ground.sandbox.restore(Snapshot())
    await ground.sandbox.begin(ground.name())
    assert await ground.sandbox.read(path) == _CONTENT, f"{path} is not there after an undo"
    assert await ground.sandbox.seal() == Snapshot(), f"{path} is part of a layer"
