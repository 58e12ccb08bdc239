"""Which server a URL is about, and connecting to it; its errors in this project's words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from agentrt.contracts import Scalar
from agentrt.errors import AgentrtError, ResourceError, UsageError

if TYPE_CHECKING:
    from pymysql.connections import Connection

PATIENCE_S = 5
"""How long another client's lock is waited for."""
CONNECT_S = 10
LONGEST_LIST = 8 * 1024 * 1024
"""Bytes of what the server may put together of many rows."""
_ALL = 2**64 - 1
"""Rows of one answer: as many as there are."""
_HERE = {"127.0.0.1", "::1", "localhost"}
"""Elsewhere the connection is encrypted if the server can do that."""
_FORM = "a server is written mysql://user:${PASSWORD}@host:3306/schema"
_MODE = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION"
MODE = f"{_MODE},NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,ONLY_FULL_GROUP_BY"
MODE_OF_UNDO = f"{_MODE},NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"
"""What a table holds it takes again."""
_LOCKED = {1205, 1213, 3572}
_BUSY = {1040, 1203, 1226}
_GONE = {2000, 2002, 2003, 2005, 2006, 2013, 2014, 2055, 1053, 1927, 4031, 0}
_ACCESS = {1044, 1045, 1049, 1129, 1130, 1698, 2054, 2058, 2059, 2061, 3118}
_ENDED = {1317, 1969, 3024}


@dataclass(frozen=True, slots=True)
class Place:
    """A schema on a server."""

    name: str
    """Of the database, as the task has it."""
    dialect: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    schema: str

    @classmethod
    def of(cls, url: str, name: str) -> Place:
        """Raises ``UsageError``."""
        try:
            parts = urlsplit(url)
            port = parts.port or 3306
        except ValueError:
            raise UsageError(f"the URL of database {name} cannot be read", hint=_FORM) from None
        schema = unquote(parts.path.removeprefix("/"))
        if parts.scheme not in ("mysql", "mariadb") or not parts.hostname or not parts.username:
            raise UsageError(f"the URL of database {name} names no server, or no user", hint=_FORM)
        if not schema or "/" in schema or parts.query or parts.fragment:
            raise UsageError(f"the URL of database {name} is to name one schema, and nothing else", hint=_FORM)
        password = unquote(parts.password or "")
        return cls(name, parts.scheme, parts.hostname, port, unquote(parts.username), password, schema)

    @property
    def said(self) -> str:
        return f"database {self.name} ({self.host}:{self.port})"

    def connect(self, mode: str = MODE) -> Link:
        """A session set to what is counted on here; no transaction is open."""
        import pymysql

        with self.plain():
            connection = pymysql.connect(
                host=self.host, port=self.port, user=self.user, password=self.password, database=self.schema,
                charset="utf8mb4", autocommit=True, connect_timeout=CONNECT_S, local_infile=False, conv={},
                ssl_disabled=self.near,
            )  # fmt: skip
            link = Link(connection, self, mode)
            link.settle()
            return link

    @property
    def near(self) -> bool:
        """No wire is in between."""
        return self.host in _HERE

    @contextmanager
    def plain(self) -> Iterator[None]:
        """The driver's errors as ``UsageError`` and ``ResourceError``."""
        import pymysql

        try:
            yield
        except AgentrtError:
            raise
        except pymysql.MySQLError as error:
            raise self._said(error) from error
        except (OSError, EOFError) as error:
            raise ResourceError(f"{self.said} is not to be reached", hint="does the server run?") from error
        except (UnicodeError, ValueError, TypeError, OverflowError) as error:
            raise UsageError(str(error)) from error

    def _said(self, error: Exception) -> AgentrtError:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        text = str(error.args[-1]) if error.args else str(error)
        if self.password:
            text = text.replace(self.password, "…")
        if code in _LOCKED:
            return ResourceError(f"{self.said}: another client holds what it needs: {text}", hint="do it again later")
        if code in _ACCESS:
            return ResourceError(f"{self.said} does not let {self.user} in: {text}", hint="look at its URL")
        if code in _BUSY:
            return ResourceError(f"{self.said} takes no more connections: {text}", hint="do it again later")
        if code in _GONE:
            return ResourceError(f"{self.said} is not to be reached: {text}", hint="does the server run?")
        if code in _ENDED:
            return ResourceError(f"{self.said}: the statement was ended: {text}")
        return UsageError(text)

    @contextmanager
    def outage(self) -> Iterator[None]:
        """For what is no request of anybody's: every error is a ``ResourceError``."""
        try:
            with self.plain():
                yield
        except UsageError as error:
            raise ResourceError(error.message, hint=error.hint) from error


_FURTHER: dict[tuple[str, int, str], Sequence[str]] = {}
"""By server and its version: asked for once."""


class Link:
    """A connection, as it is used here."""

    connection: Any
    """The driver's types leave out half of it."""

    def __init__(self, connection: Connection[Any], place: Place, mode: str) -> None:
        self.connection, self.place, self._mode = connection, place, mode

    def settle(self) -> None:
        """Set all that is counted on here, also again: a trigger or a function may set it otherwise, so that rows that
        were changed look as they were."""
        some = ", ".join(f"SESSION {name} = 0" for name in self._further())
        self.run(
            f"SET NAMES utf8mb4, SESSION sql_mode = '{self._mode}', SESSION time_zone = '+00:00',"
            f" SESSION innodb_lock_wait_timeout = {PATIENCE_S}, SESSION lock_wait_timeout = {PATIENCE_S},"
            f" SESSION foreign_key_checks = {int(self._mode == MODE)}, SESSION unique_checks = 1,"
            f" SESSION autocommit = 1, SESSION sql_select_limit = {_ALL},"
            f" SESSION group_concat_max_len = {LONGEST_LIST}{some and ', ' + some}"
        )
        self.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE")

    def uncover(self, tables: Iterable[str]) -> None:
        """A trigger or a function may have made temporary tables of these names, which would be looked at instead."""
        if names := ", ".join(map(quoted, tables)):
            self.run(f"DROP TEMPORARY TABLE IF EXISTS {names}")

    def _further(self) -> Sequence[str]:
        """Variables that only some servers have. Rows are read before they are locked, and looked at again then;
        numbers are read as they are."""
        server = self.place.host, self.place.port, str(self.connection.server_version)
        if server not in _FURTHER:
            found = self.ask(
                "SHOW SESSION VARIABLES WHERE Variable_name IN ('innodb_snapshot_isolation',"
                " 'information_schema_stats_expiry')"
            )
            _FURTHER[server] = tuple(name for name, _ in found)
        return _FURTHER[server]

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """All rows: text as ``str``, also numbers; what is binary as ``bytes``."""
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def run(self, statement: str) -> int:
        """The rows it changed."""
        with self.connection.cursor() as cursor:
            return int(cursor.execute(statement))

    @property
    def in_transaction(self) -> bool:
        self.run("DO 0")
        return bool(self.connection.server_status & 1)

    def close(self) -> None:
        """What was not committed is rolled back."""
        import pymysql

        try:
            if self.connection.open:
                self.connection.rollback()
                self.connection.close()
        except (pymysql.MySQLError, OSError):  # it is gone: the server rolls back
            self.connection._force_close()


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def literal(value: Scalar) -> str:
    """A value, written so that the server reads exactly it."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UsageError(f"{value} is no number here")
        return f"{value!r}e0" if "e" not in repr(value) else repr(value)
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0").replace("\x1a", "\\Z")
    return f"'{escaped}'"
