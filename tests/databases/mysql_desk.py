"""A schema of a real server with a resource on it, and dumps of it by the driver alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql
from database_desk import Counted

from agentrt.tools.databases.mysql import open_database

Dump = dict[str, Any]
_SEQUENCE = re.compile(r"seq_(\d+)_to_(\d+)\b(?: (\w+))?")


class Desk(Counted):
    """One schema, and its resource, ``app``."""

    plans = False  # AUTO_INCREMENT of what triggers write to goes on by it

    def __init__(self, url: str, folder: Path, setup: str = "") -> None:
        self.url, self.aside = url, folder / "aside"
        self.client(*statements(setup))
        self.database = open_database(url, name="app", folder=folder, aside=self.aside)

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Somebody else's."""
        parts = urlsplit(self.url)
        connection = pymysql.connect(
            host=parts.hostname or "", port=parts.port or 0, user=parts.username, password=parts.password or "",
            database=parts.path[1:], charset="utf8mb4", autocommit=True, conv={}, ssl_disabled=True,
            init_command="SET time_zone = '+00:00', innodb_lock_wait_timeout = 2, sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
        )  # fmt: skip
        try:
            yield connection
        finally:
            connection.close()

    def client(self, *those: str) -> None:
        """Somebody else's statements."""
        with self.connection() as connection, connection.cursor() as cursor:
            for each in those:
                cursor.execute(self.spoken(each))

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with self.connection() as connection:
            return _ask(connection, query)

    def dump(self) -> Dump:
        """All there is: definitions, with AUTO_INCREMENT, and rows by their bytes."""
        with self.connection() as connection:
            found: Dump = {}
            for name, type in _ask(connection, "SHOW FULL TABLES"):
                table = "`" + name.replace("`", "``") + "`"
                if type == "VIEW":
                    found[name] = _ask(connection, f"SHOW CREATE VIEW {table}")
                    continue
                shown = ", ".join(
                    f"`{column}` * 1e0" if type in ("float", "double") else f"HEX(CAST(`{column}` AS BINARY))"
                    for column, type, *_ in _ask(connection, f"SHOW COLUMNS FROM {table}")
                )
                rows = sorted(map(repr, _ask(connection, f"SELECT {shown} FROM {table}")))
                found[name] = _ask(connection, f"SHOW CREATE TABLE {table}"), rows
            for name, *_ in _ask(connection, "SHOW TRIGGERS"):
                found[f"trigger {name}"] = _ask(connection, f"SHOW CREATE TRIGGER `{name}`")
            return found

    def spoken(self, statement: str) -> str:
        return spoken(self.url, statement)


def _ask(connection: Any, query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def spoken(url: str, statement: str) -> str:
    """As the server has it: MySQL has neither ``seq_1_to_9`` nor some types of MariaDB."""
    if not url.startswith("mysql:"):
        return statement
    return _SEQUENCE.sub(_sequence, statement.replace("u UUID, ip INET6", "u CHAR(36), ip VARCHAR(45)"))


def _sequence(found: re.Match[str]) -> str:
    first, last = int(found[1]), int(found[2])
    digits = range(len(str(last - first)))
    number = " + ".join(f"d{digit}.d * {10**digit}" for digit in digits)
    ten = ", ".join(f"ROW({value})" for value in range(10))
    rows = ", ".join(f"(VALUES {ten}) AS d{digit} (d)" for digit in digits)
    return f"(SELECT {first} + {number} AS seq FROM {rows} WHERE {number} <= {last - first}) AS {found[3] or 's'}"


def statements(script: str) -> list[str]:
    """Of a script with ``;;`` between them."""
    return [each for each in script.split(";;") if each.strip()]
