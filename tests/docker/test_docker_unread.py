"""What the user's own rights do not let him read: it is there inside, nobody reads it, and nothing here is touched."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from agentrt.contracts import Confinement
from agentrt.records import Snapshot
from agentrt.sandboxes.docker import open_sandbox


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read(engine: Any, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    (workspace / "closed").mkdir(parents=True)
    (workspace / "closed" / "inner").write_text("secret")
    (workspace / "mute").write_text("secret")
    (workspace / "mute").chmod(0o200)
    (workspace / "closed").chmod(0)
    before = {name: os.lstat(workspace / name) for name in ("mute", "closed")}

    async def scenario() -> None:
        options = {"image": "agentrt-test:1"}
        sandbox = open_sandbox(
            options, workspace=workspace, store=tmp_path / "store", confinement=Confinement(), folder=tmp_path
        )
        await sandbox.start(Snapshot())
        try:
            printed = bytearray()
            await sandbox.begin("s1.1")
            script = "chmod 700 closed mute; cat mute; ls closed; echo new > new; chmod 0 closed; touch mute"
            await sandbox.exec(["sh", "-c", script], on_output=printed.extend)
            assert b"secret" not in printed and b"inner" not in printed
            sealed = await sandbox.seal()
            changed = [(effect.path, effect.change) for effect in await sandbox.changes(Snapshot(), sealed)]
            assert changed == [("new", "created")]
            await sandbox.restore(Snapshot())
            await sandbox.begin("s1.2")
            assert (await sandbox.exec(["sh", "-c", "test ! -e new && test -e mute && test -d closed"])).exit_code == 0
        finally:
            await sandbox.close()

    try:
        asyncio.run(scenario())
        for name, status in before.items():
            now = os.lstat(workspace / name)
            assert (now.st_ctime_ns, now.st_mode) == (status.st_ctime_ns, status.st_mode)
    finally:
        (workspace / "closed").chmod(0o700)
