"""PostgreSQL with somebody else at work: what they wrote is never lost, and what would lose it is refused whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from postgresql_desk import Desk

from agentrt.errors import ResourceError, UsageError
from agentrt.tools.databases.postgresql import open_database
from agentrt.tools.databases.postgresql.line import Line, Refused, both

pytestmark = pytest.mark.anyio

USERS = """
    CREATE TABLE users (id serial PRIMARY KEY, email text UNIQUE, team int);
    INSERT INTO users (email, team) VALUES ('a@x', 1), ('b@x', 1), ('c@x', 2)
"""


@pytest.fixture
def app(either: str, at_desk: Callable[..., Desk]) -> Desk:
    return at_desk(either, USERS)


async def test_a_row_changed_since_is_a_conflict(app: Desk) -> None:
    await app.act("m", "UPDATE users SET team = 9 WHERE id < 3")
    app.others("UPDATE users SET team = 5 WHERE id = 2")

    assert await app.conflicts("m") == [("app:users[id=2]", "team=1", "team=5")]


async def test_a_row_deleted_or_put_in_since_is_a_conflict(app: Desk) -> None:
    await app.act("m", "UPDATE users SET team = 9 WHERE id = 1; DELETE FROM users WHERE id = 2")
    app.others("DELETE FROM users WHERE id = 1", "INSERT INTO users VALUES (2, 'other', 3)")

    found = {path: theirs for path, _, theirs in await app.conflicts("m")}

    assert found["app:users[id=1]"] == "no such row"
    assert "email='other'" in found["app:users[id=2]"]


async def test_a_unique_value_taken_since_is_a_conflict(app: Desk) -> None:
    await app.act("m", "DELETE FROM users WHERE id = 2")
    app.others("INSERT INTO users VALUES (50, 'b@x', 3)")

    ((path, _, theirs),) = await app.conflicts("m")

    assert path == "app:users"
    assert "b@x" in theirs


async def test_a_row_that_somebody_refers_to_since_is_a_conflict(app: Desk) -> None:
    app.others("CREATE TABLE posts (id int PRIMARY KEY, by int REFERENCES users ON DELETE CASCADE)")
    await app.act("m", "INSERT INTO users VALUES (60, 'new', 1)")
    app.others("INSERT INTO posts VALUES (1, 60)")

    ((path, _, theirs),) = await app.conflicts("m")

    assert path == "app:posts"
    assert "by=60" in theirs or theirs == "rows that change along"


async def test_what_a_put_back_row_refers_to_must_be_there(app: Desk) -> None:
    app.others("CREATE TABLE posts (id int PRIMARY KEY, by int REFERENCES users)", "INSERT INTO posts VALUES (1, 3)")
    await app.act("m", "DELETE FROM posts")
    app.others("DELETE FROM users WHERE id = 3")

    assert [path for path, _, _ in await app.conflicts("m")] == ["app:posts"]


async def test_a_table_that_is_another_since_is_a_conflict(app: Desk) -> None:
    await app.act("m", "DELETE FROM users WHERE id = 2")
    app.others("ALTER TABLE users ADD COLUMN age int")

    ((path, _, theirs),) = await app.conflicts("m")

    assert (path, "age" in theirs) == ("app:users", True)
    app.others("DROP TABLE users")
    assert await app.conflicts("m") == [("app:users", "its rows as they were", "no such table")]


async def test_what_others_did_to_other_rows_stays(app: Desk) -> None:
    await app.act("m", "UPDATE users SET team = 9 WHERE id = 1; INSERT INTO users (email) VALUES ('new')")
    app.others("UPDATE users SET team = 7 WHERE id = 2", "INSERT INTO users (email, team) VALUES ('other', 4)")

    await app.back("m")

    rows = app.others("SELECT id, email, team FROM users ORDER BY id")
    assert rows == [(1, "a@x", 1), (2, "b@x", 7), (3, "c@x", 2), (5, "other", 4)]
    app.others("INSERT INTO users (email) VALUES ('no number twice')")


async def test_old_actions_are_taken_back_and_later_ones_stay(app: Desk) -> None:
    await app.act("one", "UPDATE users SET team = 10 WHERE id = 1")
    await app.act("two", "UPDATE users SET team = 20 WHERE id = 2")
    await app.act("three", "UPDATE users SET team = 30 WHERE id = 1")
    between = app.dump()

    await app.back("two")
    assert app.others("SELECT team FROM users ORDER BY id") == [(30,), (1,), (2,)]
    assert await app.conflicts("one") == [("app:users[id=1]", "team=1", "team=30")]
    await app.back("three", "one")
    assert app.others("SELECT team FROM users ORDER BY id") == [(1,), (1,), (2,)]
    await app.forth("one", "two", "three")
    assert app.dump() == between


async def test_a_change_by_another_client_meanwhile_is_not_written_over(app: Desk) -> None:
    await app.database.begin("m")
    await app.database.execute("SELECT count(*) FROM users", rows=1)
    app.others("UPDATE users SET team = 5 WHERE id = 1", "INSERT INTO users (email) VALUES ('theirs')")

    with pytest.raises(ResourceError, match="concurrent update"):
        await app.database.execute("UPDATE users SET team = 9 WHERE id = 1", rows=1)

    await app.act("n", "UPDATE users SET team = 9 WHERE id = 1")
    await app.back("n")
    assert app.others("SELECT team FROM users WHERE id = 1") == [(5,)]


async def test_what_others_commit_meanwhile_is_no_effect(app: Desk) -> None:
    await app.database.begin("m")
    await app.database.execute("UPDATE users SET team = 9 WHERE id = 1", rows=1)
    app.others("UPDATE users SET team = 5 WHERE id = 2", "DELETE FROM users WHERE id = 3")
    app.others("INSERT INTO users VALUES (70, 'theirs', 1)")

    (effect,) = await app.database.seal()
    await app.database.commit()

    assert (effect.inserted, effect.updated, effect.deleted) == (0, 1, 0)
    await app.back("m")
    assert app.others("SELECT id, team FROM users ORDER BY id") == [(1, 1), (2, 5), (70, 1)]


async def test_a_row_that_others_hold_a_key_lock_on_is_still_measured(app: Desk) -> None:
    """Two lockers share one ``xmax``, which is neither of their numbers."""
    with psycopg.connect(app.url) as other:
        other.execute("SELECT * FROM users WHERE id = 1 FOR KEY SHARE")
        await app.database.begin("m")
        await app.database.execute("UPDATE users SET team = 9 WHERE id = 1", rows=1)
        (effect,) = await app.database.seal()
        await app.database.commit()
        other.rollback()

    assert effect.rows[0].before == {"id": 1, "email": "a@x", "team": 1}
    await app.back("m")
    assert app.others("SELECT team FROM users WHERE id = 1") == [(1,)]


async def test_nobody_sees_what_is_sealed_and_a_discard_leaves_nothing(app: Desk, tmp_path: Path) -> None:
    before = app.dump()
    await app.database.begin("m")
    await app.database.execute("DELETE FROM users", rows=1)
    await app.database.seal()
    assert list((tmp_path / "aside").rglob("app.json"))
    assert app.dump() == before

    await app.database.discard()

    assert app.dump() == before
    assert await app.database.stands("m") is False
    await app.database.discard()


async def test_locks_are_not_waited_for_without_end(app: Desk, tmp_path: Path) -> None:
    patient = open_database(f"{app.url}?options=-c%20lock_timeout%3D200ms", name="app", folder=tmp_path, aside=tmp_path)
    with psycopg.connect(app.url) as other:
        other.execute("SELECT * FROM users FOR UPDATE")
        await patient.begin("m")
        with pytest.raises(ResourceError) as caught:
            await patient.execute("DELETE FROM users", rows=1)
        other.rollback()
    assert "lock" in caught.value.hint


async def test_what_is_cancelled_is_ended_at_the_server(app: Desk) -> None:
    await app.database.begin("m")
    await app.database.execute("DELETE FROM users", rows=1)
    running = asyncio.create_task(app.database.execute("SELECT pg_sleep(60)", rows=1))
    await asyncio.sleep(0.5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    left = app.others(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%sleep(60)%' AND pid <> pg_backend_pid()"
    )
    assert left == [(0,)]
    assert app.others("SELECT count(*) FROM users") == [(3,)]


async def test_a_server_process_that_ends_takes_nothing_along(app: Desk) -> None:
    await app.database.begin("m")
    await app.database.execute("DELETE FROM users", rows=1)
    await app.database.seal()
    app.above(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'agentrt'"
    )

    with pytest.raises(ResourceError):
        await app.database.commit()

    assert app.others("SELECT count(*) FROM users") == [(3,)]
    assert await app.database.stands("m") is False


async def test_the_password_is_never_told(app: Desk, tmp_path: Path) -> None:
    wrong = app.url.replace("127.0.0.1", "127.0.0.1").replace("@", "wrong@")
    opened = open_database(wrong, name="app", folder=tmp_path, aside=tmp_path)
    secret = wrong.split(":")[2].split("@")[0]
    await opened.begin("m")
    with pytest.raises(ResourceError) as caught:
        await opened.execute("SELECT 1", rows=1)
    assert secret not in str(caught.value) + caught.value.hint
    with pytest.raises(UsageError) as refused:
        open_database(f"postgresql://u:{secret}@h:port/x?what=1", name="app", folder=tmp_path, aside=tmp_path)
    assert secret not in str(refused.value) + refused.value.hint


async def test_a_truncate_takes_no_row_along_that_nobody_kept(app: Desk) -> None:
    await app.database.begin("m")
    await app.database.execute("SELECT 1", rows=1)
    app.others("INSERT INTO users (email) VALUES ('theirs')")

    with pytest.raises(ResourceError, match="another client changed rows of users"):
        await app.database.execute("TRUNCATE users", rows=1)

    assert app.others("SELECT count(*) FROM users") == [(4,)]
    await app.act("n", "TRUNCATE users")
    assert app.others("SELECT count(*) FROM users") == [(0,)]
    await app.back("n")
    assert app.others("SELECT count(*) FROM users") == [(4,)]


@pytest.mark.parametrize("first", [True, False])
async def test_where_one_of_two_lines_is_refused_the_other_is_over_too(postgresql: str, first: bool) -> None:
    wrong, slow = [await Line.open(postgresql, "app") for _ in range(2)]
    try:
        pid = (await slow.run("SELECT pg_backend_pid()")).rows[0][0]
        asked = [wrong.run("SELECT 1 / 0"), slow.run("SELECT pg_sleep(3600)")]
        with pytest.raises(Refused, match="division by zero"):
            await both(*(asked if first else asked[::-1]))
        running = f"SELECT FROM pg_stat_activity WHERE pid = {pid} AND state = 'active'"
        for _ in range(100):
            if not (await wrong.run(running)).rows:
                break
            await asyncio.sleep(0.02)
        assert not (await wrong.run(running)).rows
    finally:
        await wrong.close()
        await slow.close()
