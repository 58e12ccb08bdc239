"""Rows of PostgreSQL: whatever an action does to them, undo and redo give exactly what was there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from postgresql_desk import Desk

from agentrt.errors import ResourceError
from agentrt.records import RowsEffect, SchemaEffect

pytestmark = pytest.mark.anyio

KEYED = """
    CREATE TABLE users (id int PRIMARY KEY, name text, place int UNIQUE);
    INSERT INTO users SELECT n, 'name ' || n, n FROM generate_series(1, 20) n
"""
SERIAL = """
    CREATE TABLE notes (id serial PRIMARY KEY, of int GENERATED ALWAYS AS IDENTITY, said text);
    INSERT INTO notes (said) VALUES ('a'), ('b')
"""
KEYLESS = "CREATE TABLE log (at int, said text); INSERT INTO log VALUES (1, 'x'), (1, 'x'), (1, 'x'), (2, NULL)"
FAMILY = """
    CREATE TABLE parents (id int PRIMARY KEY, boss int REFERENCES parents ON DELETE SET NULL);
    CREATE TABLE children (id int PRIMARY KEY, parent int NOT NULL REFERENCES parents ON DELETE CASCADE ON UPDATE CASCADE,
                           aunt int REFERENCES parents ON DELETE SET NULL);
    CREATE TABLE toys (child int REFERENCES children ON DELETE CASCADE, name text);
    INSERT INTO parents VALUES (1, NULL), (2, 1), (3, 1);
    INSERT INTO children VALUES (10, 1, 2), (11, 1, NULL), (20, 2, 1);
    INSERT INTO toys VALUES (10, 'car'), (10, 'car'), (20, 'doll')
"""
COMPOSITE = """
    CREATE TABLE seats ("row" char(3), number int, "Held By" text, PRIMARY KEY (number, "row"));
    INSERT INTO seats VALUES ('a', 1, NULL), ('a', 2, 'me'), ('b', 1, '')
"""
GENERATED = """
    CREATE TABLE boxes (id int PRIMARY KEY, w int, h int, area int GENERATED ALWAYS AS (w * h) STORED);
    INSERT INTO boxes VALUES (1, 2, 3), (2, 5, 5)
"""
TYPES = """
    CREATE TYPE pair AS (a int, b text);
    CREATE DOMAIN small AS int CHECK (VALUE < 100);
    CREATE TABLE types (
        id bigint PRIMARY KEY, b bytea, n numeric, m numeric(10, 2), f float8, r float4, t timestamptz, u timestamp,
        d date, i interval, j jsonb, k json, a text[], aa int[][], v varchar(5), c char(5), o bool, p pair, s small,
        x uuid, q int4range, w inet, y bit(3), e "char", g regclass, h money, z tsvector, l point
    );
    INSERT INTO types (id) VALUES (1), (2), (3)
"""
PARTED = """
    CREATE TABLE events (day date NOT NULL, what text) PARTITION BY RANGE (day);
    CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2000-01-01') TO ('2020-01-01');
    CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2040-01-01');
    INSERT INTO events VALUES ('2001-01-01', 'old'), ('2021-01-01', 'new')
"""
TRIGGERED = """
    CREATE TABLE stock (id int PRIMARY KEY, n int, touched int DEFAULT 0);
    CREATE TABLE audit (id bigserial PRIMARY KEY, what text);
    CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO audit (what) VALUES (TG_OP || ' ' || COALESCE(NEW.id, OLD.id));
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        NEW.touched := NEW.touched + 1; RETURN NEW;
    END $$;
    CREATE TRIGGER noted BEFORE INSERT OR UPDATE OR DELETE ON stock FOR EACH ROW EXECUTE FUNCTION noted();
    INSERT INTO stock VALUES (1, 10), (2, 20)
"""
AGAIN = r'''
    CREATE TABLE "Odd ""Name""" ("Key ""k""" text PRIMARY KEY, "ünïcode" text);
    CREATE SCHEMA "My Schema";
    CREATE TABLE "My Schema".t (id int PRIMARY KEY, v text);
    INSERT INTO "Odd ""Name""" VALUES ('it''s', E'a\nb\\{},"\t'), ('NULL', NULL), ('', '{"x"}'), ('😀', 'żółw');
    INSERT INTO "My Schema".t VALUES (1, 'NULL'), (2, '')
'''

MATRIX = {
    "insert": (KEYED, "INSERT INTO users VALUES (100, 'new', 100), (101, NULL, NULL)"),
    "update": (KEYED, "UPDATE users SET name = upper(name) WHERE id < 5"),
    "update that moves unique values along": (KEYED, "UPDATE users SET place = place + 100; UPDATE users SET place = place - 99"),
    "update of a key": (KEYED, "UPDATE users SET id = id + 100 WHERE id > 15"),
    "delete": (KEYED, "DELETE FROM users WHERE id % 2 = 0"),
    "delete of all": (KEYED, "DELETE FROM users"),
    "upsert": (KEYED, "INSERT INTO users VALUES (3, 'three', 33), (300, 'new', 300) ON CONFLICT (id) DO UPDATE SET name = excluded.name"),
    "merge": (KEYED, "MERGE INTO users u USING (VALUES (1), (500)) v (id) ON u.id = v.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'm', NULL)"),
    "several": (KEYED, "DELETE FROM users WHERE id = 1; INSERT INTO users VALUES (1, 'again', 1); UPDATE users SET name = 'z' WHERE id = 2; ; -- ; end"),
    "what comes and goes": (KEYED, "INSERT INTO users VALUES (70, 'x', 70); UPDATE users SET name = 'y' WHERE id = 70; DELETE FROM users WHERE id = 70; DELETE FROM users WHERE id = 7"),
    "locked rows are not changed ones": (KEYED, "SELECT * FROM users FOR UPDATE; UPDATE users SET name = name WHERE id < 4; DELETE FROM users WHERE id = 9"),
    "in a block that caught an error": (KEYED, "DO $$ BEGIN BEGIN INSERT INTO users VALUES (40, 'in', 40); DELETE FROM users WHERE id = 4; END; BEGIN DELETE FROM users; RAISE 'no'; EXCEPTION WHEN OTHERS THEN UPDATE users SET name = 'caught' WHERE id = 5; END; END $$"),
    "truncate": (KEYED, "TRUNCATE users"),
    "truncate amid other things": (KEYED, "UPDATE users SET name = 'x'; TRUNCATE TABLE ONLY public.users; INSERT INTO users VALUES (1, 'new', 1)"),
    "truncate of a serial": (SERIAL, "INSERT INTO notes (said) VALUES ('c'); TRUNCATE notes RESTART IDENTITY; INSERT INTO notes (said) VALUES ('d')"),
    "truncate cascading": (FAMILY, "TRUNCATE parents CASCADE"),
    "truncate of partitions": (PARTED, "TRUNCATE events"),
    "truncate without a key": (KEYLESS, "TRUNCATE log; INSERT INTO log VALUES (1, 'x'), (5, NULL)"),
    "serial and identity": (SERIAL, "INSERT INTO notes (said) VALUES ('c'), ('d'); DELETE FROM notes WHERE id = 1"),
    "update beside an identity": (SERIAL, "UPDATE notes SET said = 'new'; INSERT INTO notes (id, said) VALUES (77, 'x')"),
    "sequence alone": (SERIAL, "SELECT nextval('notes_id_seq') FROM generate_series(1, 5)"),
    "keyless insert": (KEYLESS, "INSERT INTO log VALUES (1, 'x'), (3, 'y'), (3, 'y')"),
    "keyless update of one of the same": (KEYLESS, "UPDATE log SET said = 'z' WHERE ctid = (SELECT min(ctid) FROM log)"),
    "keyless delete": (KEYLESS, "DELETE FROM log WHERE ctid IN (SELECT ctid FROM log WHERE at = 1 LIMIT 2); DELETE FROM log WHERE said IS NULL"),
    "cascade of a delete": (FAMILY, "DELETE FROM parents WHERE id = 1"),
    "cascade of an update": (FAMILY, "UPDATE children SET aunt = NULL; UPDATE parents SET boss = NULL; UPDATE parents SET id = id + 100"),
    "parents and children come": (FAMILY, "INSERT INTO parents VALUES (7, 1); INSERT INTO children VALUES (70, 7, 7); INSERT INTO toys VALUES (70, NULL)"),
    "composite key": (COMPOSITE, "UPDATE seats SET \"Held By\" = 'you' WHERE number = 1; DELETE FROM seats WHERE number = 2; INSERT INTO seats VALUES ('c', 9, 'x')"),
    "generated column": (GENERATED, "UPDATE boxes SET w = 10; INSERT INTO boxes VALUES (3, 1, 1); DELETE FROM boxes WHERE id = 2"),
    "partitions": (PARTED, "UPDATE events SET day = '2030-01-01' WHERE what = 'old'; INSERT INTO events VALUES ('2002-02-02', 'x')"),
    "trigger": (TRIGGERED, "UPDATE stock SET n = n + 1; DELETE FROM stock WHERE id = 2; INSERT INTO stock VALUES (3, 3)"),
    "odd names and texts": (AGAIN, r'''UPDATE "Odd ""Name""" SET "ünïcode" = "ünïcode" || E'\\"\'{}, 😀'; DELETE FROM "Odd ""Name""" WHERE "Key ""k""" IN ('', 'NULL'); UPDATE "My Schema".t SET v = NULL'''),
    "types": (TYPES, r"""
        INSERT INTO types VALUES (4, '\x00ff27', 'NaN', 1.50, '-0', '1e-30', '2024-02-29 12:00:00.123456+13', 'infinity',
            '4713-01-01 BC', '1 year -3 days 04:05:06.7', '{"a": [1, null, "\u00e9"]}', '{"b":1,   "b":2}', '{a,NULL,"NULL","q\"\\"}',
            '{{1,2},{3,4}}', ' a b ', 'ab', true, '(1,"x,""y")', 5, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '[1,5)', '10.0.0.1/8',
            B'101', 'z', 'types', '12.34', 'a fat cat'::tsvector, '(1.5,-2)');
        UPDATE types SET b = '', n = 123456789012345678901234567890.123456789000, f = 'Infinity', r = 0.1, c = '', a = '{}',
            i = '-00:00:00.000001', s = -1, p = '(,)', o = false, t = '0044-03-15 BC', j = 'null', d = '-infinity' WHERE id = 1;
        DELETE FROM types WHERE id = 2"""),
}  # fmt: skip


@pytest.fixture
def app(either: str, at_desk: Callable[..., Desk]) -> Desk:
    return at_desk(either)


@pytest.mark.parametrize("what", MATRIX)
async def test_undo_and_redo_give_exactly_what_was_there(app: Desk, what: str) -> None:
    schema, statements = MATRIX[what]
    app.others(schema)

    await app.there_and_back(statements)


async def test_effects_tell_rows_by_their_values(app: Desk) -> None:
    app.others(KEYED)

    (effect,) = await app.act(
        "m", "UPDATE users SET name = 'x' WHERE id = 1; INSERT INTO users VALUES (50); DELETE FROM users WHERE id = 2"
    )

    assert isinstance(effect, RowsEffect)
    assert (effect.database, effect.table, effect.change) == ("app", "users", "modified")
    assert (effect.inserted, effect.updated, effect.deleted) == (1, 1, 1)
    shown = [(row.before, row.after) for row in effect.rows]
    assert ({"id": 1, "name": "name 1", "place": 1}, {"id": 1, "name": "x", "place": 1}) in shown
    assert (None, {"id": 50, "name": None, "place": None}) in shown


async def test_ten_thousand_rows_in_one_statement(app: Desk) -> None:
    app.others(
        "CREATE TABLE many (id int PRIMARY KEY, v text)", "INSERT INTO many SELECT n FROM generate_series(1, 10000) n"
    )

    (effect,) = await app.there_and_back("UPDATE many SET v = 'all of ' || id")

    assert isinstance(effect, RowsEffect)
    assert effect.updated == 10_000


async def test_a_sequence_that_only_gives_numbers_is_no_effect(app: Desk) -> None:
    app.others(SERIAL)

    effects = await app.act("m", "INSERT INTO notes (said) VALUES ('c')")
    alone = await app.act("n", "SELECT nextval('notes_id_seq')")

    assert [effect.kind for effect in effects] == ["rows"]
    (moved,) = alone
    assert isinstance(moved, SchemaEffect)
    assert (moved.object, moved.name, moved.before, moved.after) == (
        "sequence",
        "notes_id_seq",
        "last_value 3",
        "last_value 4",
    )


async def test_numbers_of_several_actions_go_along_when_all_are_redone(app: Desk) -> None:
    app.others(SERIAL)
    before = app.dump()
    for mark in ("one", "two", "three"):
        await app.act(mark, "INSERT INTO notes (said) VALUES ('c')")
    after = app.dump()

    await app.back("three", "two", "one")
    assert app.dump() == before
    await app.forth("one", "two", "three")

    assert app.dump() == after


async def test_what_changes_nothing_keeps_nothing(app: Desk, tmp_path: Path) -> None:
    app.others(KEYED)

    assert await app.act("m", "SELECT * FROM users; UPDATE users SET name = name; DELETE FROM users WHERE false") == []
    assert not (tmp_path / "aside").exists()
    with pytest.raises(ResourceError, match="is gone"):  # never taken for something that was undone
        await app.back("m")
