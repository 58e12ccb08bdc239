"""One connection to the server, spoken to in text: values come and go as PostgreSQL itself writes them.

Each message holds one statement, by the protocol that lets the server refuse a second one; only scripts of agentrt's
own hold more. What is said of an error never holds the password.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from agentrt.contracts import Scalar
from agentrt.errors import AgentrtError, ResourceError, UsageError

from .values import rows_of, types, written

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Error

T = TypeVar("T")
U = TypeVar("U")
_SETTINGS = {
    "client_encoding": "UTF8",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
}
EXACT = _SETTINGS | {"timezone": "UTC", "search_path": "pg_catalog, pg_temp", "row_security": "off", "jit": "off"}
"""Under these a value is written in one way only, and rows that a policy of the table hides are an error."""
_RESET = (
    "CLOSE ALL",
    "SET SESSION AUTHORIZATION DEFAULT",
    "RESET ALL",
    "UNLISTEN *",
    "SELECT pg_catalog.pg_advisory_unlock_all()",
    "DISCARD TEMP",
    "DISCARD SEQUENCES",
)
_PLANS = """
    SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE from_sql), pg_catalog.current_setting('search_path')
      FROM pg_catalog.pg_prepared_statements
"""
_PATIENCE = "10s"
"""For a lock, where neither the server nor the URL says."""
_COUNTING = (b"INSERT", b"UPDATE", b"DELETE", b"MERGE")
_BUSY = {
    "40001": "another client changed the same rows meanwhile: run it again",
    "40P01": "it and another client waited for each other: run it again",
    "55P03": "another client holds the lock: try again later",
    "57014": "it took longer than the server lets it, or was cancelled there",
}
"""What says nothing against the statement."""


class Result(NamedTuple):
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    """Scalars."""
    more: bool
    """There were more rows than were to be kept."""
    changed: int
    tag: str
    """``INSERT 0 1``, ``COMMIT`` …"""


class Lost(ResourceError):
    """The connection is gone; what had not been committed does not stand."""


class Refused(UsageError):
    """The server refused the statement; ``state`` is its SQLSTATE, ``detail`` what it adds, ``table`` whose rows it is
    about, if any."""

    def __init__(self, message: str, *, state: str, detail: str, table: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.state, self.detail, self.table = state, detail, table


class Line:
    """Statements one after the other; none runs while another does."""

    def __init__(self, connection: AsyncConnection[tuple[object, ...]], name: str) -> None:
        self._connection = connection
        self._name = name
        self._planned: set[str] = set()
        """Names of plans that the server keeps."""
        self._known = False
        """Nothing ran since it was seen that they are what they were; and under ``EXACT``."""

    @classmethod
    async def open(cls, url: str, name: str) -> Line:
        """Raises ``ResourceError``."""
        import psycopg
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        given: dict[str, Any] = {"connect_timeout": 10, "application_name": "agentrt"} | conninfo_to_dict(url)
        try:
            connection = await psycopg.AsyncConnection.connect(make_conninfo("", **given), autocommit=True)
        except psycopg.Error as error:
            said = without_password(str(error), url).strip()
            raise ResourceError(
                f"database {name} cannot be reached: {said}", hint="is the server running, and the URL right?"
            ) from None
        line = cls(connection, name)
        try:
            await line.prepare()
        except BaseException:
            await line.close()
            raise
        return line

    async def prepare(self) -> None:
        """Set what is counted on, where the server's own settings are."""
        await self.run(
            f"SELECT {calls(_SETTINGS, local=False)}, CASE WHEN pg_catalog.current_setting('lock_timeout') = '0' "
            f"THEN pg_catalog.set_config('lock_timeout', '{_PATIENCE}', false) END"
        )

    async def reset(self) -> None:
        """Whatever statements left in the session is gone, as by ``DISCARD ALL``, but for the plans of ``ask``.

        Raises as ``run``.
        """
        await self.script(_RESET)

    @property
    def version(self) -> int:
        """The server's: 130004 is 13.4."""
        return self._connection.info.server_version

    @property
    def idle(self) -> bool:
        """No transaction is open, not even one that failed."""
        from psycopg.pq import TransactionStatus

        return self._connection.pgconn.transaction_status == TransactionStatus.IDLE

    async def set(self, settings: dict[str, str], *, local: bool = False) -> None:
        """``local``: as long as the transaction."""
        await self.run(f"SELECT {calls(settings, local=local)}")

    async def run(self, statement: str, values: Sequence[Scalar] = (), *, keep: int | None = None) -> Result:
        """Run one statement; its rows, the first ``keep`` of them. What is cancelled is ended at the server too.

        Raises ``Refused``; ``ResourceError`` for what says nothing against the statement; ``Lost``.
        """
        self._known = False

        def send() -> None:
            given = [written(value) for value in values]
            self._connection.pgconn.send_query_params(statement.encode(), given, types(values))

        return await self._sent(send, statement, keep)

    async def script(self, statements: Sequence[str]) -> None:
        """Several of agentrt's own in one message: the first that is refused is the last. Raises as ``run``."""
        self._known = False
        text = "; ".join([*statements, _PLANS])
        await self._see(await self._sent(lambda: self._connection.pgconn.send_query(text.encode()), text))

    async def ask(self, query: str, values: Sequence[Scalar] = ()) -> Result:
        """``run`` of a query that is always the same: the server plans it once, where it reads under ``EXACT``."""
        if not self._known:
            await self.look()
            if not self._known:
                return await self.run(query, values)
        name, pgconn = hashlib.sha256(query.encode()).digest(), self._connection.pgconn
        plan = f"agentrt_{name.hex()[:32]}"
        if plan not in self._planned:
            await self._sent(lambda: pgconn.send_prepare(plan.encode(), query.encode()), query)
            self._planned.add(plan)
        given = [written(value) for value in values]
        return await self._sent(lambda: pgconn.send_query_prepared(plan.encode(), given), query)

    async def look(self) -> None:
        """Whether the server answers, and what ``ask`` counts on. Raises as ``run``."""
        await self._see(await self.run(_PLANS))

    async def _see(self, plans: Result) -> None:
        """Whether all are agentrt's own: SQL, also that of functions, never prepares as the protocol does."""
        count, foreign, path = plans.rows[-1]
        if (count, foreign) != (len(self._planned), 0):
            await self.run("DEALLOCATE ALL")
            self._planned.clear()
        self._known = path == EXACT["search_path"]

    async def _sent(self, send: Callable[[], None], statement: str, keep: int | None = None) -> Result:
        import psycopg
        from psycopg import generators
        from psycopg.pq import ExecStatus

        connection, pgconn = self._connection, self._connection.pgconn
        rows: list[tuple[Any, ...]] = []
        more, last, wrong = False, None, None
        try:
            send()
            if keep is not None:
                pgconn.set_single_row_mode()
            await connection.wait(generators.send(pgconn))
            while (result := await connection.wait(generators.fetch(pgconn))) is not None:
                if result.status == ExecStatus.FATAL_ERROR:
                    wrong = psycopg.errors.error_from_result(result)
                    continue
                if result.status in (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH):
                    await self.close()
                    raise UsageError("COPY to or from the client is not for here")
                last = result
                room = result.ntuples if keep is None else max(0, keep - len(rows))
                more = more or result.ntuples > room
                rows += rows_of(result, min(room, result.ntuples))
            if wrong is not None:
                raise wrong
        except psycopg.Error as error:
            raise self._told(error, statement) from None
        except UnicodeError:
            raise UsageError("the statement is not text that UTF-8 can say") from None
        assert last is not None
        tag = (last.command_status or b"").decode()
        changed = (last.command_tuples or 0) if (last.command_status or b"").startswith(_COUNTING) else 0
        names = tuple((last.fname(column) or b"").decode() for column in range(last.nfields))
        return Result(names, rows, more, changed, tag)

    async def close(self) -> None:
        await self._connection.close()

    def drop(self) -> None:
        """``close``, where nothing can be waited for."""
        self._connection.pgconn.finish()

    def _told(self, error: Error, statement: str) -> AgentrtError:
        state, said = error.sqlstate or "", error.diag.message_primary or str(error).strip()
        if self._connection.pgconn.status != 0 or state[:2] == "08" or state[:3] == "57P":
            return Lost(
                f"the connection to database {self._name} was lost: {said}", hint="what was not committed is undone"
            )
        if state in _BUSY:
            return ResourceError(f"database {self._name}: {said}", hint=_BUSY[state])
        if state[:2] in ("53", "54", "58", "XX"):
            return ResourceError(f"database {self._name}: {said}", hint=error.diag.message_hint or "")
        detail = error.diag.message_detail or ""
        if (position := error.diag.statement_position) is not None and position.isdigit():
            near = statement[int(position) - 1 :].splitlines()[0] if int(position) <= len(statement) else ""
            detail = f"at: {near[:60]}" if near and not detail else detail
        return Refused(
            f"{said} ({detail})" if detail else said,
            state=state,
            detail=detail,
            table=error.diag.table_name or "",
            hint=error.diag.message_hint or "",
        )


async def both(one: Coroutine[Any, Any, T], other: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """What two lines are asked at once. Where one raises, the other is over too, and that is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(one), group.create_task(other)
    except* AgentrtError as errors:
        raise errors.exceptions[0] from None
    return first.result(), second.result()


def calls(settings: dict[str, str], *, local: bool) -> str:
    """``set_config(…), …``, with ``local`` as ``Line.set``."""
    return ", ".join(f"pg_catalog.set_config('{name}', '{value}', {local})" for name, value in settings.items())


def check(url: str, name: str) -> None:
    """Raises ``UsageError`` for what libpq does not understand."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(url)
    except psycopg.Error:
        raise UsageError(
            f"the URL of database {name} is not one PostgreSQL understands", hint="postgresql://user@host:5432/name"
        ) from None


def without_password(said: str, url: str) -> str:
    """What libpq said, and no secret of the URL in it."""
    from psycopg.conninfo import conninfo_to_dict

    secrets = {str(conninfo_to_dict(url).get("password") or ""), urlsplit(url).password or ""}
    for secret in sorted((secrets | {unquote(secret) for secret in secrets}) - {""}, key=len, reverse=True):
        said = said.replace(secret, "…")
    return said
