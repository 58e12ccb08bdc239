"""An SQLite database as a resource: each action is one transaction, and every one of them can be taken back.

file      where it is, and errors in words    guard     what an agent may not do there
session   the connection of one action        watch     row by row, what it did
schema    tables, keys, definitions           record    what is kept of it
turn      put back, in one transaction

SQLite's locks hold between processes, and between connections of one copy of SQLite. Python's ``sqlite3`` is another
copy: what has the same file open with it, in this very process, is not kept apart from an action.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from agentrt.contracts import Answered, Parameters, Planned, Step
from agentrt.errors import ResourceError, UsageError
from agentrt.records import Effect

from ..kept import forget
from ..rows import Move
from ..threaded import Threaded
from .file import Place
from .guard import rewind
from .record import Record, effects
from .session import Session
from .turn import Turn

if TYPE_CHECKING:
    from apsw import Connection

T = TypeVar("T")


def open_database(url: str, *, name: str, folder: Path, aside: Path) -> SqliteDatabase:
    """``sqlite:///relative.db``, ``sqlite:////absolute.db``; with ``?mode=rwc`` a file that is not there is made, with
    ``?mode=ro`` nothing is written. Raises ``UsageError``."""
    return SqliteDatabase(Place.of(url, name, folder), aside)


class SqliteDatabase(Threaded[Session, "Connection"]):
    """A ``Database``. What undo needs is kept in ``aside/<mark>/<name>.json``."""

    dialect = "sqlite"

    def __init__(self, place: Place, aside: Path) -> None:
        super().__init__(place.name, aside)
        self._place = place
        self._over = False
        """Nothing more is done in the action that was begun."""
        self._sealed = False

    # ---------------------------------------------------------------------------------------------------- an action

    async def begin(self, mark: str) -> None:
        """Opens nothing: the first statement does."""
        await self.discard()
        self._mark, self._over, self._sealed = mark, False, False

    async def execute(self, statements: str, parameters: Parameters = (), *, rows: int) -> Sequence[Answered]:
        """As ``Database.execute``. Raises ``UsageError``, ``ResourceError``; after either the action is over."""
        if self._mark is None or self._over:
            raise UsageError("the transaction is over", hint="nothing more can be done in this action")
        session = self._session = self._session or Session(self._place)
        done = False
        try:
            answered = await self._apart(lambda: session.execute(statements, parameters, rows), session)
            done = True
            return answered
        finally:
            if not done:
                await self.discard()

    async def seal(self) -> Sequence[Effect]:
        """Nothing changed: nothing is kept, and no lock is held. Raises ``ResourceError``."""
        session, mark, self._over = self._session, self._mark, True
        if session is None or mark is None:
            return ()
        try:
            record = await self._apart(session.seal)
            if record is not None:
                await self._apart(lambda: record.keep(self._file(mark)))
                self._sealed = True
                return effects(self.name, (Move(record, "after"),))
        finally:
            if not self._sealed:
                await self.discard()
        return ()

    async def commit(self) -> None:
        """Raises ``ResourceError``."""
        session, done = self._session, False
        try:
            if session is not None:
                if not self._sealed:
                    raise ResourceError("nothing is kept of it yet", hint="seal it first")
                await self._apart(session.commit)
            done = True
        finally:
            if not done:
                await self.discard()
        await self._drop()
        self._mark = None

    async def discard(self) -> None:
        mark, session, self._over = self._mark, self._session, True
        await self._drop()
        planned, self._planned = self._planned, None
        if planned is not None:
            await self._apart(planned.close)  # rolls back
        if mark is not None and session is not None:
            await self._apart(lambda: forget(self._file(mark)))
        self._mark = None

    # ---------------------------------------------------------------------------------------------------------- undo

    def _finish(self, planned: Connection) -> None:
        with self._place.outage():
            try:
                planned.execute("COMMIT")
            finally:
                planned.close()

    async def stands(self, mark: str) -> bool | None:
        """Rows, definitions and settings are looked at; what AUTOINCREMENT gave out only where nothing else changed."""
        return await self._apart(lambda: self._stands(mark))

    def _plan(self, steps: Sequence[Step]) -> Planned:
        moves = self._moves(steps, Record.load)
        if not moves:
            return Planned()
        with self._place.outage():
            connection, ready = self._place.open(), False
            try:
                rewind(connection)
                connection.execute("BEGIN IMMEDIATE")
                conflicts = Turn(connection, self.name).all(moves)
                ready = not conflicts
            finally:
                if not ready:
                    connection.close()  # rolls back
        self._planned = connection if ready else None
        return Planned(effects(self.name, moves), tuple(conflicts))

    def _stands(self, mark: str) -> bool | None:
        record = Record.load(self._file(mark))
        if record is None:
            return False
        with self._place.outage():
            connection = self._to_look_at()
            try:
                connection.execute("BEGIN")
                turn = Turn(connection, self.name)
                differ = turn.numbers_differ if record.only_numbers else turn.differences
                if not differ(record, "after"):
                    return True
                return None if differ(record, "before") else False
            finally:
                connection.close()

    def _to_look_at(self) -> Connection:
        """A file that is not there is an empty database."""
        import apsw

        return self._place.open() if self._place.look() else apsw.Connection(":memory:")

    # ------------------------------------------------------------------------------------------------------- threads

    async def _apart(self, work: Callable[[], T], session: Session | None = None) -> T:
        running = asyncio.ensure_future(asyncio.to_thread(work))
        cancelled = False
        while not running.done():
            try:
                await asyncio.wait({running}, timeout=0.02 if cancelled else None)
            except asyncio.CancelledError:
                cancelled = True
            if cancelled and session is not None:
                session.interrupt()
        this = asyncio.current_task()
        if cancelled and session is not None:
            running.exception()
            raise asyncio.CancelledError
        if cancelled and this is not None:  # what was done counts: who waits for it is cancelled next
            this.uncancel()
            this.cancel()
        return running.result()
