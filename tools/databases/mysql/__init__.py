"""A schema of a MySQL or MariaDB server as a resource: each action is one transaction that can be taken back.

place     the server                            words     which statements an agent may run
links     a connection that stays open
reach     which tables one may have changed   session   the connections of one action
measure   what it did, from evidence          comparing which rows may differ
record    what is kept of it
table     keys, rows, locks                   numbers   AUTO_INCREMENT
turn      put back, in one transaction        writing, orphans   rows back in place, foreign keys

Definitions, which the server commits at once:

defining     an action of them                 scratch    the schema it runs in first
definitions  as data, and made again           altered    what it did to them
aim, way     where moves lead, and how         switch, dangling   tables exchanged, foreign keys
recovering   after the exchange, or a crash
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from agentrt.contracts import Answered, Parameters, Planned, Step
from agentrt.errors import ResourceError, UsageError
from agentrt.records import Effect
from agentrt.uncollected import uncollected

from ..rows import Move, Standing
from ..threaded import Threaded
from .defining import Defining, defines, scratch_file, way_file
from .links import Links
from .numbers import numbers, put_back, wanted
from .place import MODE_OF_UNDO, Link, Place
from .record import Record, effects
from .recovering import recover
from .scratch import drop
from .session import Session, Uncertain
from .switch import Switch
from .turn import Turn

T = TypeVar("T")
_AGAIN_S = 0.1
"""Between two tries to end a statement."""


def open_database(url: str, *, name: str, folder: Path, aside: Path) -> MysqlDatabase:
    """``mysql://user:${PASSWORD}@host:3306/schema``, or ``mariadb://…``. Raises ``UsageError``."""
    return MysqlDatabase(Place.of(url, name), aside)


class Ready(NamedTuple):
    """Steps taken in a transaction that is open."""

    link: Link
    to: dict[str, int]
    """AUTO_INCREMENT as it is to be, by table."""
    left: dict[str, int]
    """And as it is without that."""

    def close(self) -> None:
        """It is rolled back."""
        self.link.close()


class MysqlDatabase(Threaded[Session, Ready | Switch]):
    """A ``Database``. What undo needs is kept in ``aside/<mark>/<name>.json``."""

    def __init__(self, place: Place, aside: Path) -> None:
        super().__init__(place.name, aside)
        self._place, self._links = place, Links(place)
        self.dialect = place.dialect
        self._over = False
        """Of the action that was begun nothing stands, and nothing more is done."""

    # ---------------------------------------------------------------------------------------------------- an action

    async def begin(self, mark: str) -> None:
        """Opens nothing: the first statement does."""
        await self.discard()
        self._mark, self._over = mark, False

    async def execute(self, statements: str, parameters: Parameters = (), *, rows: int) -> Sequence[Answered]:
        """As ``Database.execute``; places are written ``?`` or ``:name``. Raises ``UsageError``, ``ResourceError``;
        after either the action is over."""
        if self._mark is None or self._over:
            raise UsageError("the transaction is over", hint="nothing of it stands; do it again in another action")
        done = False
        try:
            session = self._session = self._session or self._opened(statements, self._mark)
            answered = await self._apart(lambda: session.execute(statements, parameters, rows), session)
            done = True
            return answered
        finally:
            if not done:
                self._over = True
                await self._drop()

    def _opened(self, statements: str, mark: str) -> Session:
        defining = defines(statements)
        return Defining(self._place, self._links, self._file(mark)) if defining else Session(self._place, self._links)

    async def seal(self) -> Sequence[Effect]:
        """Nothing changed: nothing is kept. Raises ``ResourceError``."""
        session, mark = self._session, self._mark
        if session is None or mark is None:
            return ()
        sealed = False
        try:
            record = await self._apart(session.seal)
            if record is None:
                return ()
            await self._apart(lambda: record.keep(self._file(mark)))
            sealed = True
            return effects(self.name, (Move(record, "after"),))
        finally:
            if not sealed:
                self._over = True
                await self._drop()

    async def commit(self) -> None:
        """Raises ``ResourceError``; one that says so where it is not known whether it stands."""
        session, mark = self._session, self._mark
        stands = False

        def work() -> None:
            nonlocal stands
            if session is not None and mark is not None:
                self._commit(session, mark)
            stands = True

        try:
            await self._apart(work)
        except Uncertain:
            await self._drop()  # what is kept stays: it may be needed
            self._mark = None
            raise
        except BaseException:
            if not stands:  # cancelled when it was too late, it is as if it had not been
                await self.discard()
                raise
        await self._drop()
        self._mark = None

    def _commit(self, session: Session, mark: str) -> None:
        try:
            session.commit()
        except Uncertain as uncertain:
            hint = "look at what is there; undo takes it back if it stands"
            try:
                found = self._stands(mark)
            except ResourceError:
                found = None
            if found is None:
                raise Uncertain(f"{uncertain}, and it is not known whether it did", hint=hint) from uncertain
            if not found:
                raise ResourceError(f"{uncertain}; it did not", hint="nothing was changed; do it again") from uncertain

    async def discard(self) -> None:
        mark = self._mark
        await self._drop()
        planned, self._planned = self._planned, None
        if planned is not None:
            await self._apart(planned.close)
        if mark is not None:
            if await self._apart(lambda: self._recover(mark)):
                await self._apart(lambda: self._take_back(mark))
            await self._apart(lambda: self._file(mark).unlink(missing_ok=True))
        self._mark = None

    async def close(self) -> None:
        await self.discard()
        await self._apart(self._links.close)

    # ---------------------------------------------------------------------------------------------------------- undo

    def _finish(self, planned: Ready | Switch) -> None:
        with self._place.outage():
            if isinstance(planned, Switch):
                try:
                    planned.finish()
                finally:
                    planned.close()
                return
            try:
                planned.link.run("COMMIT")
            finally:
                planned.link.close()
        put_back(self._place, planned.to, planned.left)

    async def stands(self, mark: str) -> bool | None:
        """Rows are looked at; what AUTO_INCREMENT gave out is not."""
        return await self._apart(lambda: self._stands(mark))

    def _plan(self, steps: Sequence[Step]) -> Planned:
        for mark in {step.mark for step in steps}:
            self._recover(mark)
        moves = self._moves(steps, Record.load)
        if any(move.record.altered is not None for move in moves):
            return self._plan_switch(self._file(steps[0].mark), moves)
        counted = {table for move in moves for table in move.record.numbers}
        with self._place.outage(), self._links.others() as others, uncollected():
            link, ready = self._place.connect(MODE_OF_UNDO), False
            try:
                link.run("START TRANSACTION")
                to = wanted(moves, numbers(others, counted))
                conflicts = Turn(link, others).all(moves)
                left = numbers(others, counted)
                ready = not conflicts
            finally:
                if not ready:
                    link.close()  # rolls back
        self._planned = Ready(link, to, left) if ready else None
        return Planned(effects(self.name, moves), tuple(conflicts))

    def _plan_switch(self, file: Path, moves: Sequence[Move[Record]]) -> Planned:
        with self._place.outage():
            switch, ready = Switch(self._place, way_file(file)), False
            try:
                conflicts = switch.plan(moves)
                ready = not conflicts
            finally:
                if not ready:
                    switch.close()
        self._planned = switch if ready else None
        return Planned(effects(self.name, moves), tuple(conflicts))

    def _take_back(self, mark: str) -> None:
        """What was not to stand any more when it was found out that it does. Raises ``ResourceError``."""
        moves = self._moves([Step(mark, "back")], Record.load)
        with self._place.outage():
            switch = Switch(self._place, way_file(self._file(mark)))
            try:
                if conflicts := switch.plan(moves):
                    raise ResourceError(
                        f"{self._place.said}: what the action did to {conflicts[0].path} stands: {conflicts[0].theirs}",
                        hint="others changed it since: look at it",
                    )
                switch.finish()
            finally:
                switch.close()

    def _recover(self, mark: str) -> bool:
        """What a crash cut off is finished (True), or gone. Raises ``ResourceError``."""
        scratch = scratch_file(self._file(mark))
        if scratch.exists():
            with self._place.outage(), self._links.others() as others:
                drop(others, scratch)
        return recover(self._place, way_file(self._file(mark)))

    def _stands(self, mark: str) -> bool | None:
        self._recover(mark)
        record = Record.load(self._file(mark))
        if record is None:
            return False
        if record.altered is not None:
            sides: tuple[tuple[Standing, bool], ...] = (("before", True), ("after", False))
            for to, stands in sides:
                switch = Switch(self._place, way_file(self._file(mark)))
                try:
                    with self._place.outage():
                        if not switch.plan([Move(record, to)]):
                            return stands
                finally:
                    switch.close()
            return None
        with self._place.outage():
            link = self._place.connect()
            try:
                link.run("START TRANSACTION")
                turn = Turn(link, link)
                after, before = (turn.stands(record.changes, side) for side in ("after", "before"))
            finally:
                link.close()
        return True if after else False if before else None

    # ------------------------------------------------------------------------------------------------------- threads

    async def _apart(self, work: Callable[[], T], session: Session | None = None) -> T:
        running = asyncio.ensure_future(asyncio.to_thread(work))
        ending: asyncio.Future[None] | None = None
        cancelled = False
        while not running.done() or (ending is not None and not ending.done()):
            try:
                await asyncio.wait({running}, timeout=_AGAIN_S if cancelled else None)
                if ending is not None and running.done():
                    await asyncio.wait({ending})
            except asyncio.CancelledError:
                cancelled = True
            if cancelled and session is not None and not running.done() and (ending is None or ending.done()):
                ending = asyncio.ensure_future(asyncio.to_thread(session.interrupt))
        if cancelled:
            running.exception()
            raise asyncio.CancelledError
        return running.result()
