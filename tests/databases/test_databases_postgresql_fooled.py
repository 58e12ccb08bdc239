"""PostgreSQL: SQL that would have agentrt see something else than what is there changes nothing of what it sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from postgresql_desk import Desk

from agentrt.errors import UsageError
from agentrt.tools.databases.postgresql import covered

pytestmark = pytest.mark.anyio

GROUND = """
    CREATE TABLE stock (id int PRIMARY KEY, n int);
    INSERT INTO stock VALUES (1, 10), (2, 20);
    CREATE TABLE trail (said text);
    GRANT ALL ON stock, trail TO PUBLIC
"""
COUNTERFEIT = """
    DECLARE each record; forged int := 0;
    BEGIN
        FOR each IN SELECT name, parameter_types::text[] AS types FROM pg_prepared_statements WHERE NOT from_sql LOOP
            EXECUTE format('DEALLOCATE %I', each.name);
            EXECUTE format('PREPARE %I %s AS SELECT NULL::text WHERE false', each.name,
                           CASE WHEN each.types <> '{}' THEN '(' || array_to_string(each.types, ', ') || ')' END);
            forged := forged + 1;
        END LOOP;
        INSERT INTO trail VALUES ('forged ' || forged);
"""
"""Every query that agentrt had planned answers nothing."""
FORGES = f"""
    CREATE FUNCTION forges() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS
        $$ {COUNTERFEIT} RETURN NULL; END $$;
    CREATE TRIGGER forges AFTER INSERT OR UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION forges()
"""


@pytest.fixture
def app(either: str, at_desk: Callable[..., Desk]) -> Desk:
    return at_desk(either, GROUND)


@pytest.fixture
def mine(owner: str, at_desk: Callable[..., Desk]) -> Desk:
    """By the ordinary role; the tables are a superuser's."""
    made = at_desk(owner)
    made.above(GROUND)
    return made


async def test_plans_that_were_exchanged(app: Desk) -> None:
    await app.act("first", "UPDATE stock SET n = n + 1 WHERE id = 1")  # plans are there by now
    await app.there_and_back(f"UPDATE stock SET n = 0; DO $do$ {COUNTERFEIT} END $do$; CREATE TABLE other (id int)")
    await app.act("mark", f"DO $do$ {COUNTERFEIT} END $do$; DELETE FROM stock WHERE id = 2")
    ((said,),) = app.others("SELECT said FROM trail")
    assert int(said.split()[1]) > 5
    await app.back("mark", "first")
    assert app.others("SELECT id, n FROM stock ORDER BY 1") == [(1, 10), (2, 20)]


@pytest.mark.parametrize("statement", ["DEALLOCATE ALL", "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"])
async def test_plans_that_are_gone(app: Desk, statement: str) -> None:
    await app.act("first", "UPDATE stock SET n = n + 1 WHERE id = 1")
    await app.there_and_back(f"{statement}; UPDATE stock SET n = 0; DROP TABLE trail")


async def test_plans_that_a_trigger_exchanges_while_rows_are_put_back(mine: Desk) -> None:
    """It fires again in the trial of undo, and what it writes then is seen."""
    await mine.act("first", "UPDATE stock SET n = n + 1 WHERE id = 1")
    mine.above(FORGES)
    before = mine.dump()
    with pytest.raises(UsageError, match="rows that change along"):
        await mine.act("mark", "UPDATE stock SET n = 0")
    await mine.database.discard()
    assert mine.dump() == before


async def test_what_is_prepared_does_not_outlast_the_action(app: Desk) -> None:
    await app.act("first", "PREPARE mine AS SELECT 1; UPDATE stock SET n = 1")
    with pytest.raises(UsageError, match="does not exist"):
        await app.act("second", "EXECUTE mine")


LETS = {
    "nobody": "",
    "a superuser": "GRANT {above} TO {role}",
    "a parameter": "GRANT SET ON PARAMETER track_counts TO {role}",
    "a function of a superuser": "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
}


@pytest.mark.parametrize("let", LETS)
async def test_whether_the_servers_own_count_is_enough(mine: Desk, monkeypatch: pytest.MonkeyPatch, let: str) -> None:
    """For a role that cannot keep it from counting, by itself or as somebody else; for all others catalogs are read."""
    ((version,),), ((role,),) = mine.above("SHOW server_version_num"), mine.others("SELECT current_user")
    if let == "a parameter" and int(version) < 150_000:
        let = "nobody"  # no role but a superuser may set it there
    if LETS[let]:
        ((above,),) = mine.above("SELECT current_user")
        mine.above(LETS[let].format(above=above, role=role))
    read = []
    count = covered._changed

    async def counted(*args: object) -> set[str]:
        read.append(args)
        return await count(*args)  # type: ignore[arg-type]  # it has those of the function it stands for

    monkeypatch.setattr(covered, "_changed", counted)
    await mine.act("rows", "UPDATE stock SET n = 0")
    assert bool(read) == (let != "nobody")
    await mine.there_and_back("UPDATE stock SET n = 1; CREATE TABLE mine (id int)")
    assert read
    if let == "a parameter":
        mine.above(f"REVOKE SET ON PARAMETER track_counts FROM {role}")


@pytest.mark.parametrize("let", ["superuser", "a parameter"])
async def test_a_server_that_is_told_not_to_count(mine: Desk, let: str) -> None:
    """What is defined meanwhile is seen all the same."""
    ((role,),) = mine.others("SELECT current_user")
    if let == "superuser" or mine.above("SHOW server_version_num") < [("150000",)]:
        mine.above(f"ALTER ROLE {role} SUPERUSER")
    else:
        mine.above(f"GRANT SET ON PARAMETER track_counts TO {role}")
    await mine.there_and_back(
        "SET track_counts = off; CREATE TABLE quiet (id int); UPDATE stock SET n = 0; SET track_counts = on"
    )
    mine.above(f"ALTER ROLE {role} NOSUPERUSER")
    if let == "a parameter":
        mine.above(f"REVOKE SET ON PARAMETER track_counts FROM {role}")
