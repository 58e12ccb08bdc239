"""The connection of one action: opened by its first statement, one transaction, gone when the action is."""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Any

from agentrt.contracts import Answered, Parameters, Scalar
from agentrt.errors import AgentrtError, ResourceError, UsageError
from agentrt.uncollected import uncollected

from .links import Links
from .measure import measure
from .numbers import numbers
from .place import Link, Place, literal
from .reach import Schema
from .record import Record
from .table import Table
from .words import Statement, split

if TYPE_CHECKING:
    from pymysql.cursors import SSCursor

_READ_ONLY = 1792
"""The server's number of what a reading transaction may not do."""


class Session:
    """Used by one thread at a time; ``interrupt`` by any."""

    def __init__(self, place: Place, links: Links) -> None:
        self._place, self._links = place, links
        self._link: Link | None = None
        self._schema: Schema | None = None
        """As it was before the first statement that can write. None: it only reads, the server sees to it."""
        self._statements: list[Statement] = []
        """Those that can write, from there on."""
        self._reached: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._savepoint = f"agentrt_{secrets.token_hex(8)}"
        """Gone when the transaction is, and nobody else can make it again."""
        self._ended = threading.Event()
        self._over = threading.Lock()
        """Held where the connection goes away, and where a statement on it is ended."""

    def interrupt(self) -> None:
        """What runs ends soon; nothing more is run."""
        self._ended.set()
        with self._over:
            if self._link is None:
                return
            try:
                other = self._place.connect()
            except AgentrtError:
                return
            try:
                other.run(f"KILL QUERY {self._link.connection.thread_id()}")
            except Exception:  # it has gone by itself
                return
            finally:
                other.close()

    def close(self) -> None:
        """Nothing stands that was not committed."""
        with self._over:
            link, self._link = self._link, None
            if link is not None:
                link.close()

    # ----------------------------------------------------------------------------------------------------- statements

    def execute(self, statements: str, parameters: Parameters, rows: int) -> list[Answered]:
        """Raises ``UsageError``, ``ResourceError``; the caller closes then."""
        if not isinstance(statements, str):
            raise UsageError("a statement is text")
        found = split(statements)
        if not found:
            raise UsageError("there is no statement")
        if parameters and len(found) > 1:
            raise UsageError(
                "parameters go with one statement, and here are several",
                hint="run them one by one, or write the values into them",
            )
        if parameters:
            found = [found[0].bound(parameters, literal)]
        for statement in found:
            statement.check()
        with self._place.plain():
            return [self._run(self._link or self._open(), statement, rows) for statement in found]

    def _open(self) -> Link:
        link = self._link = self._place.connect()
        link.run("START TRANSACTION READ ONLY")
        return link

    def _run(self, link: Link, statement: Statement, rows: int) -> Answered:
        import pymysql

        if self._ended.is_set():
            raise ResourceError("it was cancelled")
        if self._schema is None and statement.reads:
            try:
                return self._answer(link, statement, rows)
            except pymysql.MySQLError as error:
                if error.args[0] != _READ_ONLY:
                    raise  # it is a function that writes, or a lock: run in a transaction that may
        self._prepare(link, statement)
        answered = self._answer(link, statement, rows)
        if not link.in_transaction:
            raise self._committed()
        return answered

    def _prepare(self, link: Link, statement: Statement) -> None:
        """It is about to run, and can write."""
        if self._schema is None:
            # What was read before was read from a state that need not be the last any more.
            link.run("COMMIT")
            with self._links.others() as others:
                self._schema = Schema.read(link, others)
            link.run("START TRANSACTION READ WRITE")
            link.run(f"SAVEPOINT {self._savepoint}")
        else:
            link.settle()  # what ran before may have set something
        new = self._schema.reach(statement) - self._reached
        for table in Table.read(link, new).values():
            if (strange := table.strange) is not None:
                raise UsageError(f"{table.name}.{strange.name} is of a type that is not known: {strange.type}")
        self._numbers |= numbers(link, new)
        self._statements.append(statement)
        self._reached |= new

    def _answer(self, link: Link, statement: Statement, rows: int) -> Answered:
        from pymysql.cursors import SSCursor

        given: list[tuple[Scalar, ...]] = []
        with link.connection.cursor(SSCursor) as cursor:
            cursor.execute(statement.text)
            if not cursor.description:
                return Answered((), (), False, max(cursor.rowcount, 0))
            columns = tuple(column[0] for column in cursor.description)
            for row in _rows(cursor):
                if len(given) <= rows:
                    types = [column[1] for column in cursor.description]
                    given.append(tuple(_scalar(value, type) for value, type in zip(row, types, strict=True)))
        return Answered(columns, tuple(given[:rows]), len(given) > rows, 0)

    # -------------------------------------------------------------------------------------------------------- the end

    def seal(self) -> Record | None:
        """What was done; None: nothing. Raises ``ResourceError``."""
        link = self._link
        if link is None or self._schema is None:
            return None
        with self._place.outage():
            if not link.in_transaction or not self._still_the_same(link):
                raise self._committed()
            link.settle()
            with self._links.others() as others, uncollected():
                schema = Schema.read(others, link)
                if any(schema.reach(each) - self._reached for each in self._statements):
                    raise ResourceError(
                        f"{self._place.said}: its tables were altered meanwhile",
                        hint="nothing was changed; do it again",
                    )
                tables = Table.read(link, sorted(self._reached))
                changes = measure(link, others, tables.values())
                after = numbers(others, self._numbers)
        if not changes:
            return None
        given = {
            table: (before, after[table])
            for table, before in self._numbers.items()
            if after.get(table, before) != before
        }
        return Record(tuple(changes), given)

    def _still_the_same(self, link: Link) -> bool:
        """The transaction that was begun."""
        import pymysql

        try:
            link.run(f"RELEASE SAVEPOINT {self._savepoint}")
        except pymysql.MySQLError:
            return False
        return True

    def _committed(self) -> ResourceError:
        return ResourceError(
            f"{self._place.said}: a statement ended the transaction by itself",
            hint="what was done until then stands, and is not kept: it cannot be taken back here",
        )

    def commit(self) -> None:
        """Raises ``ResourceError``; ``Uncertain`` where the server is gone before it answered."""
        import pymysql

        link = self._link
        if link is None:
            return
        try:
            link.run("COMMIT")
        except (pymysql.MySQLError, OSError) as error:
            if self._schema is None:
                return  # it only read
            raise Uncertain(f"{self._place.said} went away while it was told to commit") from error


class Uncertain(ResourceError):
    """Whether it was committed is not known."""


def _rows(cursor: SSCursor) -> Any:
    while (row := cursor.fetchone()) is not None:
        yield row


def _scalar(value: Any, type: Any) -> Scalar:
    from pymysql.constants import FIELD_TYPE

    if value is None:
        return None
    if type == FIELD_TYPE.BIT:
        return int.from_bytes(value, "big")
    if type in (
        FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG, FIELD_TYPE.YEAR,
    ):  # fmt: skip
        return int(value)
    if type in (FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE):
        return float(value)
    return bytes(value) if isinstance(value, bytes | bytearray) else str(value)
