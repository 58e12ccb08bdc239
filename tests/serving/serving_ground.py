"""A server of the tiny app, and what a browser would send it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from agentrt.serving.server import Server

T = TypeVar("T")
APP = Path(__file__).with_name("tiny_app.py")


class Ground:
    """A server of the tiny app, and a browser's part."""

    def __init__(self, server: Server, client: aiohttp.ClientSession, pids: Path) -> None:
        self.server, self.client, self.pids = server, client, pids
        self.base = f"http://127.0.0.1:{server.port}"
        self.place = f"{self.base}/{server.guard.place}"
        self.cookie = {"Cookie": f"{server.guard.name}={server.guard.cookie}"}

    async def get(self, url: str, **headers: str) -> tuple[int, Any, bytes]:
        async with self.client.get(url, headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers, await answer.read()

    def connect(self, **headers: str) -> Any:
        return self.client.ws_connect(f"{self.place}/ws?width=60&height=10", headers={"Origin": self.base, **headers})

    async def apps(self) -> list[int]:
        """The app, and what it started."""
        return await until(lambda: list(map(int, self.pids.read_text().split())) if self.pids.exists() else [])


async def until(found: Callable[[], T]) -> T:
    """What it gives, once that is something."""
    end = time.monotonic() + 30
    while not (value := found()):
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
    return value


def alive(pid: int) -> bool:
    """Not ended: one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextlib.asynccontextmanager
async def serving(tmp_path: Path, *argv: str) -> AsyncIterator[Ground]:
    """``argv``: another app; it is told where to write its process."""
    pids = tmp_path / "pids"
    server = Server([*(argv or (sys.executable, "-P", str(APP))), str(pids)], title='<b>"title"')
    await server.start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
            yield Ground(server, client, pids)
    finally:
        await server.close()
