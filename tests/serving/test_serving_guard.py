"""Who gets in: each door, tried by those who must not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from serving_ground import alive, serving, until

from agentrt.errors import UsageError
from agentrt.serving.guard import Guard, is_loopback, is_ours
from agentrt.serving.server import Server


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_the_token_is_exchanged_for_a_cookie_that_no_script_and_no_other_site_has(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground:
            status, headers, _ = await ground.get(ground.server.url)
            assert status == 303
            assert headers["Location"] == f"/{ground.server.guard.place}/" and "token" not in headers["Location"]
            name, *attributes = headers["Set-Cookie"].split("; ")
            assert name == f"{ground.server.guard.name}={ground.server.guard.cookie}"
            assert {"HttpOnly", "SameSite=Strict", f"Path=/{ground.server.guard.place}/"} <= set(attributes)
            assert ground.server.guard.token not in headers["Set-Cookie"]
            status, headers, page = await ground.get(f"{ground.place}/", **ground.cookie)
            assert status == 200 and ground.server.guard.token.encode() not in page
            assert b"&lt;b&gt;&#34;title&#34;" in page

    run(work())


def test_without_it_no_path_gives_anything(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground:
            guard = ground.server.guard
            wrong = [{}, {"Cookie": f"{guard.name}=x"}, {"Cookie": f"{guard.name}={guard.token}"}, {"Cookie": "é=\xff"}]
            paths = [
                "/",
                "/?token=",
                "/?token=x",
                f"/?token={guard.cookie}",
                "/static/",
                "/ws",
                "/download/x",
                "/nothing",
            ]
            inside = [f"/{guard.place}{path}" for path in ("", "/", "/ws", "/textual.js", f"/?token={guard.token}")]
            for path in [*paths, *inside]:
                for headers in wrong:
                    status, _, body = await ground.get(ground.base + path, **headers)
                    assert status == 403 and guard.cookie.encode() not in body, (path, headers)
            async with ground.client.post(ground.server.url) as answer:
                assert answer.status in (403, 405) or not answer.cookies
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await ground.connect()
            assert not ground.pids.exists()

    run(work())


def test_other_names_of_this_machine_are_refused_also_with_the_token(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground:
            for host in (
                "evil.example",
                "127.0.0.1.evil.example",
                "localhost.evil.example:80",
                "10.0.0.1",
                "[::2]",
                "0",
            ):
                for url in (ground.server.url, f"{ground.place}/"):
                    status, headers, _ = await ground.get(url, Host=host, **ground.cookie)
                    assert status == 403 and "Set-Cookie" not in headers, host
            for host in ("localhost:9999", "LOCALHOST", "[::1]:80"):
                assert (await ground.get(ground.server.url, Host=host))[0] == 303, host

    run(work())


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1", "https://localhost"])
def test_pages_of_others_open_no_connection(tmp_path: Path, origin: str) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground:
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await ground.connect(Origin=origin, **ground.cookie)
            assert not ground.pids.exists()

    run(work())


def test_every_answer_forbids_what_a_page_need_not_do(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground:
            for url in (ground.server.url, f"{ground.base}/", f"{ground.place}/", f"{ground.place}/nothing"):
                _, headers, _ = await ground.get(url, **ground.cookie)
                assert "default-src 'none'" in headers["Content-Security-Policy"]
                assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
                assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "DENY"
                assert headers["Referrer-Policy"] == "no-referrer" and headers["Cache-Control"] == "no-store"

    run(work())


def test_what_is_served_are_four_files_and_they_ask_for_nothing_elsewhere(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground:
            _, _, page = await ground.get(f"{ground.place}/", **ground.cookie)
            links = _Links(page.decode()).found
            assert {"xterm.css", "page.css", "textual.js"} <= links
            assert {urlsplit(link).netloc for link in links} == {""}
            for name in ("xterm.css", "page.css", "textual.js", "mono.ttf"):
                status, _, body = await ground.get(f"{ground.place}/{name}", **ground.cookie)
                assert status == 200 and b"@import" not in body and b"googleapis" not in body
            for name in ("", "static/", "..%2f..%2fetc%2fpasswd", "%2e%2e/pages.py", "page.html", "js/textual.js"):
                status, _, body = await ground.get(f"{ground.place}/{name}", **ground.cookie)
                assert status in (403, 404) or body == page, name

    run(work())


class _Links(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value or "" for name, value in attrs if name in ("href", "src", "action")}


def test_one_who_is_let_in_has_an_app_of_its_own_until_it_leaves(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground:
            async with ground.connect(**ground.cookie) as socket:
                for junk in (
                    "",
                    "[]",
                    "{}",
                    "[1]",
                    '["resize", 3]',
                    '["resize", {"width": -1}]',
                    '["stdin", 1]',
                    "[" * 100,
                ):
                    await socket.send_str(junk)
                await socket.send_json(["ping", "7"])
                await socket.send_json(["stdin", "k"])
                shown = b""
                while b"pressed k" not in shown:
                    message = await socket.receive(30)
                    assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                    shown += message.data if isinstance(message.data, bytes) else b""
                pids = await ground.apps()
                assert all(map(alive, pids))
            await until(lambda: not any(map(alive, pids)))

    run(work())


def test_an_app_that_ends_ends_the_connection(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground, ground.connect(**ground.cookie) as socket:
            pids = await ground.apps()
            await socket.send_json(["stdin", "q"])
            while (await socket.receive(30)).type is aiohttp.WSMsgType.BINARY:
                pass
            assert socket.closed
            await until(lambda: not any(map(alive, pids)))

    run(work())


def test_an_app_that_breaks_says_so_in_the_browser_and_nothing_reaches_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground, ground.connect(**ground.cookie) as socket:
            await ground.apps()
            await socket.send_json(["stdin", "x"])
            shown = b""
            while (message := await socket.receive(30)).type is aiohttp.WSMsgType.BINARY:
                shown += message.data
            assert b"RuntimeError: it \\x1b[31mbroke" in shown.partition(b"as it ended:")[2]

    run(work())
    assert capfd.readouterr() == ("", "")


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground:
            other = Server(["true"])
            try:
                with pytest.raises(UsageError, match=f"port {ground.server.port} is taken") as raised:
                    await other.start(ground.server.port)
                assert "--port" in raised.value.hint
            finally:
                await other.close()

    run(work())


def test_nothing_but_loopback_is_listened_on(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as ground:
            mine = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            port = f"{ground.server.port:04X}"
            assert {line[1] for line in mine if line[1].endswith(f":{port}") and line[3] == "0A"} == {
                f"0100007F:{port}"
            }

    run(work())


def test_tokens_are_long_and_no_two_alike() -> None:
    many = [Guard() for _ in range(50)]
    words = [word for guard in many for word in (guard.token, guard.cookie, guard.place)]
    assert len(set(words)) == len(words)
    assert all(len(guard.token) >= 43 and len(guard.cookie) >= 43 for guard in many)  # 256 bits, six a letter
    assert many[0].token not in repr(many[0]) and many[0].cookie not in repr(many[0])


def test_names_and_origins() -> None:
    assert is_loopback("127.0.0.1:80") and not is_loopback("127.0.0.1:80\n") and not is_loopback("127.0.0.2")
    assert not is_loopback("") and not is_loopback("localhost:80@evil") and not is_loopback("user@localhost")
    assert is_ours("http://localhost:1", "localhost:1") and not is_ours("http://localhost:2", "localhost:1")


def test_an_app_that_does_not_want_to_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentrt.serving.program._PATIENCE", 0.3)
    code = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('__GANGLION__', flush=True)\n"
        "open(sys.argv[1], 'w').write(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )

    async def work() -> None:
        async with serving(tmp_path, sys.executable, "-c", code) as ground:
            async with ground.connect(**ground.cookie):
                [pid] = await ground.apps()
            await until(lambda: not alive(pid))

    run(work())
