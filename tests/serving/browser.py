"""Headless Chromium, driven by its own protocol (CDP) over the WebSocket it offers: no driver to install."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest

REQUIRED = "AGENTRT_TEST_BROWSER"
"""Set where the tests of the browser must run."""
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # root may not have one, and the pages are ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--remote-debugging-port=0",
    "--window-size=1000,700",
)


def chromium() -> str | None:
    return next(filter(None, map(shutil.which, _NAMES)), None)


def needed() -> None:
    """Skips the test where there is no browser; fails it where there must be one."""
    if chromium() is None:
        if os.environ.get(REQUIRED):
            pytest.fail("there is no Chromium here, and it is required: apt-get install chromium")
        pytest.skip("there is no Chromium here: apt-get install chromium")


class Browser:
    """One page. Usage: ``async with Browser(tmp_path) as page``."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._number = 0
        self.messages: list[dict[str, Any]] = []
        """Events that came."""

    async def __aenter__(self) -> Self:
        program = chromium()
        assert program is not None
        environment = {**os.environ, "HOME": str(self._profile)}
        self._process = await asyncio.create_subprocess_exec(
            program,
            *_OPTIONS,
            f"--user-data-dir={self._profile}",
            "about:blank",
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            env=environment,
            start_new_session=True,
        )
        self._client = aiohttp.ClientSession()
        self._socket = await self._client.ws_connect(await _address(self._process), max_msg_size=0)
        self._rest = asyncio.create_task(_drain(self._process))
        self._session = ""
        [target] = [t for t in (await self.do("Target.getTargets"))["targetInfos"] if t["type"] == "page"]
        attached = await self.do("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.do(f"{domain}.enable")
        return self

    async def __aexit__(self, *about: object) -> None:
        try:
            self._session = ""
            await self.do("Browser.close")
        finally:
            await self._client.close()
            await self._process.wait()
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # its helpers take their time
            await self._rest

    async def do(self, method: str, **parameters: Any) -> Any:
        """One command; its result. Events that come meanwhile are kept."""
        self._number += 1
        command: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        await self._socket.send_str(json.dumps(command))
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            answer = json.loads(message.data)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.messages.append(answer)
        return {}

    async def evaluate(self, code: str) -> Any:
        answer = await self.do("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def open(self, url: str) -> None:
        await self.do("Page.navigate", url=url)

    async def press(self, key: str) -> None:
        """A letter, or ``Enter``, ``Tab`` …"""
        codes = {"Enter": 13, "Tab": 9, "Escape": 27}
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        about = {"key": key, "windowsVirtualKeyCode": codes.get(key) or ord(key.upper())}
        await self.do("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        await self.do("Input.dispatchKeyEvent", type="keyUp", **about)

    async def screen(self) -> str:
        """The terminal's text, as a screen reader gets it."""
        code = (
            "[...document.querySelectorAll('.xterm-accessibility-tree > div')].map(row => row.textContent).join('\\n')"
        )
        return str(await self.evaluate(code)).replace("\xa0", " ")

    async def until(self, what: str, *, seconds: float = 30.0) -> str:
        """The screen, once it says ``what``."""
        end = time.monotonic() + seconds
        while what not in (shown := await self.screen()):
            assert time.monotonic() < end, f"no {what!r} on the screen:\n{shown}\n{self.complaints()}"
            await asyncio.sleep(0.05)
        return shown

    def complaints(self) -> list[str]:
        """Errors of scripts, and what the page's policy refused."""
        found = [m["params"]["entry"]["text"] for m in self.messages if m["method"] == "Log.entryAdded"]
        return found + [str(m["params"]) for m in self.messages if m["method"] == "Runtime.exceptionThrown"]

    def asked(self) -> list[str]:
        """The addresses that were asked for."""
        return [m["params"]["request"]["url"] for m in self.messages if m["method"] == "Network.requestWillBeSent"]


async def _address(process: Process) -> str:
    assert process.stderr is not None
    while line := await process.stderr.readline():
        if line.startswith(b"DevTools listening on "):
            return line.split()[-1].decode()
    raise AssertionError("Chromium did not start")


async def _drain(process: Process) -> None:
    assert process.stderr is not None
    while await process.stderr.read(4096):
        pass
