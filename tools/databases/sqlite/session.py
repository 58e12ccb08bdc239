"""The connection of one action: opened by its first statement, one transaction, gone when the action is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from agentrt.contracts import Answered, Parameters
from agentrt.errors import ResourceError, UsageError

from .file import Place
from .guard import Guard, harden
from .record import Record
from .watch import Watch

if TYPE_CHECKING:
    from apsw import Connection, Cursor, PreUpdate


class _Statement(NamedTuple):
    text: str
    columns: tuple[str, ...]
    reads: bool
    """It cannot write."""


class Session:
    """Used by one thread at a time; ``interrupt`` by any."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._connection: Connection | None = None
        self._guard = Guard()
        self._watch: Watch | None = None
        self._ended = threading.Event()

    def interrupt(self) -> None:
        """What runs ends soon; nothing more is run."""
        self._ended.set()
        connection = self._connection
        if connection is not None:
            connection.interrupt()

    def close(self) -> None:
        """Nothing stands that was not committed."""
        connection, self._connection, self._watch = self._connection, None, None
        if connection is not None:
            connection.preupdate_hook(None)
            connection.close()

    # ----------------------------------------------------------------------------------------------------- statements

    def execute(self, statements: str, parameters: Parameters, rows: int) -> list[Answered]:
        """Raises ``UsageError``, ``ResourceError``; the caller closes then."""
        if not isinstance(statements, str):
            raise UsageError("a statement is text")
        with self._place.plain():
            connection = self._connection or self._open()
            answered: list[Answered] = []
            rest = statements
            while rest.strip():
                statement = self._next(connection, rest, parameters)
                rest = rest[len(statement.text) :]
                if not _says_anything(statement.text):
                    continue
                if parameters and (answered or _says_anything(rest)):
                    raise UsageError(
                        "parameters go with one statement, and here are several",
                        hint="run them one by one, or write the values into them",
                    )
                answered.append(self._run(connection, statement, parameters, rows))
            if not answered:
                raise UsageError("there is no statement")
            return answered

    def _open(self) -> Connection:
        connection = self._connection = self._place.open(self._ended.is_set)
        harden(connection)
        connection.authorizer = self._guard
        # Before any statement is prepared: else one that empties a table would do so without a word on its rows.
        connection.preupdate_hook(self._see)
        connection.execute("BEGIN")
        return connection

    def _see(self, update: PreUpdate) -> None:
        if self._watch is not None:
            self._watch.see(update)

    def _next(self, connection: Connection, statements: str, parameters: Parameters) -> _Statement:
        """The first of ``statements``, as SQLite reads it. The guard has looked at it, nothing has run."""
        import apsw

        found: list[_Statement] = []

        def look(cursor: Cursor, text: str, bound: object) -> bool:
            columns = tuple(name for name, _ in cursor.get_description())
            found.append(_Statement(text, columns, cursor.is_readonly))
            return False

        cursor = connection.cursor()
        cursor.exec_trace = look
        try:
            self._guarded(cursor, statements, parameters)
        except apsw.ExecTraceAbort:
            pass  # all that was to be known was seen, and nothing is run
        except KeyError as error:
            raise UsageError(f"the statement has a parameter {error.args[0]}, which is not given") from error
        except (ValueError, TypeError, OverflowError) as error:  # of values and texts that SQLite cannot take
            raise UsageError(str(error)) from error
        finally:
            cursor.close(True)
        return found[0]

    def _guarded(self, cursor: Cursor, statements: str, parameters: Parameters) -> Cursor:
        import apsw

        self._guard.on, self._guard.refused = True, ""
        try:
            # Not from the cache: there are statements of the runtime's own in it, which the guard did not look at.
            return cursor.execute(statements, parameters or None, can_cache=False)
        except (apsw.AuthError, apsw.SQLError) as error:
            if not self._guard.refused:
                raise
            raise UsageError(
                self._guard.refused, hint="an action on a database is only what undo can take back"
            ) from error
        finally:
            self._guard.on = False

    def _run(self, connection: Connection, statement: _Statement, parameters: Parameters, rows: int) -> Answered:
        if self._ended.is_set():
            raise ResourceError("it was cancelled")
        if not statement.reads:
            if self._watch is None:
                # What was read before was read from a state that need not be the last any more.
                connection.execute("COMMIT")
                connection.execute("BEGIN IMMEDIATE")
                self._watch = Watch(connection, self._guard)
            self._watch.prepare()
        before, cursor = connection.total_changes(), connection.cursor()
        given: list[tuple[object, ...]] = []
        try:
            self._guarded(cursor, statement.text, parameters)
            self._guard.on = True
            for row in cursor:
                if len(given) <= rows:
                    given.append(row)
                elif statement.reads:
                    break  # what writes is run to its end
        finally:
            self._guard.on = False
            cursor.close(True)
        changed = connection.changes() if connection.total_changes() != before else 0
        return Answered(statement.columns, tuple(given[:rows]), len(given) > rows, changed)  # type: ignore[arg-type]  # SQLite has scalars only

    # -------------------------------------------------------------------------------------------------------- the end

    def seal(self) -> Record | None:
        """What was done; None: nothing. Raises ``ResourceError``."""
        import apsw

        connection, watch = self._connection, self._watch
        if connection is None or watch is None:
            return None
        try:
            with self._place.plain():
                if connection.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)[0]:
                    raise UsageError("FOREIGN KEY constraint failed at the end of the transaction")
                record = watch.record()
        except UsageError as error:
            raise ResourceError(str(error), hint=error.hint or "nothing of the action stands") from error
        return None if record.empty else record

    def commit(self) -> None:
        """Raises ``ResourceError``."""
        connection = self._connection
        if connection is not None:
            with self._place.outage():
                connection.execute("COMMIT")


def _says_anything(text: str) -> bool:
    """Whether there is more than white space and comments."""
    rest = text
    while rest := rest.strip(" \t\r\n\f;\ufeff"):
        if rest.startswith("--"):
            rest = rest.partition("\n")[2]
        elif rest.startswith("/*"):
            rest = rest.partition("*/")[2]
        else:
            return True
    return False
