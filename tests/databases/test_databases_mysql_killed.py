"""The process of an action is killed: at the server nothing stands, or all of it, and which is known."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from database_steps import take
from mysql_desk import Desk

from agentrt.contracts import Step

_PROGRAM = """
import asyncio, sys
from pathlib import Path
from agentrt.tools.databases.mysql import open_database

async def main(url, folder, until):
    database = open_database(url, name="app", folder=Path(folder), aside=Path(folder) / "aside")
    await database.begin("m")
    await database.execute("DELETE FROM users WHERE id = 1; UPDATE users SET name = 'x'", rows=1)
    await database.seal()
    if until == "committed":
        await database.commit()
    print("there", flush=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("until", ["sealed", "committed"])
def test_killed(mariadb: str, tmp_path: Path, until: str) -> None:
    desk = Desk(mariadb, tmp_path, "CREATE TABLE users (id INT PRIMARY KEY, name TEXT) ENGINE=InnoDB")
    desk.client("INSERT INTO users VALUES (1, 'Ann'), (2, 'Bob')")
    before = desk.dump()
    command = [sys.executable, "-c", _PROGRAM, mariadb, str(tmp_path), until]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"there\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL

    async def later() -> None:
        stands = await desk.database.stands("m")
        assert stands is (until == "committed")
        if stands:
            await take(desk.database, [Step("m", "back")])
            assert await desk.database.stands("m") is False
        assert desk.dump() == before
        await desk.act("UPDATE users SET name = 'y' WHERE id = 2")  # no lock is left

    asyncio.run(later())
