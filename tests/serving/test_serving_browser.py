"""The app in a real browser: keys go in, text comes out, and nothing is asked of anywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from browser import Browser, needed
from serving_ground import alive, serving, until

CLOSED = "document.querySelector('.closed').checkVisibility()"


@pytest.fixture(autouse=True)
def _browser() -> None:
    needed()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_one_presses_keys_and_reads_the_screen(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground, Browser(tmp_path / "profile") as page:
            await page.open(ground.server.url)
            await page.until("ready")
            assert "token" not in await page.evaluate(
                "location.href + JSON.stringify(history.state) + document.referrer"
            )
            assert await page.evaluate("document.cookie") == ""
            await page.press("k")
            shown = await page.until("pressed k at ")
            columns, lines = map(int, shown.partition(" at ")[2].split()[0].split("x"))
            assert 80 < columns < 140 and 24 < lines < 60
            assert await page.evaluate("document.fonts.check('16px \"Roboto Mono\"')")
            hosts = {urlsplit(url).netloc for url in page.asked() if not url.startswith("data:")}
            assert hosts == {urlsplit(ground.base).netloc}
            assert [said for said in page.complaints() if "sandbox" not in said] == []

    run(work())


def test_what_ended_can_be_started_again_and_a_page_that_goes_ends_its_app(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground, Browser(tmp_path / "profile") as page:
            await page.open(ground.server.url)
            await page.until("ready")
            first = await ground.apps()
            assert not await page.evaluate(CLOSED)
            await page.press("q")
            await until(lambda: not any(map(alive, first)))
            while not await page.evaluate(CLOSED):
                await asyncio.sleep(0.05)
            ground.pids.unlink()
            await page.evaluate("document.querySelector('.closed a').click()")
            second = await ground.apps()
            await page.until("ready")
            await page.open("about:blank")
            await until(lambda: not any(map(alive, second)))

    run(work())


def test_what_looks_like_a_link_opens_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground, Browser(tmp_path / "profile") as page:
            await page.open(ground.server.url)
            await page.until("ready https://example.com/")
            for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
                button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
                await page.do("Input.dispatchMouseEvent", type=kind, x=120, y=8, **button)
                await asyncio.sleep(0.3)
            assert await page.evaluate("window.open('about:blank') === null")
            targets = (await page.do("Target.getTargets"))["targetInfos"]
            assert len([target for target in targets if target["type"] == "page"]) == 1
            assert "example.com" not in "".join(page.asked())

    run(work())


def test_a_link_elsewhere_that_leads_here_needs_one_more_click(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground, Browser(tmp_path / "profile") as page:
            await page.open(f"data:text/html,<a href='{ground.server.url}'>x</a>")
            while not await page.evaluate("document.querySelector('a')?.href.includes('token') ?? false"):
                await asyncio.sleep(0.05)
            await page.evaluate("document.querySelector('a').click()")
            while not await page.evaluate("location.protocol == 'http:' && !!document.querySelector('a')"):
                await asyncio.sleep(0.05)
            assert "whoever has the address" in await page.evaluate("document.body.innerText")
            await page.evaluate("document.querySelector('a').click()")
            await page.until("ready")

    run(work())
