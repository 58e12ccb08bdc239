"""Whatever an action did to the definitions of a MariaDB schema, all is as before when it is undone, and as after when
it is redone: definitions, rows, numbers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from mysql_desk import Desk

SHOP = """
CREATE TABLE makers (code VARCHAR(5) PRIMARY KEY, name TEXT COMMENT 'it''s, "so"', KEY named (name(5))) COMMENT 'who, (made) it' ROW_FORMAT=COMPRESSED;;
CREATE TABLE goods (id INT AUTO_INCREMENT PRIMARY KEY, maker VARCHAR(5), n INT DEFAULT (1 + 1), half INT AS (n / 2) STORED, twice INT AS (n * 2) VIRTUAL INVISIBLE,
                    at TIMESTAMP(3) NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), e ENUM('a', 'ü,)'), CONSTRAINT few CHECK (n < 1000 AND e <> 'x,y'),
                    UNIQUE KEY (maker, n), CONSTRAINT made FOREIGN KEY (maker) REFERENCES makers (code) ON DELETE CASCADE ON UPDATE CASCADE);;
CREATE TABLE notes (good INT, said TEXT, f FLOAT, FOREIGN KEY (good) REFERENCES goods (id) ON DELETE SET NULL);;
CREATE TABLE tree (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES tree (id) ON DELETE CASCADE);;
CREATE TABLE trail (id INT AUTO_INCREMENT PRIMARY KEY, what TEXT) CHARSET latin1;;
CREATE TABLE pairs (a INT, b VARCHAR(9) COLLATE utf8mb4_bin, v BLOB, PRIMARY KEY (b, a));;
CREATE TABLE `od``d ta;ble` (`a b` INT PRIMARY KEY, `ü` TEXT);;
INSERT INTO makers VALUES ('a', 'A'), ('b', 'B');;
INSERT INTO goods (id, maker, n, e) VALUES (1, 'a', 1, 'a'), (5, 'a', 2, 'ü,)'), (7, 'b', 3, NULL);;
DELETE FROM goods WHERE id = 7;;
INSERT INTO notes VALUES (1, 'x', 0.1), (1, 'x', 0.1), (NULL, NULL, NULL);;
INSERT INTO tree VALUES (1, NULL), (2, 1);;
INSERT INTO pairs VALUES (1, 'x', x'00ff27'), (1, 'X', ''), (2, 'x', NULL);;
INSERT INTO `od``d ta;ble` VALUES (1, 'ż');;
CREATE VIEW cheap AS SELECT id, n FROM goods WHERE n < 3 WITH CHECK OPTION;;
CREATE SQL SECURITY INVOKER VIEW cheaper (x) AS SELECT id FROM cheap;;
CREATE TRIGGER first BEFORE INSERT ON goods FOR EACH ROW SET NEW.n = NEW.n + 1;;
CREATE TRIGGER zeroth BEFORE INSERT ON goods FOR EACH ROW PRECEDES first SET NEW.n = NEW.n * 1;;
CREATE TRIGGER told AFTER DELETE ON goods FOR EACH ROW BEGIN INSERT INTO trail (what) VALUES (CONCAT('went ', OLD.id)); END
"""

CASES: dict[str, tuple[str, ...]] = {
    "create": ("CREATE TABLE x (id INT AUTO_INCREMENT PRIMARY KEY, s SET('p', 'q') DEFAULT 'p', KEY (s)) AUTO_INCREMENT = 50",),
    "create, foreign key": ("CREATE TABLE x (g INT, m VARCHAR(5), FOREIGN KEY (g) REFERENCES goods (id) ON DELETE CASCADE, CONSTRAINT mm FOREIGN KEY (m) REFERENCES makers (code))",),
    "create, several tied": ("CREATE TABLE x (id INT PRIMARY KEY); CREATE TABLE y (x INT, FOREIGN KEY (x) REFERENCES x (id))", "CREATE TABLE z (y INT REFERENCES y (x), KEY (y))"),
    "create from rows": ("CREATE TABLE x AS SELECT * FROM goods",),
    "create like": ("CREATE TABLE x LIKE goods",),
    "create where there is one": ("CREATE TABLE IF NOT EXISTS goods (id INT); CREATE TABLE x (id INT)",),
    "create or replace": ("CREATE OR REPLACE TABLE pairs (z INT)",),
    "drop": ("DROP TABLE pairs",),
    "drop, no key": ("DROP TABLE notes",),
    "drop, with triggers": ("DROP TABLE notes; DROP TABLE goods",),
    "drop, several": ("DROP TABLE IF EXISTS nowhere, notes, trail, pairs",),
    "drop and create": ("DROP TABLE pairs; CREATE TABLE pairs (a INT)",),
    "drop a tree": ("DROP TABLE tree",),
    "truncate": ("TRUNCATE notes",),
    "truncate, numbers": ("TRUNCATE TABLE trail; TRUNCATE TABLE pairs",),
    "rename": ("RENAME TABLE goods TO things",),
    "rename, exchanged": ("RENAME TABLE pairs TO x, notes TO pairs, x TO notes",),
    "rename a parent": ("ALTER TABLE makers RENAME TO who",),
    "rename and alter": ("ALTER TABLE goods RENAME TO things, ADD COLUMN more INT",),
    "column added": ("ALTER TABLE goods ADD COLUMN more VARCHAR(9) NOT NULL DEFAULT 'ü' AFTER id",),
    "column added to a parent": ("ALTER TABLE makers ADD COLUMN more INT FIRST",),
    "column dropped": ("ALTER TABLE notes DROP COLUMN said",),
    "column dropped and added": ("ALTER TABLE notes DROP COLUMN said; ALTER TABLE notes ADD COLUMN said TEXT AFTER good",),
    "column changed": ("ALTER TABLE pairs MODIFY v VARBINARY(40) NOT NULL DEFAULT 'x', CHANGE a c BIGINT",) if False else ("ALTER TABLE pairs CHANGE a c BIGINT",),
    "column renamed": ("ALTER TABLE notes RENAME COLUMN said TO told",),
    "generated": ("ALTER TABLE goods DROP COLUMN half, ADD COLUMN third INT AS (n / 3) STORED",),
    "default": ("ALTER TABLE goods ALTER n SET DEFAULT 7",),
    "charset": ("ALTER TABLE trail CONVERT TO CHARACTER SET utf8mb4",),
    "comment, format, number": ("ALTER TABLE goods COMMENT = 'x', ROW_FORMAT = DYNAMIC, AUTO_INCREMENT = 500",),
    "number only": ("ALTER TABLE goods AUTO_INCREMENT = 500",),
    "check": ("ALTER TABLE goods DROP CONSTRAINT few, ADD CONSTRAINT many CHECK (n > 0)",),
    "key": ("ALTER TABLE pairs DROP PRIMARY KEY, ADD PRIMARY KEY (a, b)",),
    "no key any more": ("ALTER TABLE pairs DROP PRIMARY KEY",),
    "index": ("CREATE INDEX quick ON notes (said(3))",),
    "index, unique": ("CREATE UNIQUE INDEX quick ON pairs (a, b)", "DROP INDEX named ON makers"),
    "foreign key dropped": ("ALTER TABLE goods DROP FOREIGN KEY made",),
    "foreign key added": ("ALTER TABLE pairs ADD CONSTRAINT theirs FOREIGN KEY (a) REFERENCES goods (id)",) if False else ("ALTER TABLE notes ADD CONSTRAINT own FOREIGN KEY (good) REFERENCES tree (id)",),
    "view": ("CREATE VIEW dear AS SELECT * FROM goods WHERE n > 1; CREATE VIEW dearer AS SELECT * FROM dear",),
    "view dropped": ("DROP VIEW cheaper, cheap",),
    "view altered": ("ALTER VIEW cheap AS SELECT id, n, 'ü' AS u FROM goods", "CREATE OR REPLACE ALGORITHM = TEMPTABLE VIEW cheaper AS SELECT 1 AS x"),
    "trigger": ("CREATE TRIGGER last AFTER UPDATE ON goods FOR EACH ROW INSERT INTO trail (what) VALUES ('ü')",),
    "trigger, between": ("CREATE TRIGGER middle BEFORE INSERT ON goods FOR EACH ROW FOLLOWS zeroth SET NEW.n = 5",),
    "trigger dropped": ("DROP TRIGGER first",),
    "trigger replaced": ("CREATE OR REPLACE TRIGGER zeroth BEFORE INSERT ON goods FOR EACH ROW SET NEW.n = 9",),
    "odd names": ("ALTER TABLE `od``d ta;ble` ADD COLUMN `;` INT COMMENT 'x;--'", "RENAME TABLE `od``d ta;ble` TO ```;`"),
    "all at once": (
        "CREATE TABLE x (id INT PRIMARY KEY); ALTER TABLE makers ADD COLUMN m INT; DROP TABLE tree; TRUNCATE notes; RENAME TABLE pairs TO twos",
        "CREATE TRIGGER xx AFTER INSERT ON x FOR EACH ROW SET @x = 1; CREATE VIEW xs AS SELECT * FROM x; DROP TRIGGER told; ALTER TABLE goods ADD COLUMN x INT, ADD FOREIGN KEY (x) REFERENCES x (id)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_is_as_before_and_as_after(case: str, mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, SHOP)
        await desk.there_and_back(*CASES[case])
        await desk.database.close()
        assert [file.name for file in tmp_path.rglob("*.json")] == ["app.json"]

    asyncio.run(whole())
