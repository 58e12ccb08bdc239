"""Planted files, where an action before them has been at their place."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agentrt.contracts import Confinement
from agentrt.errors import SandboxError
from agentrt.records import Limits, Snapshot
from agentrt.sandboxes.local import LocalSandbox

PLANTED = Confinement(planted={"~/.cloud/key": b"planted", "/run/agentrt/ca.pem": b"bundle"})


async def act(
    folder: Path, confinement: Confinement, snapshot: Snapshot, name: str, script: str
) -> tuple[Snapshot, str]:
    sandbox = LocalSandbox(workspace=folder / "workspace", store=folder / "store", confinement=confinement)
    await sandbox.start(snapshot)
    try:
        await sandbox.begin(name)
        printed = bytearray()
        await sandbox.exec(["bash", "-c", script], limits=Limits(seconds=20), on_output=printed.extend)
        return await sandbox.seal(), printed.decode()
    finally:
        await sandbox.close()


@pytest.mark.parametrize(
    "before",
    [
        "rm -rf ~/.cloud",
        "rm -rf ~/.cloud; echo mine > ~/.cloud",
        "rm -rf ~/.cloud; ln -s /etc ~/.cloud",
        "rm -rf ~/.cloud; ln -s ../../../../.. ~/.cloud",
        "rm -rf ~/.cloud; mkdir -p ~/.cloud/key",
        "rm -rf ~/.cloud; mkdir ~/.cloud; ln -s /etc/passwd ~/.cloud/key",
    ],
)
def test_what_an_action_did_to_the_place_before_leads_nowhere(workspace: Path, tmp_path: Path, before: str) -> None:
    async def scenario() -> None:
        # The place is made, and then taken away in a session that plants nothing.
        await act(tmp_path, PLANTED, Snapshot(), "s1.1", "true")
        without, _ = await act(tmp_path, Confinement(), Snapshot(), "s1.2", before)
        look = "cat ~/.cloud/key /run/agentrt/ca.pem 2>&-; grep -c planted /etc/passwd ~/.cloud 2>&-; echo; echo on"
        again, printed = await act(tmp_path, PLANTED, without, "s1.3", look)
        assert "bundle" in printed and printed.endswith("on\n") and "planted" not in printed.splitlines()[0]
        assert again == without

    asyncio.run(scenario())


def test_a_file_that_was_there_is_covered_and_comes_back(workspace: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        mine, _ = await act(tmp_path, Confinement(), Snapshot(), "s1.1", "mkdir ~/.cloud; echo mine > ~/.cloud/key")
        same, printed = await act(tmp_path, PLANTED, mine, "s1.2", "cat ~/.cloud/key; echo x > ~/.cloud/key")
        assert printed.startswith("planted") and same == mine
        assert (await act(tmp_path, Confinement(), mine, "s1.3", "cat ~/.cloud/key"))[1] == "mine\n"

    asyncio.run(scenario())


def test_nothing_is_planted_in_the_workspace(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="nothing can be planted in the workspace"):
        asyncio.run(act(tmp_path, Confinement(planted={f"{workspace}/x": b""}), Snapshot(), "s1.1", "true"))
