"""Databases of real servers, by the URLs that ``servers.py start`` prints, each empty and of one test.

Without the URL in the environment a server's tests are skipped; with AGENTRT_TEST_DATABASES=1 they fail.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import pytest
from postgresql_desk import Desk, desk

REQUIRED = "AGENTRT_TEST_DATABASES"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """And a place for secrets."""
    for name in ("STATE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("AGENTRT_PASSPHRASE", "a passphrase of these tests")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    workspace = tmp_path / "ws"
    workspace.mkdir()
    (workspace / "a.txt").write_text("one\n")
    return workspace


@pytest.fixture
def postgresql() -> Iterator[str]:
    """The URL of a fresh, empty database."""
    import psycopg

    server = os.environ.get("AGENTRT_TEST_POSTGRESQL", "")
    if not server:
        lacking("AGENTRT_TEST_POSTGRESQL names no server; tests/databases/servers.py starts one")
    name = f"agentrt_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def owner(postgresql: str) -> Iterator[str]:
    """The URL of it for an ordinary role, as agents are to be given: it owns the schema and what it makes."""
    import psycopg

    role, secret, address = f"agentrt_{secrets.token_hex(6)}", secrets.token_hex(8), urlsplit(postgresql)
    with psycopg.connect(postgresql, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{secret}'")
        admin.execute(f"ALTER SCHEMA public OWNER TO {role}")
        admin.execute(f"GRANT CREATE ON DATABASE {address.path[1:]} TO {role}")
        yield address._replace(netloc=f"{role}:{secret}@{address.hostname}:{address.port}").geturl()
        admin.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER")  # the database goes with all of it
        admin.execute(f"DROP OWNED BY {role}")
        admin.execute(f"DROP ROLE {role}")


@pytest.fixture(params=["superuser", "owner"])
def either(request: pytest.FixtureRequest, postgresql: str) -> str:
    """The URL of it for each kind of role."""
    return postgresql if request.param == "superuser" else str(request.getfixturevalue("owner"))


@pytest.fixture
async def at_desk(postgresql: str, tmp_path: Path) -> AsyncIterator[Callable[..., Desk]]:
    """A desk there, for whoever has the URL, once statements were run; it is closed after the test, and before a role
    whose fixture was asked for earlier goes."""
    made: list[Desk] = []

    def at_desk(url: str, *statements: str) -> Desk:
        made.append(desk(url, tmp_path, postgresql))
        if statements:
            made[-1].others(*statements)
        return made[-1]

    yield at_desk
    for each in made:
        await each.database.close()


@pytest.fixture
def mariadb() -> Iterator[str]:
    """The URL of a fresh, empty schema."""
    import pymysql

    server = os.environ.get("AGENTRT_TEST_MARIADB", "")
    if not server:
        lacking("AGENTRT_TEST_MARIADB names no server; tests/databases/servers.py starts one")
    parts, name = urlsplit(server), f"agentrt_{secrets.token_hex(6)}"
    assert parts.hostname and parts.port and parts.username and parts.password
    with pymysql.connect(
        host=parts.hostname,
        port=parts.port,
        user=parts.username,
        password=parts.password,
        autocommit=True,
        ssl_disabled=True,
    ) as admin:
        admin.cursor().execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        yield parts._replace(path=f"/{name}").geturl()
        with admin.cursor() as cursor:  # a test that failed may hold its tables
            cursor.execute(f"SELECT id FROM information_schema.processlist WHERE db = '{name}'")
            for (number,) in cursor.fetchall():
                with suppress(pymysql.err.OperationalError):  # it has ended by itself
                    cursor.execute(f"KILL {number}")
            cursor.execute(f"DROP DATABASE {name}")


def lacking(why: str) -> NoReturn:
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{REQUIRED}=1, and {why}", pytrace=False)
    pytest.skip(why)
