"""Whatever an action did to the rows of a MariaDB schema, it is as before when it is undone, and as after when it is
redone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from mysql_desk import Desk

PEOPLE = """
CREATE TABLE people (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) UNIQUE, age INT, at TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP);;
INSERT INTO people (name, age) VALUES ('ann', 30), ('bob', 40), ('cid', 50);;
CREATE VIEW old AS SELECT * FROM people WHERE age > 35
"""
PAIRS = """
CREATE TABLE pairs (a VARCHAR(20) COLLATE utf8mb4_general_ci, b DATE, v INT, PRIMARY KEY (a, b));;
INSERT INTO pairs VALUES ('x', '2020-01-01', 1), ('x', '2020-01-02', 2), ('y', '2020-01-01', 3)
"""
LOOSE = """
CREATE TABLE loose (a INT, b VARCHAR(10), f FLOAT);;
INSERT INTO loose VALUES (1, 'x', 0.1), (1, 'x', 0.1), (1, 'X', 0.1), (2, NULL, NULL), (NULL, NULL, NULL), (NULL, NULL, NULL)
"""
TYPES = """
CREATE TABLE types (
  id INT PRIMARY KEY, t TINYINT, s SMALLINT UNSIGNED, big BIGINT UNSIGNED, dec1 DECIMAL(65, 30), f FLOAT, d DOUBLE, b1 BIT(1),
  b64 BIT(64), dt DATE, tm TIME(6), dtm DATETIME(6), ts TIMESTAMP(3) NULL, y YEAR, c CHAR(5), v VARCHAR(300), tx LONGTEXT, bi BINARY(4),
  vb VARBINARY(20), bl LONGBLOB, e ENUM('a', 'ü', '1'), st SET('p', 'q', 'r'), j JSON, l1 VARCHAR(20) CHARACTER SET latin1,
  sj VARCHAR(20) CHARACTER SET sjis, u16 VARCHAR(20) CHARACTER SET utf16, p POINT, u UUID, ip INET6,
  g INT AS (t * 2) VIRTUAL, gs INT AS (t + 1) STORED
);;
INSERT INTO types (id) VALUES (1);;
INSERT INTO types (id, t, s, big, dec1, f, d, b1, b64, dt, tm, dtm, ts, y, c, v, tx, bi, vb, bl, e, st, j, l1, sj, u16, p, u, ip) VALUES
  (2, -128, 65535, 18446744073709551615, 12345678901234567890123456789012345.123456789012345678901234567890, 0.1, 0.1, b'1',
   b'1111111111111111111111111111111111111111111111111111111111111111', '0000-00-00', '-838:59:59.999999', '9999-12-31 23:59:59.999999',
   '1970-01-01 00:00:01.001', 0, 'ab', 'it''s \\\\ \\n\\r\\t\\0\\Z "q" %s ? :x 😀', REPEAT('é', 70000), x'00ff00ff', x'', REPEAT(x'00ff27', 50000),
   'ü', 'p,r', '{"a": [1, 2.50, "x"]}', 'é€', _sjis x'8341', '😀', POINT(1.5, -2), 'f47ac10b-58cc-4372-a567-0e02b2c3d479', '::1'),
  (3, 127, 0, 0, -0.000000000000000000000000000001, -3.4028234e38, 5e-324, b'0', 0, '2024-02-29', '00:00:00.000001', '1000-01-01', NULL, 2155,
   '', '', '', '', '', '', '1', '', '[]', '', '', '', NULL, NULL, NULL),
  (4, 1, 1, 1, 1, 1e-38, -1.7976931348623157e308, 0, 1, '2024-01-01', '12:00', '2024-01-01', NULL, 1901, ' ', ' x ', ' ', ' ', ' ', ' ', 'a', 'q', '1', ' ', ' ', ' ', NULL, NULL, NULL)
"""
FAMILY = """
CREATE TABLE makers (code VARCHAR(5) PRIMARY KEY, name TEXT);;
CREATE TABLE goods (id INT PRIMARY KEY, maker VARCHAR(5), n INT, FOREIGN KEY (maker) REFERENCES makers (code) ON DELETE CASCADE ON UPDATE CASCADE);;
CREATE TABLE notes (id INT AUTO_INCREMENT PRIMARY KEY, good INT, said TEXT, FOREIGN KEY (good) REFERENCES goods (id) ON DELETE SET NULL);;
CREATE TABLE tree (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES tree (id) ON DELETE CASCADE);;
INSERT INTO makers VALUES ('a', 'A'), ('b', 'B');;
INSERT INTO goods VALUES (1, 'a', 1), (2, 'a', 2), (3, 'b', 3);;
INSERT INTO notes (good, said) VALUES (1, 'x'), (2, 'y'), (3, 'z');;
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, NULL)
"""
WATCHED = """
CREATE TABLE things (id INT PRIMARY KEY, n INT, u INT UNIQUE);;
CREATE TABLE trail (id INT AUTO_INCREMENT PRIMARY KEY, what TEXT);;
CREATE TABLE sums (id INT PRIMARY KEY, total INT);;
CREATE TRIGGER came AFTER INSERT ON things FOR EACH ROW INSERT INTO trail (what) VALUES (CONCAT('came ', NEW.id));;
CREATE TRIGGER went AFTER DELETE ON things FOR EACH ROW BEGIN INSERT INTO trail (what) VALUES (CONCAT('went ', OLD.id)); UPDATE sums SET total = total - OLD.n; END;;
CREATE TRIGGER told AFTER UPDATE ON things FOR EACH ROW BEGIN INSERT INTO trail (what) VALUES (CONCAT('told ', OLD.n)); UPDATE sums SET total = total + NEW.n - OLD.n; END;;
INSERT INTO sums VALUES (1, 100);;
INSERT INTO things VALUES (1, 10, 1), (2, 20, 2)
"""
STAMPED = """
CREATE TABLE pages (id INT PRIMARY KEY, body TEXT, version INT);;
CREATE TRIGGER stamped BEFORE UPDATE ON pages FOR EACH ROW SET NEW.version = OLD.version + 1;;
INSERT INTO pages VALUES (1, 'a', 1), (2, 'b', 1)
"""
CALLED = """
CREATE TABLE counts (id INT PRIMARY KEY, n INT);;
CREATE TABLE marks (n INT);;
INSERT INTO counts VALUES (1, 0), (2, 0);;
CREATE FUNCTION counted (x INT) RETURNS INT MODIFIES SQL DATA BEGIN UPDATE counts SET n = n + x; RETURN x; END;;
CREATE VIEW counting AS SELECT n, counted(1) AS c FROM marks;;
INSERT INTO marks VALUES (1)
"""
BIG = """
CREATE TABLE big (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40));;
INSERT INTO big (id, v) SELECT seq, CONCAT('value ', seq) FROM seq_1_to_10000
"""
ODD = """
CREATE TABLE `od``d ta;ble` (`a b` INT PRIMARY KEY, `ü` TEXT, `select` INT);;
INSERT INTO `od``d ta;ble` VALUES (1, 'x', 2);;
CREATE TABLE keyed (t TEXT, b BLOB, n DECIMAL(30, 10), PRIMARY KEY (t(10), b(5), n));;
INSERT INTO keyed VALUES ('a', 'b', 1.5), ('a ', x'00', 12345678901234567890.1234567891);;
CREATE TABLE made (a INT PRIMARY KEY, k INT AS (a * 2) STORED UNIQUE, c TEXT);;
INSERT INTO made (a, c) VALUES (1, 'x'), (2, 'y');;
CREATE TABLE stamps (k TIMESTAMP(6) PRIMARY KEY, f FLOAT, e ENUM('b', 'a'));;
INSERT INTO stamps VALUES ('2024-01-01 00:00:00.000001', 0.3, 'a'), ('2024-01-01 00:00:00.000002', -0.3, 'b');;
CREATE TABLE floats (k FLOAT PRIMARY KEY, e ENUM('b', 'a'));;
INSERT INTO floats VALUES (0.1, 'a'), (1e30, 'b')
"""

CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "insert": (PEOPLE, ("INSERT INTO people (name, age) VALUES ('dan', 60)",)),
    "insert, key given": (PEOPLE, ("INSERT INTO people (id, name) VALUES (1000, 'x'), (-5, 'y')",)),
    "insert zero": (PEOPLE, ("INSERT INTO people (name) VALUES ('x')", "UPDATE people SET id = 0 WHERE name = 'x'")),
    "update": (PEOPLE, ("UPDATE people SET age = age + 1, at = '2000-01-01 00:00:00' WHERE id < 3",)),
    "update unicode": (PEOPLE, ("UPDATE people SET name = 'żółć 😀 \\'' WHERE id = 1",)),
    "change of case only": (PEOPLE, ("UPDATE people SET name = 'ANN' WHERE id = 1",)),
    "trailing space only": (PEOPLE, ("UPDATE people SET name = 'ann ' WHERE id = 1",)),
    "exchange of what is unique": (PEOPLE, ("UPDATE people SET name = 'x' WHERE id = 1; UPDATE people SET name = 'ann' WHERE id = 2; UPDATE people SET name = 'bob' WHERE id = 1",)),
    "change of key": (PEOPLE, ("UPDATE people SET id = id + 10",)),
    "rotated keys": (PEOPLE, ("UPDATE people SET id = id + 1 ORDER BY id DESC",)),
    "delete": (PEOPLE, ("DELETE FROM people WHERE age > 35",)),
    "delete all": (PEOPLE, ("DELETE FROM people",)),
    "upsert": (PEOPLE, ("INSERT INTO people (id, name, age) VALUES (1, 'ann', 31), (9, 'new', 1) ON DUPLICATE KEY UPDATE age = VALUES(age)",)),
    "replace": (PEOPLE, ("REPLACE INTO people (id, name, age) VALUES (7, 'bob', 1)",)),
    "insert ignore": (PEOPLE, ("INSERT IGNORE INTO people (name) VALUES ('ann'), ('new')",)),
    "insert select": (PEOPLE, ("INSERT INTO people (name, age) SELECT CONCAT(name, '2'), age FROM people",)),
    "returning": (PEOPLE, ("DELETE FROM people WHERE id = 1 RETURNING id, name",)),
    "by a view": (PEOPLE, ("UPDATE old SET age = 99",)),
    "there and back, and more": (PEOPLE, ("DELETE FROM people WHERE id = 1; INSERT INTO people (id, name, age) VALUES (1, 'ann', 30); UPDATE people SET age = 1 WHERE id = 2",)),
    "read and written": (PEOPLE, ("SELECT * FROM people", "WITH c AS (SELECT 1) SELECT * FROM c", "(SELECT 1)", "UPDATE people SET age = 1")),
    "composite keys": (PAIRS, ("UPDATE pairs SET v = 9 WHERE a = 'x'; DELETE FROM pairs WHERE a = 'y'; INSERT INTO pairs VALUES ('z', '2021-01-01', 4)",)),
    "key by case": (PAIRS, ("UPDATE pairs SET a = UPPER(a)",)),
    "no key: insert": (LOOSE, ("INSERT INTO loose VALUES (1, 'x', 0.1), (3, 'y', 1e30), (2, NULL, NULL)",)),
    "no key: delete one of two": (LOOSE, ("DELETE FROM loose WHERE BINARY b = 'x' LIMIT 1; DELETE FROM loose WHERE a IS NULL LIMIT 1",)),
    "no key: delete all": (LOOSE, ("DELETE FROM loose",)),
    "no key: update": (LOOSE, ("UPDATE loose SET a = 7 WHERE a = 1", "UPDATE loose SET b = UPPER(b)")),
    "types: delete": (TYPES, ("DELETE FROM types",)),
    "types: keys": (TYPES, ("UPDATE types SET id = id + 100",)),
    "types: to null": (TYPES, ("UPDATE types SET t = NULL, s = NULL, big = NULL, dec1 = NULL, f = NULL, d = NULL, b1 = NULL, b64 = NULL, dt = NULL, tm = NULL, dtm = NULL, ts = NULL, y = NULL, c = NULL, v = NULL, tx = NULL, bi = NULL, vb = NULL, bl = NULL, e = NULL, st = NULL, j = NULL, l1 = NULL, sj = NULL, u16 = NULL, p = NULL, u = NULL, ip = NULL",)),
    "types: smallest changes": (TYPES, ("UPDATE types SET dec1 = dec1 + 0.000000000000000000000000000001, f = f * 0.9999999, tm = '00:00:00.000002', c = CONCAT(c, 'x'), vb = CONCAT(vb, x'00'), tx = CONCAT(tx, ' ') WHERE id > 2",)),
    "foreign keys: cascade": (FAMILY, ("DELETE FROM makers WHERE code = 'a'",)),
    "foreign keys: on update": (FAMILY, ("UPDATE makers SET code = 'c' WHERE code = 'a'",)),
    "foreign keys: set null": (FAMILY, ("DELETE FROM goods WHERE id = 1",)),
    "foreign keys: a tree": (FAMILY, ("DELETE FROM tree WHERE id = 1",)),
    "foreign keys: come": (FAMILY, ("INSERT INTO makers VALUES ('n', 'N'); INSERT INTO goods VALUES (9, 'n', 0); INSERT INTO notes (good, said) VALUES (9, 'q')",)),
    "several tables: update": (FAMILY, ("UPDATE goods g JOIN makers m ON m.code = g.maker JOIN notes n ON n.good = g.id SET g.n = g.n + 1, m.name = 'joined', n.said = NULL",)),
    "several tables: delete": (FAMILY, ("DELETE g, n FROM goods g JOIN notes n ON n.good = g.id WHERE g.n < 3",)),
    "triggers: insert": (WATCHED, ("INSERT INTO things VALUES (3, 30, 3)",)),
    "triggers: update": (WATCHED, ("UPDATE things SET n = n + 1",)),
    "triggers: delete": (WATCHED, ("DELETE FROM things",)),
    "triggers: all": (WATCHED, ("INSERT INTO things VALUES (3, 30, 3); UPDATE things SET n = 0 WHERE id = 2; DELETE FROM things WHERE id = 1",)),
    "triggers: replace": (WATCHED, ("REPLACE INTO things VALUES (1, 11, 2)",)),
    "triggers: stamped": (STAMPED, ("UPDATE pages SET body = 'x' WHERE id = 1",)),
    "function": (CALLED, ("SELECT counted(5)",)),
    "function in a view": (CALLED, ("SELECT * FROM counting",)),
    "function in an insert": (CALLED, ("INSERT INTO marks VALUES (counted(2))",)),
    "10,000 rows: update": (BIG, ("UPDATE big SET v = CONCAT(v, '!')",)),
    "10,000 rows: delete": (BIG, ("DELETE FROM big",)),
    "10,000 rows: insert": (BIG, ("INSERT INTO big (v) SELECT v FROM big",)),
    "one of 10,000": (BIG, ("UPDATE big SET v = NULL WHERE id = 5000",)),
    "odd names": (ODD, ("UPDATE `od``d ta;ble` SET `ü` = 'y', `select` = NULL", "INSERT INTO `od``d ta;ble` VALUES (2, '-- /* ; */ #', 1) /* a comment; */ -- and one more; \n")),
    "odd keys": (ODD, ("UPDATE keyed SET n = n + 0.0000000001; DELETE FROM made WHERE a = 1; INSERT INTO made (a) VALUES (7); UPDATE stamps SET f = 1; UPDATE floats SET e = 'b' WHERE k < 1",)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_is_as_before_and_as_after(case: str, mariadb: str, tmp_path: Path) -> None:
    setup, statements = CASES[case]
    if case == "returning" and mariadb.startswith("mysql:"):
        pytest.skip("MySQL has no RETURNING")

    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, setup)
        await desk.there_and_back(*statements)

    asyncio.run(whole())


def test_every_case_does_something_else() -> None:
    assert len({statements for _, statements in CASES.values()}) == len(CASES)
