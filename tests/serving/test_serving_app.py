"""``agentrt serve``, as a person uses it: the app itself, in a browser."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, needed
from serving_ground import alive, until
from test_serving_command import SERVE, document, started


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    """The host of the app outlives it on purpose; here it is ended."""
    folder = tmp_path / "ws"
    folder.mkdir()
    yield folder
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"agentrt.hosting" in words and os.fsencode(folder) in words:
            host = int(place.parent.name)
            os.kill(host, signal.SIGTERM)
            asyncio.run(until(lambda host=host: not alive(host)))


def test_the_app_is_used_in_a_browser(workspace: Path, tmp_path: Path) -> None:
    needed()
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    command = [*SERVE[:3], "exec", "--", "echo hello > greeting"]
    subprocess.run(command, cwd=workspace, env=environment, check=True, capture_output=True)

    async def work() -> None:
        with started((*SERVE, "--json"), workspace, environment) as process:
            async with Browser(tmp_path / "profile") as page:
                await page.open(document(process)["url"])
                await page.until("echo hello > greeting")
                await page.until("1 to review")
                await page.press("n")
                await page.until("hunk 1 of 1")
                await page.press("a")
                await page.until("accepted")
                await page.press("q")
                while not await page.evaluate("document.body.classList.contains('-closed')"):
                    await asyncio.sleep(0.05)
            process.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(process.wait, 30) == 130

    asyncio.run(work())
    logged = subprocess.run(
        [*SERVE[:3], "log"], cwd=workspace, env=environment, check=True, capture_output=True, text=True
    )
    assert "accepted" in logged.stdout.splitlines()[0]
