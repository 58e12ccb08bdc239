"""PostgreSQL by an ordinary role, with what belongs to others: undo is exact, or the action is refused before it commits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from postgresql_desk import Desk

from agentrt.errors import UsageError

pytestmark = pytest.mark.anyio

STOCK = """
    CREATE TABLE stock (id int PRIMARY KEY, n int CHECK (n < 1000), touched int DEFAULT 0);
    CREATE TABLE trail (said text);
    INSERT INTO stock VALUES (1, 10), (2, 20);
    GRANT ALL ON stock, trail TO PUBLIC
"""
TOUCHED = (
    STOCK
    + """;
    CREATE FUNCTION touches() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := OLD.touched + 1; RETURN NEW; END $$;
    CREATE TRIGGER touches BEFORE UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION touches()
"""
)
TRAILED = (
    STOCK
    + """;
    CREATE FUNCTION trails() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS
        $$ BEGIN INSERT INTO trail VALUES (TG_OP); RETURN NULL; END $$;
    CREATE TRIGGER trails AFTER UPDATE OR INSERT ON stock FOR EACH ROW EXECUTE FUNCTION trails()
"""
)
STAMPED = (
    STOCK
    + """;
    CREATE FUNCTION stamps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := 7; RETURN NEW; END $$;
    CREATE TRIGGER stamps BEFORE INSERT OR UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION stamps()
"""
)
CHECKED = (
    STOCK
    + """;
    CREATE FUNCTION checks() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF NEW.n < 0 THEN RAISE 'below zero'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER checks BEFORE INSERT OR UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION checks()
"""
)
LOOKED_UP = """
    CREATE TABLE countries (code text PRIMARY KEY);
    INSERT INTO countries VALUES ('a'), ('b');
    GRANT SELECT, REFERENCES ON countries TO PUBLIC
"""
CIRCLE = """
    CREATE TABLE men (id int PRIMARY KEY, wife int);
    CREATE TABLE wives (id int PRIMARY KEY, man int REFERENCES men ON DELETE CASCADE);
    INSERT INTO men VALUES (1, 1); INSERT INTO wives VALUES (1, 1);
    ALTER TABLE men ADD FOREIGN KEY (wife) REFERENCES wives ON DELETE CASCADE {when}
"""

EXACT = {
    "rows": (STOCK, "", "UPDATE stock SET n = n + 1; DELETE FROM stock WHERE id = 1; INSERT INTO stock VALUES (3, 3)"),
    "rows, emptied": (STOCK, "", "TRUNCATE stock; INSERT INTO stock VALUES (1, 1)"),
    "a trigger that only looks": (CHECKED, "", "UPDATE stock SET n = n + 1; DELETE FROM stock WHERE id = 2"),
    "a trigger that is always on, of its own": (
        "",
        TOUCHED + "; ALTER TABLE stock ENABLE ALWAYS TRIGGER touches",
        "UPDATE stock SET n = 5",
    ),
    "a parent that may only be read": (
        LOOKED_UP,
        "CREATE TABLE towns (name text PRIMARY KEY, of text REFERENCES countries); INSERT INTO towns VALUES ('x', 'a')",
        "UPDATE towns SET of = 'b'; INSERT INTO towns VALUES ('y', 'a')",
    ),
    "a trigger of changes, where rows go out and in": (TOUCHED, "", "UPDATE stock SET n = 5"),
    "a view of a table of others": (LOOKED_UP, "", "CREATE VIEW v AS SELECT code FROM countries"),
    "definitions, with rows of others": (STOCK, "", "UPDATE stock SET n = 3; CREATE TABLE mine (a int); DELETE FROM stock WHERE id = 2"),
    "a circle that can wait": ("", CIRCLE.format(when="DEFERRABLE INITIALLY DEFERRED"), "DELETE FROM men"),
    "many rows that refer to each other": (
        "",
        "CREATE TABLE parts (id int PRIMARY KEY, next int REFERENCES parts)",
        "INSERT INTO parts SELECT n, 5001 - n FROM generate_series(1, 5000) n",
    ),
}  # fmt: skip
REFUSED = {
    "a trigger that changes the row": (STAMPED, "", "UPDATE stock SET n = 5", "rows that change along"),
    "definitions beside a parent that may only be read": (
        LOOKED_UP,
        "",
        "CREATE TABLE towns (name text, of text REFERENCES countries); INSERT INTO towns VALUES ('x', 'a')",
        "countries would be locked",
    ),
    "a trigger that writes elsewhere": (TRAILED, "", "UPDATE stock SET n = 5", "rows that change along"),
    "a trigger that writes where this role may not": (
        TRAILED + "; REVOKE ALL ON trail FROM PUBLIC",
        "",
        "UPDATE stock SET n = 5",
        "permission denied for table trail",
    ),
    "definitions, with a trigger that writes elsewhere": (
        TRAILED,
        "",
        "UPDATE stock SET n = 5; CREATE TABLE mine (a int)",
        "rows that change along",
    ),
    "rows that may only be put in": (
        STOCK + "; REVOKE DELETE, UPDATE, TRUNCATE ON stock FROM PUBLIC",
        "",
        "INSERT INTO stock VALUES (3, 3)",
        "could not be put back",
    ),
    "columns that may not be read": (
        STOCK + "; REVOKE SELECT ON stock FROM PUBLIC; GRANT SELECT (id, n) ON stock TO PUBLIC",
        "",
        "UPDATE stock SET n = 3 WHERE id = 1",
        "permission denied",
    ),
    "rows that are hidden": (
        STOCK + "; ALTER TABLE stock ENABLE ROW LEVEL SECURITY; CREATE POLICY late ON stock USING (id > 1)",
        "",
        "UPDATE stock SET n = 3",
        "row-level security",
    ),
    "a trigger on a table of others": (
        CHECKED,
        "",
        "CREATE TRIGGER again BEFORE DELETE ON stock FOR EACH ROW EXECUTE FUNCTION checks()",
        "must be owner",
    ),
    "a view of others goes along": (
        "",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION f() CASCADE",
        "must be (member of|able to SET) role",
    ),
    "a foreign key of others goes along": ("", "CREATE TABLE mine (a int PRIMARY KEY)", "DROP TABLE mine CASCADE", "theirs would be locked"),
    "a function that makes what is not the role's": (
        "CREATE FUNCTION makes() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'CREATE TABLE made (a int); SELECT 1'",
        "",
        "SELECT makes()",
        "permission denied for table made",
    ),
    "its own password": ("", "", "DO $$ BEGIN ALTER ROLE CURRENT_USER PASSWORD 'x'; END $$", "pg_authid"),
    "a mapping to another server": (
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN SERVER far TO PUBLIC",
        "",
        "DO $$ BEGIN CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (a 'b'); END $$",
        "pg_user_mapping",
    ),
    "the options of a mapping": (
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN SERVER far TO PUBLIC",
        "CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (a 'b')",
        "DO $$ BEGIN ALTER USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (SET a 'c'); END $$",
        "pg_user_mapping",
    ),
    "unique values that pass, of rows that others refer to": (
        "",
        "CREATE TABLE teams (id int PRIMARY KEY, name text UNIQUE);"
        "CREATE TABLE men (id int PRIMARY KEY, team int REFERENCES teams ON UPDATE CASCADE ON DELETE CASCADE);"
        "CREATE TABLE hats (of int REFERENCES men);"
        "INSERT INTO teams VALUES (1, 'a'); INSERT INTO men VALUES (1, 1)",
        "UPDATE teams SET id = 2",
        "could not be put back",
    ),
    "a circle": ("", CIRCLE.format(when=""), "DELETE FROM men", "could not be put back"),
}  # fmt: skip
LATER = {
    "a view of others goes along": "CREATE VIEW theirs AS SELECT f()",
    "a foreign key of others goes along": "CREATE TABLE theirs (a int REFERENCES mine)",
}
"""What a superuser adds to what the role made."""


@pytest.fixture
def app(owner: str, at_desk: Callable[..., Desk]) -> Desk:
    return at_desk(owner)


@pytest.mark.parametrize("what", EXACT)
async def test_undo_and_redo_give_exactly_what_was_there(app: Desk, what: str) -> None:
    theirs, own, statements = EXACT[what]
    app.above(theirs)
    app.others(own)

    await app.there_and_back(statements)


@pytest.mark.parametrize("what", REFUSED)
async def test_what_this_role_could_not_put_back_is_refused(app: Desk, what: str) -> None:
    theirs, own, statements, why = REFUSED[what]
    app.above(theirs)
    app.others(own)
    app.above(LATER.get(what, ""))
    before = app.dump()

    with pytest.raises(UsageError, match=why):
        await app.act("m", statements)

    await app.database.discard()
    assert app.dump() == before


async def test_what_a_foreign_key_would_take_along_is_a_conflict(app: Desk) -> None:
    app.others(
        "CREATE TABLE users (id int PRIMARY KEY)",
        "CREATE TABLE posts (id int PRIMARY KEY, by int REFERENCES users ON DELETE CASCADE)",
    )
    await app.act("m", "INSERT INTO users VALUES (1)")
    app.others("INSERT INTO posts VALUES (1, 1)")

    assert [path for path, _, _ in await app.conflicts("m")] == ["app:posts"]


@pytest.mark.parametrize(
    "constraint",
    ["UNIQUE (place) DEFERRABLE", "UNIQUE (place) DEFERRABLE INITIALLY DEFERRED", "EXCLUDE (abs(place) WITH =) WHERE (id > 0) DEFERRABLE"],
)  # fmt: skip
async def test_a_value_taken_since_is_a_conflict_also_where_a_trigger_looks(
    either: str, at_desk: Callable[..., Desk], constraint: str
) -> None:
    table = f"CREATE TABLE users (id int PRIMARY KEY, place int, {constraint})"
    app = at_desk(either, table, "INSERT INTO users VALUES (1, 1), (2, 2)")
    await app.act("m", "DELETE FROM users WHERE id = 2")
    app.others("INSERT INTO users VALUES (3, 2)")

    assert [path for path, _, _ in await app.conflicts("m")] == ["app:users"]
