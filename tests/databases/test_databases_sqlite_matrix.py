"""Whatever an action did to an SQLite database, it is as before when it is undone, and as after when it is redone.

Compared as full dumps, which are not taken by what is tested.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlite_desk import Desk

PEOPLE = """
    CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, age INT, note);
    INSERT INTO people (name, age, note) VALUES ('Ann', 30, NULL), ('Bob', 40, x'00ff'), ('Cyd', 50, 1.5);
    CREATE INDEX by_age ON people (age);
    CREATE VIEW old AS SELECT * FROM people WHERE age > 35;
"""
SHOP = """
    CREATE TABLE makers (code TEXT PRIMARY KEY, name TEXT);
    CREATE TABLE goods (id INTEGER PRIMARY KEY, maker TEXT REFERENCES makers ON DELETE CASCADE ON UPDATE CASCADE);
    CREATE TABLE notes (id INTEGER PRIMARY KEY, good INT REFERENCES goods ON DELETE SET NULL, said TEXT);
    INSERT INTO makers VALUES ('a', 'Acme'), ('b', 'Bolt');
    INSERT INTO goods VALUES (1, 'a'), (2, 'a'), (3, 'b');
    INSERT INTO notes VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 3, 'z');
"""
KEYS = """
    CREATE TABLE two (a, b, c, PRIMARY KEY (a, b));
    INSERT INTO two VALUES (1, 1, 'x'), (1, 2, 'y'), (NULL, 1, 'n'), (NULL, 1, 'm'), (1, NULL, 'o');
    CREATE TABLE none (a, b);
    INSERT INTO none VALUES (1, 2), (1, 2), (NULL, NULL);
    CREATE TABLE bare (k TEXT COLLATE NOCASE, n, v REAL, PRIMARY KEY (k, n)) WITHOUT ROWID;
    INSERT INTO bare VALUES ('a', 1, 1), ('b', 2, 2.5);
    CREATE TABLE strict (id INT PRIMARY KEY, t TEXT, b BLOB, r REAL, x ANY) STRICT;
    INSERT INTO strict VALUES (1, 'one', x'01', 1, '1'), (2, 'two', NULL, -0.0, 2);
    CREATE TABLE falls (id INTEGER PRIMARY KEY DESC, v);
    INSERT INTO falls VALUES (5, 'five'), (NULL, 'null');
"""
COMPUTED = """
    CREATE TABLE sums (id INTEGER PRIMARY KEY, a INT, twice AS (a * 2) VIRTUAL, thrice AS (a * 3) STORED, b, UNIQUE (twice));
    INSERT INTO sums (a, b) VALUES (1, 'x'), (2, 'y'), (3, 'z');
    CREATE TABLE plain (a, v AS (a || '!') VIRTUAL);
    INSERT INTO plain VALUES (1), (1), (2);
    CREATE TABLE both (k TEXT PRIMARY KEY, a, v AS (a + 1) VIRTUAL) WITHOUT ROWID;
    INSERT INTO both VALUES ('x', 1), ('y', 2);
"""
NAMES = """
    CREATE TABLE "odd "" na
me é" ("rowid" TEXT PRIMARY KEY, "se""lect" INT, "ü" TEXT);
    INSERT INTO "odd "" na
me é" VALUES ('a', 1, 'ä'), (NULL, 2, '日本');
    CREATE TABLE hidden ("rowid" INT, "_rowid_" INT, oid INTEGER PRIMARY KEY);
    INSERT INTO hidden VALUES (1, 2, 3), (4, 5, 6);
"""
WATCHED = """
    CREATE TABLE things (id INTEGER PRIMARY KEY, n INT);
    CREATE TABLE trail (at INTEGER PRIMARY KEY AUTOINCREMENT, said TEXT);
    CREATE VIEW shown AS SELECT id, n * 10 AS tens FROM things;
    CREATE TRIGGER told AFTER UPDATE ON things BEGIN INSERT INTO trail (said) VALUES (old.n || '>' || new.n); END;
    CREATE TRIGGER came AFTER INSERT ON things BEGIN UPDATE things SET n = n + 1 WHERE id = new.id; END;
    CREATE TRIGGER through INSTEAD OF UPDATE ON shown BEGIN UPDATE things SET n = new.tens / 10 WHERE id = old.id; END;
    INSERT INTO things VALUES (1, 10), (2, 20);
"""
FOUND = """
    CREATE VIRTUAL TABLE pages USING fts5 (title, body);
    INSERT INTO pages VALUES ('one', 'the first page'), ('two', 'the second page');
    CREATE VIRTUAL TABLE boxes USING rtree (id, x0, x1);
    INSERT INTO boxes VALUES (1, 0, 1), (2, 5, 6);
    CREATE TABLE texts (id INTEGER PRIMARY KEY, t);
    CREATE VIRTUAL TABLE ftexts USING fts5 (t, content = texts, content_rowid = id);
    CREATE TRIGGER ti AFTER INSERT ON texts BEGIN INSERT INTO ftexts (rowid, t) VALUES (new.id, new.t); END;
    INSERT INTO texts VALUES (1, 'hello');
    CREATE VIRTUAL TABLE third USING fts4 (body);
    INSERT INTO third VALUES ('fourth');
"""
MEASURED = PEOPLE + "ANALYZE;"
REFERRED = (
    SHOP
    + """
    CREATE VIEW listed AS SELECT goods.id, makers.name FROM goods JOIN makers ON code = maker;
    CREATE TRIGGER gone AFTER DELETE ON makers BEGIN DELETE FROM notes WHERE said = old.name; END;
    CREATE INDEX by_name ON makers (name);
"""
)

CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "insert": (PEOPLE, ("INSERT INTO people (name) VALUES ('Dan')",)),
    "update": (PEOPLE, ("UPDATE people SET age = age + 1 WHERE id = 2",)),
    "delete": (PEOPLE, ("DELETE FROM people WHERE id = 2",)),
    "upsert": (
        PEOPLE,
        ("INSERT INTO people (name, age) VALUES ('Ann', 31), ('Eve', 9) ON CONFLICT (name) DO UPDATE SET age = excluded.age",),
    ),
    "replace": (PEOPLE, ("REPLACE INTO people (name, age) VALUES ('Ann', 31)", "REPLACE INTO people (id, name) VALUES (2, 'Bo')")),
    "or ignore": (PEOPLE, ("INSERT OR IGNORE INTO people (name, age) VALUES ('Ann', 31), ('Fay', 1)",)),
    "update or replace": (PEOPLE, ("UPDATE OR REPLACE people SET name = 'Bob' WHERE id = 1",)),
    "truncate": (PEOPLE, ("DELETE FROM people",)),
    "truncate and fill": (PEOPLE, ("DELETE FROM people; INSERT INTO people (name) VALUES ('Ann'), ('Zoe')",)),
    "swap": (PEOPLE, ("UPDATE people SET name = 'x' WHERE id = 1; UPDATE people SET name = 'Ann' WHERE id = 2; UPDATE people SET name = 'Bob' WHERE id = 1",)),
    "key": (PEOPLE, ("UPDATE people SET id = id + 100",)),
    "rowid": (KEYS, ("UPDATE none SET rowid = rowid + 10; UPDATE two SET rowid = rowid + 10",)),
    "rowid beside a key": (KEYS, ("UPDATE two SET rowid = rowid + 10 WHERE a + b > 0",)),
    "sequence": (PEOPLE, ("UPDATE sqlite_sequence SET seq = 99; INSERT INTO people (name) VALUES ('Dan')",)),
    "sequence alone": (PEOPLE, ("INSERT INTO people (name) VALUES ('Dan')", "DELETE FROM people WHERE name = 'Dan'")),
    "sequence gone": (PEOPLE, ("DELETE FROM sqlite_sequence",)),
    "first of a sequence": ("CREATE TABLE q (id INTEGER PRIMARY KEY AUTOINCREMENT)", ("INSERT INTO q DEFAULT VALUES",)),
    "settings": (PEOPLE, ("PRAGMA user_version = 7; PRAGMA application_id = 77",)),
    "cascade": (SHOP, ("DELETE FROM makers WHERE code = 'a'",)),
    "cascade of a key": (SHOP, ("UPDATE makers SET code = 'z' WHERE code = 'a'",)),
    "set null": (SHOP, ("DELETE FROM goods WHERE id = 1",)),
    "composite": (KEYS, ("UPDATE two SET c = c || '!'; DELETE FROM two WHERE a = 1 AND b = 2; INSERT INTO two VALUES (7, 7, 7)",)),
    "NULL in a key": (KEYS, ("UPDATE two SET a = 9 WHERE c = 'n'; UPDATE two SET b = NULL WHERE c = 'x'; DELETE FROM two WHERE c = 'o'",)),
    "no key": (KEYS, ("DELETE FROM none WHERE rowid = 1; UPDATE none SET b = 5 WHERE a IS NULL; INSERT INTO none VALUES (1, 2)",)),
    "without rowid": (KEYS, ("UPDATE bare SET v = 3; DELETE FROM bare WHERE k = 'a'; INSERT INTO bare VALUES ('c', 1.0, 4)",)),
    "without rowid, key": (KEYS, ("UPDATE bare SET k = upper(k); REPLACE INTO bare VALUES ('B', 2, 9)",)),
    "strict": (KEYS, ("UPDATE strict SET x = x'00', r = 9e999; INSERT INTO strict VALUES (3, '', zeroblob(3), 0.1, 3.0)",)),
    "falling key": (KEYS, ("UPDATE falls SET v = 'x'; INSERT INTO falls VALUES (NULL, 1), (6, 2)",)),
    "generated": (COMPUTED, ("UPDATE sums SET a = a + 10; DELETE FROM sums WHERE id = 1; INSERT INTO sums (a) VALUES (7)",)),
    "generated, no key": (COMPUTED, ("UPDATE plain SET a = 5 WHERE rowid = 2; DELETE FROM plain WHERE a = 1; INSERT INTO plain VALUES (3)",)),
    "generated, without rowid": (COMPUTED, ("UPDATE both SET a = 5 WHERE k = 'x'; DELETE FROM both WHERE k = 'y'; INSERT INTO both VALUES ('z', 1)",)),
    "generated, altered": (COMPUTED, ("UPDATE sums SET a = 50 WHERE id = 2", "ALTER TABLE sums ADD COLUMN more AS (a + b)", "DELETE FROM sums WHERE id = 1")),
    "names": (NAMES, ('UPDATE "odd "" na\nme é" SET "se""lect" = 5, ü = \'ö\'', 'INSERT INTO "odd "" na\nme é" VALUES (\'5\', 1, 2)', "UPDATE hidden SET _rowid_ = 0")),
    "names, altered": (NAMES, ('ALTER TABLE "odd "" na\nme é" RENAME COLUMN ü TO "u u"', "DROP TABLE hidden")),
    "trigger": (WATCHED, ("UPDATE things SET n = 5 WHERE id = 1; INSERT INTO things VALUES (3, 3)",)),
    "instead of": (WATCHED, ("UPDATE shown SET tens = 70 WHERE id = 2",)),
    "create table": (PEOPLE, ("CREATE TABLE pets (id INTEGER PRIMARY KEY, of INT REFERENCES people)", "INSERT INTO pets VALUES (1, 1)")),
    "create table, sequence": (PEOPLE, ("CREATE TABLE pets (id INTEGER PRIMARY KEY AUTOINCREMENT, n); INSERT INTO pets (n) VALUES (1), (2)",)),
    "create table as": (PEOPLE, ("CREATE TABLE copy AS SELECT * FROM people", "UPDATE copy SET age = 1 WHERE id = 1")),
    "copy into": (PEOPLE, ("CREATE TABLE copy (id INTEGER PRIMARY KEY, name, age, note); INSERT INTO copy SELECT * FROM people",)),
    "add column": (PEOPLE, ("ALTER TABLE people ADD COLUMN size INT NOT NULL DEFAULT 5", "UPDATE people SET size = 6 WHERE id = 1")),
    "added before": (PEOPLE + "ALTER TABLE people ADD COLUMN size DEFAULT 'big';", ("UPDATE people SET age = 1 WHERE id = 2; DELETE FROM people WHERE id = 1",)),
    "rename column": (REFERRED, ("ALTER TABLE makers RENAME COLUMN name TO label", "UPDATE makers SET label = 'x'")),
    "rename a key": (REFERRED, ("ALTER TABLE makers RENAME COLUMN code TO key", "UPDATE makers SET key = 'x' WHERE key = 'a'")),
    "drop column": (SHOP, ("UPDATE makers SET name = 'n'; ALTER TABLE makers DROP COLUMN name; INSERT INTO makers VALUES ('c')",)),
    "rename table": (REFERRED, ("DELETE FROM goods WHERE id = 3", "ALTER TABLE makers RENAME TO firms", "DELETE FROM firms WHERE code = 'a'")),
    "rename table, sequence": (PEOPLE, ("DROP VIEW old; ALTER TABLE people RENAME TO folk; INSERT INTO folk (name) VALUES ('x')",)),
    "exchange names": (SHOP, ("ALTER TABLE notes RENAME TO t; ALTER TABLE goods RENAME TO notes; ALTER TABLE t RENAME TO goods",)),
    "drop table": (PEOPLE, ("DELETE FROM people WHERE id = 1", "DROP TABLE people")),
    "drop table, trigger": (WATCHED, ("UPDATE things SET n = 1; DROP TABLE things",)),
    "drop and create": (PEOPLE, ("UPDATE people SET age = 0", "DROP TABLE people; CREATE TABLE people (x); INSERT INTO people VALUES (1)")),
    "drop and create the same": (SHOP, ("DROP TABLE notes; CREATE TABLE notes (id INTEGER PRIMARY KEY, good INT REFERENCES goods ON DELETE SET NULL, said TEXT); INSERT INTO notes VALUES (1, 1, 'x'), (7, 2, 'y')",)),
    "rebuild": (
        REFERRED,
        (
            "CREATE TABLE new (code TEXT PRIMARY KEY, name TEXT NOT NULL, x DEFAULT 1); INSERT INTO new (code, name) SELECT * FROM makers",
            "PRAGMA defer_foreign_keys = ON; DROP VIEW listed; DROP TABLE makers; ALTER TABLE new RENAME TO makers; UPDATE makers SET name = 'n' WHERE code = 'b'; INSERT OR IGNORE INTO goods SELECT 1, 'a'",
        ),
    ),
    "index": (PEOPLE, ("CREATE UNIQUE INDEX i ON people (age DESC) WHERE age > 1", "DROP INDEX by_age")),
    "reindex": (PEOPLE, ("DROP INDEX by_age; CREATE INDEX by_age ON people (name); UPDATE people SET age = 1; REINDEX",)),
    "view": (PEOPLE, ("CREATE VIEW young AS SELECT * FROM people WHERE age < 35", "DROP VIEW old")),
    "view anew": (WATCHED, ("DROP VIEW shown; CREATE VIEW shown AS SELECT id FROM things",)),
    "create trigger": (PEOPLE, ("CREATE TRIGGER t AFTER DELETE ON people BEGIN UPDATE people SET note = 'x'; END; DELETE FROM people WHERE id = 1",)),
    "drop trigger": (WATCHED, ("DROP TRIGGER told; UPDATE things SET n = 99",)),
    "trigger that has a table's name": (WATCHED, ("CREATE TRIGGER trail AFTER DELETE ON things BEGIN SELECT 1; END", "DROP TABLE trail")),
    "statistics that stay": (MEASURED, ("ALTER TABLE people ADD COLUMN z", "DELETE FROM people WHERE id = 1")),
    "measured by hand": (MEASURED, ("DELETE FROM sqlite_stat1",)),
    "statistics": (MEASURED, ("DROP INDEX by_age; DROP TABLE people",)),
    "fts5": (FOUND, ("INSERT INTO pages VALUES ('three', 'a third page'); DELETE FROM pages WHERE title = 'one'; UPDATE pages SET body = 'new' WHERE title = 'two'",)),
    "fts5 by trigger": (FOUND, ("INSERT INTO texts VALUES (2, 'world')",)),
    "fts4": (FOUND, ("INSERT INTO third VALUES ('fifth'); DELETE FROM third WHERE rowid = 1",)),
    "rtree": (FOUND, ("INSERT INTO boxes VALUES (3, 7, 8); DELETE FROM boxes WHERE id = 1",)),
    "create fts5": (PEOPLE, ("CREATE VIRTUAL TABLE found USING fts5 (name)", "INSERT INTO found SELECT name FROM people")),
    "drop fts5": (FOUND, ("INSERT INTO pages VALUES ('x', 'y')", "DROP TABLE pages")),
    "rename fts5": (FOUND, ("ALTER TABLE pages RENAME TO leaves; INSERT INTO leaves VALUES ('x', 'y')",)),
    "drop and create fts5": (FOUND, ("DROP TABLE pages; CREATE VIRTUAL TABLE pages USING fts5 (title, body); INSERT INTO pages VALUES ('x', 'y')",)),
    "drop others": (FOUND, ("DROP TABLE boxes; DROP TABLE third; DROP TABLE ftexts",)),
    "many rows": (
        "CREATE TABLE big (id INTEGER PRIMARY KEY, v); WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO big SELECT i, i FROM n;",
        ("UPDATE big SET v = v + 1",),
    ),
    "many rows come": (
        "CREATE TABLE big (id TEXT PRIMARY KEY, v);",
        ("WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO big SELECT 'k' || i, randomblob(8) FROM n",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "journal"),
    [(case, journal) for case in CASES for journal in ("wal", "delete") if journal == "wal" or "many" not in case],
)
def test_it_is_as_before_and_as_after(case: str, journal: str, tmp_path: Path) -> None:
    setup, statements = CASES[case]

    async def whole() -> None:
        desk = Desk(tmp_path, f"PRAGMA journal_mode = {journal};{setup}")
        await desk.there_and_back(*statements)

    asyncio.run(whole())


def test_every_case_does_something_else() -> None:
    assert len({statements for _, statements in CASES.values()}) == len(CASES)
