"""``agentrt serve`` as a process: what it prints, what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from serving_ground import alive, until

SERVE = (sys.executable, "-m", "agentrt", "serve")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path / "home")}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    folder.mkdir()
    return folder


@contextmanager
def started(command: Sequence[str], cwd: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=pipe, stderr=pipe, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def document(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What is printed once it listens."""
    assert process.stdout is not None
    text = ""
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        text += line
    found: dict[str, Any] = json.loads(text)
    return found


async def socket_of(client: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    """As a browser comes to it: by the printed address."""
    async with client.get(url, allow_redirects=False) as answer:
        inside, cookie = answer.headers["Location"], answer.headers["Set-Cookie"].partition(";")[0]
    base = f"http://{urlsplit(url).netloc}"
    return await client.ws_connect(f"{base}{inside}ws", headers={"Origin": base, "Cookie": cookie})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_leaves_no_process(tmp_path: Path, environment: dict[str, str], number: signal.Signals) -> None:
    written, pids = tmp_path / "pids", [tmp_path / "pids1", tmp_path / "pids2"]
    script = str(Path(__file__).with_name("serve_tiny.py"))

    async def work() -> list[int]:
        with started((sys.executable, script, str(written)), tmp_path, environment) as process:
            url = document(process)["url"]
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
                sockets = []
                for place in pids:
                    sockets.append(await socket_of(client, url))
                    await until(written.exists)
                    await until(written.read_text)
                    written.rename(place)
                left = [int(pid) for place in pids for pid in place.read_text().split()]
                assert len(left) == 4 and all(map(alive, left))
                process.send_signal(number)
                assert await asyncio.to_thread(process.wait, 30) == 128 + number
                return left

    left = asyncio.run(work())
    assert not any(map(alive, left))


def test_a_taken_port_and_one_that_is_none(workspace: Path, environment: dict[str, str]) -> None:
    with started((*SERVE, "--json"), workspace, environment) as process:
        found = document(process)
        assert found["url"].startswith(f"http://127.0.0.1:{found['port']}/?token=")
        done = subprocess.run(
            (*SERVE, "--port", str(found["port"])), cwd=workspace, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 2 and done.stdout == ""
        assert f"port {found['port']} is taken" in done.stderr and "hint: name another with --port" in done.stderr
    for words in (("--port", "0"), ("--port", "65536"), ("--port", "x"), ("--session", "s7")):
        done = subprocess.run((*SERVE, *words), cwd=workspace, env=environment, capture_output=True, text=True)
        assert done.returncode == 2 and "hint: " in done.stderr and "Traceback" not in done.stderr, words


def test_for_a_person_the_address_stands_on_a_line_of_its_own(workspace: Path, environment: dict[str, str]) -> None:
    with started(SERVE, workspace, environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        assert "ctrl-C ends it" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130 and err == "agentrt: interrupted\n"


def test_what_lies_in_the_workspace_is_not_imported(
    workspace: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    for name in ("agentrt", "json", "random", "textual"):
        (workspace / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')")

    async def work() -> None:
        with started((sys.executable, "-P", *SERVE[1:], "--json"), workspace, environment) as process:
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
                socket = await socket_of(client, document(process)["url"])
                await socket.receive(30)
                await socket.close()

    asyncio.run(work())
    assert not (tmp_path / "imported").exists()
