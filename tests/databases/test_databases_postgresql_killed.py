"""A process that dies, or a line that breaks, at the worst moment: what stands is known, and can be taken back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from postgresql_desk import Desk

from agentrt.errors import ResourceError
from agentrt.tools.databases.postgresql import open_database

pytestmark = pytest.mark.anyio

PROGRAM = """
    import asyncio, sys
    from pathlib import Path
    from agentrt.contracts import Step
    from agentrt.tools.databases.postgresql import open_database

    async def main(url, folder, until):
        database = open_database(url, name="app", folder=Path(folder), aside=Path(folder, "aside"))
        await database.begin("m")
        await database.execute("DELETE FROM users WHERE id = 1; INSERT INTO users VALUES (9)", rows=1)
        await database.seal()
        if until != "sealed":
            await database.commit()
        print("there", flush=True)
        await asyncio.sleep(60)

    asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def app(postgresql: str, at_desk: Callable[..., Desk]) -> Desk:
    return at_desk(postgresql, "CREATE TABLE users (id int PRIMARY KEY)", "INSERT INTO users VALUES (1), (2)")


def killed(app: Desk, folder: Path, until: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), app.url, str(folder), until]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        process.send_signal(signal.SIGKILL)


async def test_killed_before_the_commit_nothing_stands(app: Desk, tmp_path: Path) -> None:
    killed(app, tmp_path, "sealed")

    assert await app.database.stands("m") is False
    await app.act("next", "UPDATE users SET id = 3 WHERE id = 2")
    assert app.others("SELECT id FROM users ORDER BY id") == [(1,), (3,)]


async def test_killed_after_the_commit_it_stands_and_can_be_taken_back(app: Desk, tmp_path: Path) -> None:
    killed(app, tmp_path, "committed")

    assert await app.database.stands("m") is True
    await app.back("m")
    assert app.others("SELECT id FROM users ORDER BY id") == [(1,), (2,)]
    assert await app.database.stands("m") is False


async def test_half_of_it_is_neither(app: Desk) -> None:
    await app.act("m", "DELETE FROM users")
    app.others("INSERT INTO users VALUES (1)")

    assert await app.database.stands("m") is None
    assert await app.database.stands("never") is False


class Between:
    """Between a client and the server, it can cut the line when COMMIT is on its way."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.cut = ""

    async def start(self) -> int:
        self.server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def _joined(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        served, server = await asyncio.open_connection(*self.address)
        back = asyncio.create_task(self._pass(served, answer))
        while data := await client.read(65536):
            if self.cut and b"COMMIT" in data:
                back.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await back
                if self.cut == "answer":
                    server.write(data)
                    await server.drain()
                    await served.read(1)
                self.cut = ""
                break
            server.write(data)
            await server.drain()
        for writer in (answer, server):
            writer.close()

    async def _pass(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            to.write(data)
            await to.drain()
        to.close()


@pytest.mark.parametrize("lost", ["answer", "question"])
async def test_a_line_that_breaks_at_the_commit(app: Desk, tmp_path: Path, lost: str) -> None:
    address = urlsplit(app.url)
    assert address.hostname is not None and address.port is not None
    between = Between((address.hostname, address.port))
    port = await between.start()
    database = open_database(
        app.url.replace(f":{address.port}/", f":{port}/"), name="app", folder=tmp_path, aside=tmp_path / "aside"
    )
    await database.begin("m")
    await database.execute("DELETE FROM users", rows=1)
    await database.seal()
    between.cut = lost
    if lost == "answer":
        await database.commit()
        assert app.others("SELECT count(*) FROM users") == [(0,)]
    else:
        with pytest.raises(ResourceError):
            await database.commit()
        assert app.others("SELECT count(*) FROM users") == [(2,)]
    assert await app.database.stands("m") is (lost == "answer")
    await between.stop()
