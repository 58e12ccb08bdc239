"""Connections to PostgreSQL that stay open between actions: what is left in their session, and what if they break."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from postgresql_desk import Desk

pytestmark = pytest.mark.anyio

RAISE = "UPDATE users SET pay = pay + 1"
OURS = "pid <> pg_backend_pid() AND datname = current_database()"


@pytest.fixture
def app(postgresql: str, at_desk: Callable[..., Desk]) -> Desk:
    return at_desk(
        postgresql, "CREATE TABLE users (id int PRIMARY KEY, pay int)", "INSERT INTO users VALUES (1, 10), (2, 20)"
    )


def connections(app: Desk) -> set[int]:
    return {pid for (pid,) in app.others(f"SELECT pid FROM pg_stat_activity WHERE {OURS}")}


def pay(app: Desk) -> list[int]:
    return [pay for (pay,) in app.others("SELECT pay FROM users ORDER BY id")]


async def test_actions_and_undo_use_the_same_two_and_close_lets_go_of_them(app: Desk) -> None:
    await app.act("one", RAISE)
    first = connections(app)
    await app.act("two", RAISE)
    await app.back("two")
    assert await app.database.stands("one")

    assert len(first) == 2
    assert connections(app) == first
    await app.database.close()
    while connections(app):
        await asyncio.sleep(0.01)


async def test_one_that_broke_between_actions_is_opened_anew(app: Desk) -> None:
    await app.act("one", RAISE)
    broken = connections(app)
    app.others(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")
    await app.act("two", RAISE)
    assert pay(app) == [12, 22]
    app.others(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")
    await app.back("two")

    assert pay(app) == [11, 21]
    assert not broken & connections(app)


async def test_one_of_an_action_that_went_wrong_is_not_used_again(app: Desk) -> None:
    await app.act("one", RAISE)
    first = connections(app)
    await app.database.begin("two")
    await app.database.execute(RAISE, rows=10)
    await app.database.discard()
    await app.act("three", RAISE)

    assert pay(app) == [12, 22]
    assert not first & connections(app)


async def test_nothing_an_action_left_in_its_session_is_there_in_the_next(app: Desk) -> None:
    await app.act("one", RAISE)
    first = connections(app)
    await app.act(
        "two",
        f"SET search_path TO nowhere; SET TIME ZONE 'Asia/Tokyo'; SET datestyle TO 'German'; SET lock_timeout TO 1;"
        f"PREPARE mine AS SELECT 1; SELECT pg_advisory_lock(7); DECLARE held CURSOR WITH HOLD FOR SELECT 1;"
        f"{RAISE.replace('users', 'public.users')}",
    )

    where, free, held, *settings = await app.answers(
        "SELECT pg_backend_pid(); SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'; SELECT count(*) FROM pg_prepared_statements WHERE from_sql;"
        "SHOW search_path; SHOW TimeZone; SHOW datestyle; SHOW lock_timeout"
    )

    assert where.rows[0][0] in first
    assert [free.rows, held.rows] == [((0,),), ((0,),)]
    assert [answer.rows[0][0] for answer in settings][0::2] == ['"$user", public', "ISO, MDY"]
    assert settings[1].rows != (("Asia/Tokyo",),)
    assert settings[3].rows == (("10s",),)
    assert pay(app) == [12, 22]


async def test_cancelled_when_it_was_committed_an_action_stands_and_says_so(app: Desk) -> None:
    stood = list[bool]()
    for steps in range(40):
        await app.database.begin("one")
        await app.database.execute("UPDATE users SET pay = pay + 1 WHERE id = 1", rows=1)
        await app.database.seal()
        before, returned = pay(app)[0], list[bool]()

        async def work(returned: list[bool] = returned) -> None:
            await app.database.commit()
            returned.append(True)

        working = asyncio.create_task(work())
        for _ in range(steps):
            await asyncio.sleep(0)
        working.cancel()
        await asyncio.wait({working})
        await app.database.discard()

        assert (pay(app)[0] > before) is bool(returned)
        stood.append(bool(returned))
    assert not stood[0] and stood[-1]
