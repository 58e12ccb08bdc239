"""One transaction at the server, and a second connection that sees what was there before it.

Both look at the same snapshot (REPEATABLE READ, exported by the one and taken by the other), so that what the two see
differently is what the transaction did, and nothing else; what another client changed meanwhile makes a statement fail
that would write over it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agentrt.errors import ResourceError, UsageError

from ..rows import Row
from . import sequences
from .definitions import Described
from .line import EXACT, Line, Lost, both, calls
from .lines import Lines
from .sequences import States

_OLDEST = 13
_SETTLE = (
    "CLOSE ALL",
    "RESET SESSION AUTHORIZATION",
    "RESET ROLE",
    "SET CONSTRAINTS ALL IMMEDIATE",
    f"SELECT {calls(EXACT, local=True)}",
)
_ASKED = 20
"""Times, a quarter of a second apart, until it is known which way a COMMIT went."""


class Transaction:
    """``new`` is where it happens, ``old`` only reads."""

    def __init__(self, lines: Lines, new: Line, old: Line) -> None:
        self.lines, self.name = lines, lines.name
        self.new, self.old = new, old
        self._over = False
        """The connections are somebody else's."""
        self.xid = ""
        self.sequences: States = {}
        """Before it."""
        self.whole: dict[int, list[tuple[str, Row]]] = {}
        """By the table's oid, all rows it had, where a statement that empties tables may have come to it."""

        self.defined: Described | None = None
        """All definitions before, from before the first statement that locked something against looking at it."""

    @classmethod
    async def open(cls, lines: Lines, *, locked: Sequence[str] = ()) -> Transaction:
        """``locked``: tables, as SQL, that nobody else writes until it is over. Raises ``ResourceError``."""
        new = await lines.writing()
        try:
            old = await lines.reading()
        except BaseException:
            await new.close()
            raise
        self = cls(lines, new, old)
        try:
            await self._begin(locked)
        except BaseException:
            await self.close()
            raise
        return self

    async def _begin(self, locked: Sequence[str]) -> None:
        if self.new.version < _OLDEST * 10_000:
            raise UsageError(f"database {self.name} is of a PostgreSQL older than {_OLDEST}")
        await self.new.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        if locked:  # before there is a snapshot
            await self.new.run(f"LOCK TABLE {', '.join(locked)} IN SHARE ROW EXCLUSIVE MODE")
        self.sequences, exported = await both(
            sequences.read(self.old),  # it holds no lock that the agent could wait for
            self.new.run("SELECT pg_current_xact_id()::text, pg_export_snapshot()"),
        )
        self.xid, snapshot = map(str, exported.rows[0])
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        await self.old.script((begin, f"SET TRANSACTION SNAPSHOT '{snapshot}'"))

    async def same(self) -> bool:
        """Whether it is still open, and the one that was begun."""
        if self.new.idle:
            return False
        return (await self.new.run("SELECT pg_catalog.pg_current_xact_id()::text")).rows == [(self.xid,)]

    async def settle(self) -> None:
        """All that would only happen at COMMIT happens now; from here on only agentrt speaks, as who it is."""
        await self.new.script(_SETTLE)

    async def commit(self) -> None:
        """Raises ``ResourceError``: then it does not stand, or says that this is not known. Never left half way: a
        cancellation takes effect when it is known."""
        working = asyncio.ensure_future(self._commit())
        cancelled = False
        while not working.done():
            try:
                await asyncio.wait({working})
            except asyncio.CancelledError:
                cancelled = True
        if cancelled and (this := asyncio.current_task()) is not None:
            this.uncancel()
            this.cancel()
        working.result()

    async def _commit(self) -> None:
        try:
            tag = (await self.new.run("COMMIT")).tag
        except Lost:
            await self.close()
            await self._went_through()
            return
        except BaseException:
            await self.close()
            raise
        self._over = True
        await both(self.lines.read(self.old), self.lines.wrote(self.new))
        if tag != "COMMIT":
            raise ResourceError(f"database {self.name} rolled the transaction back", hint="nothing of it stands")

    async def close(self) -> None:
        """What was not committed is rolled back by the server."""
        if self._over:
            return
        try:
            await self.old.close()
        finally:
            await self.new.close()

    async def _went_through(self) -> None:
        said = "in progress"
        for _ in range(_ASKED):
            try:
                asking = await Line.open(self.lines.url, self.name)
                try:
                    said = str((await asking.run("SELECT pg_xact_status($1::xid8)", [self.xid])).rows[0][0])
                finally:
                    await asking.close()
            except ResourceError:
                said = "in progress"
            if said == "committed":
                return
            if said == "aborted":
                raise ResourceError(
                    f"the connection to database {self.name} was lost before the transaction was committed",
                    hint="nothing of it stands",
                )
            await asyncio.sleep(0.25)
        raise ResourceError(
            f"the connection to database {self.name} was lost while the transaction was committed, and the server "
            "does not say whether it was",
            hint=f"ask it, when it is there again: SELECT pg_xact_status('{self.xid}')",
        )
