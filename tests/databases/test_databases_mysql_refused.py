"""What could not be taken back from a MariaDB schema is refused before it runs, and nothing of the action is committed."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from pathlib import Path

import pytest
from mysql_desk import Desk, statements

from agentrt.errors import AgentrtError, ResourceError, UsageError

SETUP = """
CREATE TABLE people (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50));;
INSERT INTO people (name) VALUES ('ann'), ('bob');;
CREATE TABLE plain (n INT) ENGINE = MyISAM;;
INSERT INTO plain VALUES (0);;
CREATE TABLE watched (n INT PRIMARY KEY);;
CREATE TRIGGER told AFTER INSERT ON watched FOR EACH ROW INSERT INTO plain VALUES (NEW.n);;
CREATE FUNCTION noted (x INT) RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO plain VALUES (x); RETURN x; END;;
CREATE VIEW noting AS SELECT noted(1) AS n;;
CREATE TABLE away (n INT PRIMARY KEY);;
CREATE TRIGGER far AFTER INSERT ON away FOR EACH ROW INSERT INTO mysql.help_topic (name) VALUES ('x');;
CREATE SEQUENCE numbers;;
CREATE TABLE numbered (id INT PRIMARY KEY DEFAULT NEXTVAL(numbers), n INT);;
CREATE PROCEDURE committing () BEGIN INSERT INTO people (name) VALUES ('p'); COMMIT; END;;
CREATE TABLE versions (n INT PRIMARY KEY) WITH SYSTEM VERSIONING
"""
STATEMENTS = [
    "CREATE TEMPORARY TABLE x (n INT)", "CREATE OR REPLACE TEMPORARY TABLE x (n INT)", "CREATE SEQUENCE s", "CREATE PROCEDURE p () SELECT 1",
    "CREATE FUNCTION f () RETURNS INT RETURN 1", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1", "DROP PROCEDURE committing", "DROP SEQUENCE numbers",
    "CREATE TABLE x (n INT) ENGINE = MyISAM", "CREATE TABLE x (n INT) ENGINE MEMORY", "ALTER TABLE people ENGINE = 'MyISAM'", "ALTER TABLE plain ADD x INT",
    "DROP TABLE plain", "DROP TABLE numbers", "ALTER TABLE versions ADD x INT", "ALTER TABLE people ADD SYSTEM VERSIONING",
    "CREATE TABLE x (n INT) PARTITION BY HASH (n)", "ALTER TABLE people PARTITION BY KEY (id)", "ALTER TABLE people DISCARD TABLESPACE",
    "CREATE TABLE x (n INT) DATA DIRECTORY = '/tmp'", "CREATE TABLE x (n INT DEFAULT NEXTVAL(numbers))", "CREATE TABLE mysql.x (n INT)",
    "CREATE TABLE x LIKE mysql.help_topic", "CREATE TABLE x AS SELECT * FROM `mysql` . `user`", "RENAME TABLE people TO mysql.people",
    "CREATE TABLE x (n INT); INSERT INTO x VALUES (1)", "CREATE TABLE x (n INT); SELECT 1", "CREATE TABLE x AS SELECT 1 INTO OUTFILE '/tmp/x'",
    "CREATE VIEW v AS SELECT * FROM noting", "CREATE VIEW v AS SELECT * FROM nowhere", "CREATE TABLE people (n INT)", "CREATE TABLE x (n INT); NONSENSE",
    "CREATE TABLE x (n INT); DROP TABLE nowhere", "ALTER TABLE people ADD UNIQUE (name), ADD COLUMN id INT", "CREATE DATABASE another", "DROP DATABASE mysql", "CREATE USER x", "GRANT ALL ON *.* TO x", "REVOKE ALL ON *.* FROM x",
    "SET PASSWORD = PASSWORD('x')", "SET autocommit = 1", "SET @@session.autocommit = 1", "SET foreign_key_checks = 0", "SET @x = 1",
    "SET STATEMENT autocommit = 1 FOR SELECT 1", "BEGIN", "BEGIN NOT ATOMIC COMMIT", "START TRANSACTION", "COMMIT", "COMMIT AND CHAIN",
    "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s", "RELEASE SAVEPOINT s", "XA START 'x'", "LOCK TABLES people WRITE", "UNLOCK TABLES",
    "FLUSH TABLES", "FLUSH STATUS", "ANALYZE TABLE people", "OPTIMIZE TABLE people", "CHECK TABLE people", "REPAIR TABLE people",
    "ANALYZE UPDATE people SET name = 'x'", "HANDLER people OPEN", "USE mysql", "LOAD DATA INFILE '/etc/passwd' INTO TABLE people",
    "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE people", "LOAD INDEX INTO CACHE people", "SELECT * FROM people INTO OUTFILE '/tmp/x'",
    "SELECT 1 INTO/**/DUMPFILE '/tmp/x'", "CALL committing()", "DO noted(1)", "PREPARE s FROM 'DROP TABLE people'", "EXECUTE s",
    "EXECUTE IMMEDIATE 'DROP TABLE people'", "KILL 1", "SHUTDOWN", "INSTALL SONAME 'x'", "RESET MASTER", "PURGE BINARY LOGS TO 'x'",
    "/*! DROP TABLE people */", "/*!50000 DROP */ TABLE people", "/*M! DROP TABLE people */", "/* x */ /*! COMMIT */", "SELECT /*! 1 */",
    "-- x\nDROP USER x", "# x\nDROP USER x", "--\tx\n/* ' */ DROP USER x", "(DROP TABLE people)",
    "UPDATE people SET name = '; '; COMMIT", 'UPDATE people SET name = "\'"; COMMIT', "UPDATE people SET name = '\\''; COMMIT -- '",
    "UPDATE people SET name = 'x'; DROP TABLE people", "SELECT 1; SELECT 2; BEGIN",
    "INSERT INTO mysql.help_topic (name) VALUES ('x')", "INSERT INTO `mysql` . `help_topic` (name) VALUES ('x')", "UPDATE people, mysql.user SET name = 'x'",
    "DELETE FROM mysql . user", "INSERT INTO plain VALUES (1)", "INSERT INTO PLAIN VALUES (1)", "INSERT INTO watched VALUES (1)",
    "SELECT noted(1)", "SELECT * FROM noting", "UPDATE people SET name = noted(5)", "INSERT INTO away VALUES (1)", "SELECT NEXTVAL(numbers)",
    "SELECT NEXT VALUE FOR numbers", "SELECT SETVAL(numbers, 5)", "INSERT INTO numbered (n) VALUES (1)", "INSERT INTO versions VALUES (1)",
    "DELETE HISTORY FROM versions", "", " ; -- nothing\n;", "SELECT 'x", "SELECT `x", "/* x", "NONSENSE", "UPDATE people SET nothing = 1",
    "SET PERSIST autocommit = 1", "RESTART", "CLONE LOCAL DATA DIRECTORY '/tmp/x'", "IMPORT TABLE FROM '/tmp/x.sdi'", "TABLE people INTO OUTFILE '/tmp/x'",
    "VALUES ROW(1) INTO OUTFILE '/tmp/x'", "CREATE RESOURCE GROUP g TYPE = USER", "ALTER INSTANCE ROTATE INNODB MASTER KEY", "LOCK INSTANCE FOR BACKUP",
    "CREATE UNDO TABLESPACE x ADD DATAFILE 'x.ibu'", "CREATE SPATIAL REFERENCE SYSTEM 1 NAME 'x' DEFINITION 'x'", "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'x'",
    "INSERT INTO people VALUES (1, 'again')", "UPDATE people SET id = 'x'", "SELECT 1 FROM nowhere",
]  # fmt: skip


def setup(url: str) -> str:
    """MySQL has no sequences, and no versions of rows."""
    theirs = ("SEQUENCE", "NEXTVAL", "VERSIONING") if url.startswith("mysql:") else ()
    return ";;".join(each for each in statements(SETUP) if not any(word in each for word in theirs))


@pytest.mark.parametrize("first", [True, False], ids=["first", "after another"])
def test_it_is_refused_and_nothing_is_committed(first: bool, mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, setup(mariadb))
        before = _dump(desk)
        for statement in STATEMENTS:
            await desk.database.begin("m")
            if not first:
                await desk.database.execute("UPDATE people SET name = 'touched'", rows=1)
            try:
                await desk.database.execute(statement, rows=5)
            except UsageError:
                pass  # refused at once
            else:
                pytest.fail(f"not refused: {statement}")
            with pytest.raises(UsageError, match="over"):
                await desk.database.execute("SELECT 1", rows=1)
            assert not await desk.database.seal()
            await desk.database.discard()
            assert _dump(desk) == before, statement
            assert not any(tmp_path.rglob("*.json"))

    asyncio.run(whole())


def test_no_files_are_made_outside_of_the_servers_own(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, setup(mariadb))
        with tempfile.TemporaryDirectory() as elsewhere:
            os.chmod(elsewhere, 0o777)
            for clause in (f"DATA DIRECTORY = '{elsewhere}'", f"ENGINE InnoDB data/* */directory '{elsewhere}'"):
                with pytest.raises(UsageError, match="DATA DIRECTORY is refused"):
                    await desk.run(f"CREATE TABLE x (n INT) {clause}")
            assert os.listdir(elsewhere) == []

    asyncio.run(whole())


def test_what_is_only_read_is_not_refused(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, setup(mariadb))
        reads = [
            "SELECT * FROM plain", "SELECT table_name FROM information_schema.tables LIMIT 1", "SHOW TABLES", "EXPLAIN DELETE FROM people",
            "DESCRIBE people", "(SELECT 1) UNION (SELECT 2)", "SELECT '/*! x */', '; COMMIT'", "SELECT * FROM people FOR UPDATE",
            "VALUES ROW(1, 2)" if mariadb.startswith("mysql:") else "VALUES (1, 2)", "SELECT 1;", "SELECT 5--1", "SELECT @x := 1", "SHOW CREATE TABLE people",
        ]  # fmt: skip
        for statement in reads:
            (answered,) = await desk.run(statement)
            assert answered.rows, statement

    asyncio.run(whole())


def test_the_privileges_to_see_what_happens_are_asked_for(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, setup(mariadb))
        name = mariadb.rpartition("/")[2]
        user = f"u{name[-12:]}"
        desk.client(
            f"CREATE USER {user}@'127.0.0.1' IDENTIFIED BY 'a-pass-word'",
            f"GRANT SELECT, INSERT ON {name}.* TO {user}@'127.0.0.1'",
        )
        try:
            from agentrt.tools.databases.mysql import open_database

            port = mariadb.rpartition(":")[2]
            for password, hint in (("a-pass-word", "GRANT TRIGGER"), ("wrong-pass-word", "URL")):
                database = open_database(
                    f"mysql://{user}:{password}@127.0.0.1:{port}", name="app", folder=tmp_path, aside=tmp_path / "aside"
                )
                await database.begin("m")
                with pytest.raises(AgentrtError) as caught:
                    await database.execute("INSERT INTO people (name) VALUES ('x')", rows=1)
                assert hint in caught.value.hint
                error: BaseException | None = caught.value
                while error is not None:
                    assert password not in f"{error!r} {error}"
                    error = error.__cause__
                await database.close()
        finally:
            desk.client(f"DROP USER {user}@'127.0.0.1'")

    asyncio.run(whole())


def test_a_trigger_that_writes_where_this_user_sees_nothing_is_refused(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        name = mariadb.rpartition("/")[2]
        user, hidden = f"v{name[-12:]}", f"hidden_{name[-12:]}"
        desk = Desk(mariadb, tmp_path, setup(mariadb))
        desk.client(
            f"CREATE DATABASE {hidden}",
            f"CREATE TABLE {hidden}.seen (id INT) ENGINE=InnoDB",
            f"CREATE USER {user}@'127.0.0.1' IDENTIFIED BY 'a-pass-word'",
            f"GRANT SELECT, INSERT, UPDATE, TRIGGER ON {name}.* TO {user}@'127.0.0.1'",
            "CREATE TABLE own (id INT PRIMARY KEY) ENGINE=InnoDB",
            "CREATE TRIGGER plain AFTER INSERT ON own FOR EACH ROW"
            " UPDATE people p SET p.name = p.name WHERE 1.5 > 1 AND p.id = NEW.id AND @@session.sql_mode = ''",
        )
        try:
            from agentrt.tools.databases.mysql import open_database

            url = f"mysql://{user}:a-pass-word@127.0.0.1:{mariadb.rpartition(':')[2]}"
            database = open_database(url, name="app", folder=tmp_path, aside=tmp_path / "aside")
            await database.begin("m")
            await database.execute("INSERT INTO own VALUES (1)", rows=1)  # what can be seen is no hindrance
            await database.discard()
            desk.client(
                f"CREATE TRIGGER spy BEFORE UPDATE ON own FOR EACH ROW INSERT INTO {hidden}.seen VALUES (OLD.id)"
            )
            await database.begin("n")
            with pytest.raises(UsageError, match=f"names {hidden}, which this user cannot see"):
                await database.execute("INSERT INTO own VALUES (2)", rows=1)
            await database.close()
            assert desk.ask("SELECT * FROM own") == []
        finally:
            desk.client(f"DROP USER {user}@'127.0.0.1'", f"DROP DATABASE {hidden}")

    asyncio.run(whole())


def test_a_transaction_that_ended_by_itself_is_told(mariadb: str, tmp_path: Path) -> None:
    """As nothing that is allowed can do it, the connection is used past the resource."""

    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, setup(mariadb))
        for begun_again in (True, False):
            await desk.database.begin("m")
            await desk.database.execute("UPDATE people SET name = 'x' WHERE id = 1", rows=1)
            session = desk.database._session
            assert session is not None and session._link is not None
            session._link.run("COMMIT")
            if begun_again:
                session._link.run("START TRANSACTION")
            with pytest.raises(ResourceError) as caught:
                await desk.database.seal()
            assert "stands" in caught.value.hint

    asyncio.run(whole())


@pytest.mark.parametrize(
    "url",
    ["mysql://", "mysql://host/x", "mysql://u@host", "mysql://u@host/", "mysql://u@host/a/b", "mysql://u@host/a?x=1", "mysql://u@host:x/a", "mysql://u@[::1/a"],
)  # fmt: skip
def test_a_url_that_names_no_schema_is_refused(url: str, tmp_path: Path) -> None:
    from agentrt.tools.databases.mysql import open_database

    with pytest.raises(UsageError):
        open_database(url, name="app", folder=tmp_path, aside=tmp_path)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    from agentrt.tools.databases.mysql import open_database

    async def whole() -> None:
        database = open_database("mysql://u:pass-word@127.0.0.1:1/a", name="app", folder=tmp_path, aside=tmp_path)
        await database.begin("m")
        with pytest.raises(ResourceError) as caught:
            await database.execute("SELECT 1", rows=1)
        assert "pass-word" not in str(caught.value)

    asyncio.run(whole())


def test_parameters(mariadb: str, tmp_path: Path) -> None:
    async def whole() -> None:
        desk = Desk(mariadb, tmp_path, setup(mariadb))
        text = 'it\'s \\ "q" \0\n\r\x1a%s ? :x 😀'
        (answered,) = await desk.run("SELECT ?, ?, ?, ?, '?', ? -- ?", (text, b"\x00'\xff", 2**63, 0.1, None))
        assert answered.rows == ((text, b"\x00'\xff", 2**63, 0.1, "?", None),)
        (answered,) = await desk.run("SELECT :a, :b, ':a', :a /* :c */", {"a": 1, "b": "x"})
        assert answered.rows == ((1, "x", ":a", 1),)
        for statement, parameters in (
            ("SELECT ?", ()),
            ("SELECT ?", (1, 2)),
            ("SELECT ?, ?", (1,)),
            ("SELECT :x", {"y": 1}),
            ("SELECT ?; SELECT ?", (1, 2)),
            ("SELECT ?", (float("nan"),)),
        ):
            await desk.database.begin("m")
            with pytest.raises(UsageError):
                await desk.database.execute(statement, parameters, rows=1)
        (answered,) = await desk.run("SELECT seq FROM seq_1_to_100 s ORDER BY seq", rows=3)
        assert (answered.rows, answered.more) == (((1,), (2,), (3,)), True)
        (answered,) = await desk.run("UPDATE people SET name = 'x'")
        assert answered.changed == 2

    asyncio.run(whole())


def _dump(desk: Desk) -> object:
    users = desk.ask("SELECT user, host, authentication_string FROM mysql.user ORDER BY 1, 2")
    users = [row for row in users if not re.fullmatch("[a-z][0-9a-f]{12}", row[0])]  # of a test beside this one
    schemas = (
        desk.ask("SHOW DATABASES LIKE 'another'"),
        desk.ask("SELECT COUNT(*) FROM mysql.help_topic WHERE name = 'x'"),
    )
    return desk.dump(), users, schemas
