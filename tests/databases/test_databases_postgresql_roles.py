"""PostgreSQL by a role that may not silence foreign keys: undo is as exact, or says why not and does nothing."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from database_steps import plan
from postgresql_desk import Desk, desk
from test_databases_postgresql_rows import MATRIX

from agentrt.contracts import Step
from agentrt.errors import Conflict

pytestmark = pytest.mark.anyio

SUBJECTS = (
    "update",
    "update that moves unique values along",
    "cascade of a delete",
    "cascade of an update",
    "parents and children come",
    "trigger",
    "serial and identity",
    "update beside an identity",
    "keyless delete",
    "partitions",
)


@pytest.fixture
async def app(postgresql: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """By an ordinary role, which owns what it makes."""
    role, secret = f"agentrt_{secrets.token_hex(6)}", secrets.token_hex(8)
    address = urlsplit(postgresql)
    with psycopg.connect(postgresql, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{secret}'")
        admin.execute(f"GRANT ALL ON SCHEMA public TO {role}")
        made = desk(address._replace(netloc=f"{role}:{secret}@{address.hostname}:{address.port}").geturl(), tmp_path)
        yield made
        await made.database.close()
        admin.execute(f"DROP OWNED BY {role} CASCADE")
        admin.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize("what", SUBJECTS)
async def test_undo_and_redo_give_exactly_what_was_there(app: Desk, what: str) -> None:
    schema, statements = MATRIX[what]
    app.others(schema)

    await app.there_and_back(statements)


async def test_what_a_foreign_key_would_take_along_is_a_conflict(app: Desk) -> None:
    app.others(
        "CREATE TABLE users (id int PRIMARY KEY)",
        "CREATE TABLE posts (id int PRIMARY KEY, by int REFERENCES users ON DELETE CASCADE)",
    )
    await app.act("m", "INSERT INTO users VALUES (1)")
    app.others("INSERT INTO posts VALUES (1, 1)")
    before = app.dump()

    planned = await plan(app.database, [Step("m", "back")])
    with pytest.raises(Conflict):
        await app.back("m")

    assert [conflict.path for conflict in planned.conflicts] == ["app:posts"]
    assert app.dump() == before
