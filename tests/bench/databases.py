"""What an action in a database costs, beside the bare driver, in one run.

    python tests/bench/bench.py databases

SQLite in a file; PostgreSQL and MariaDB where ``AGENTRT_TEST_POSTGRESQL`` and ``AGENTRT_TEST_MARIADB`` are set
(``python tests/databases/servers.py start FOLDER`` prints them). The bare statement is the same one, with a commit, on
a connection that is open; ours is a whole action of the runtime: decided, recorded, measured, judged, settled. The undo
of many rows is set against both: the bare update, and the update as an action.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agentrt import Operation, Runtime
from agentrt.records import Secret
from agentrt.secrets import store

ROUNDS = 21
ROWS = 1_000
_TABLE = 10_000
"""Rows of the table."""

Goal = tuple[str, float, str, float]
Bare = Callable[[str], None]
"""Runs statements and commits."""


def measure() -> list[Goal]:
    """Prints what was found, and gives what is to be reached."""
    goals: list[Goal] = []
    print(f"\nmilliseconds, median of {ROUNDS}; a table of {_TABLE:,} rows")
    print(
        f"  {'':<12}{'one row: bare':>14}{'action':>9}{'undo':>9}{f'{ROWS:,} rows: bare':>18}{'action':>9}{'undo':>9}"
        f"{'undo/bare':>11}{'undo/action':>13}"
    )
    with tempfile.TemporaryDirectory(prefix="agentrt-bench-") as folder:
        for name in ("STATE", "CONFIG", "DATA"):
            os.environ[f"XDG_{name}_HOME"] = f"{folder}/{name.lower()}"
        # No URL of a session has a password in it.
        os.environ |= {"AGENTRT_PASSPHRASE": folder, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        for name, (url, bare) in _there(Path(folder)).items():
            bare("CREATE TABLE bench (id INTEGER PRIMARY KEY, n INTEGER, text VARCHAR(100))")
            for first in range(0, _TABLE, 1000):
                values = ", ".join(f"({id}, {id}, 'the text of row {id}')" for id in range(first, first + 1000))
                bare(f"INSERT INTO bench VALUES {values}")
            found = asyncio.run(_rounds(Path(folder) / name, url, bare))
            one, many = found["one"], found["many"]
            print(
                f"  {name:<12}{one[0]:>14.2f}{one[1]:>9.2f}{one[2]:>9.2f}{many[0]:>18.2f}{many[1]:>9.2f}{many[2]:>9.2f}"
                f"{many[2] / many[0]:>11.2f}{many[2] / many[1]:>13.2f}"
            )
            goals += [
                (f"{name}: action of one row, ms above 3 x the statement", one[1] - 3 * one[0], "<=", 5),
                (f"{name}: undo of {ROWS:,} rows / the bare update", many[2] / many[0], "<=", 3),
                (f"{name}: undo of {ROWS:,} rows / the update as action", many[2] / many[1], "<=", 3),
            ]
            bare("DROP TABLE bench")
    return goals


async def _rounds(workspace: Path, url: str, bare: Bare) -> dict[str, list[float]]:
    """By size, the medians of the bare statement, the action and its undo."""
    workspace.mkdir()
    took: dict[tuple[str, int], list[float]] = {}

    async def timed(size: str, which: int, work: Callable[[], Any]) -> None:
        start = time.perf_counter()
        done = work()
        if asyncio.iscoroutine(done):
            done = await done
        took.setdefault((size, which), []).append((time.perf_counter() - start) * 1000)
        assert not isinstance(done, Operation) or (done.status, len(done.effects)) == ("settled", 1), done

    async with Runtime.open(workspace, databases={"bench": url}) as runtime:
        for _ in range(ROUNDS):
            for size, where in (("one", "id = 5000"), ("many", f"id < {ROWS}")):
                statement = f"UPDATE bench SET n = n + 1 WHERE {where}"
                await timed(size, 0, lambda statement=statement: bare(statement))
                act = {"database": "bench", "statement": statement}
                await timed(size, 1, lambda act=act: runtime.act("sql", **act))
                await timed(size, 2, runtime.undo)
    return {size: [statistics.median(took[size, which][1:]) for which in range(3)] for size in ("one", "many")}


def _there(folder: Path) -> dict[str, tuple[str, Bare]]:
    """By name, the URL and the bare driver."""
    import apsw

    file = folder / "bench.db"
    connection = apsw.Connection(str(file))
    connection.pragma("journal_mode", "wal")
    found: dict[str, tuple[str, Bare]] = {"sqlite": (f"sqlite:///{file}", lambda text: _run_sqlite(connection, text))}
    for name, variable in (("postgresql", "AGENTRT_TEST_POSTGRESQL"), ("mariadb", "AGENTRT_TEST_MARIADB")):
        if url := os.environ.get(variable):
            if name == "postgresql":
                url = _of_its_own(url)
            bare = _server(name, url)
            if name == "mariadb":
                bare("CREATE OR REPLACE DATABASE agentrt_bench")
                bare("USE agentrt_bench")
                url = urlsplit(url)._replace(path="/agentrt_bench").geturl()
            found[name] = _with_secret(name, url), bare
    return found


def _of_its_own(url: str) -> str:
    """A database, and an ordinary role, as agents are to be given."""
    import psycopg

    parts = urlsplit(url)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS agentrt_bench WITH (FORCE)")
        admin.execute("DROP ROLE IF EXISTS agentrt_bench")
        admin.execute("CREATE ROLE agentrt_bench LOGIN PASSWORD 'agentrt_bench'")
        admin.execute("CREATE DATABASE agentrt_bench OWNER agentrt_bench")
    netloc = f"agentrt_bench:agentrt_bench@{parts.hostname}:{parts.port}"
    return parts._replace(netloc=netloc, path="/agentrt_bench").geturl()


def _with_secret(name: str, url: str) -> str:
    password, secret = urlsplit(url).password or "", f"{name.upper()}_PASSWORD"
    store.keep(Secret(name=secret, value=password, hosts=("database.invalid",)))
    return url.replace(f":{password}@", f":${{{secret}}}@")


def _run_sqlite(connection: Any, text: str) -> None:
    with connection:
        connection.execute(text)


def _server(name: str, url: str) -> Bare:
    if name == "postgresql":
        import psycopg

        connection: Any = psycopg.connect(url)
    else:
        import pymysql

        parts = urlsplit(url)
        connection = pymysql.connect(
            host=parts.hostname or "localhost",
            port=parts.port or 3306,
            user=parts.username or "",
            password=parts.password or "",
        )

    def run(text: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(text)
        connection.commit()

    return run
