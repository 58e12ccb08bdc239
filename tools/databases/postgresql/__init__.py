"""PostgreSQL: each action is one transaction, whose changes are measured before it is committed and can be taken back.

line, lines   one connection, in text           values        as they are written there
transaction   the two connections of an action  statements    which of them an agent may run
present       compared with what is there       measuring     what it did, from evidence
sequences, silence, catalog                     writing       put back
undoing       all of it, in one transaction
definitions   all there are, as data            covered       what is not in that, and is refused
altered       what an action did to them        defining      statements that make and unmake them
rebuilding    from one side to the other        redefining    steps of undo with definitions in them
trial         undo before the commit            unique        what no trigger keeps then
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from agentrt.contracts import Answered, Parameters, Planned, Step
from agentrt.errors import Conflict, ResourceError, UsageError
from agentrt.records import Effect

from ..kept import Kept, file_of, load, save
from ..rows import effects_of
from . import altered, emptying, measuring, sequences, standing, telling, trial, undoing
from . import line as lines
from .lines import Lines
from .statements import Statement, bound, check, split
from .transaction import Transaction

ENGINE = "postgresql"


def open_database(url: str, *, name: str, folder: Path, aside: Path) -> PostgreSQL:
    """An ``OpenDatabase``. Raises ``UsageError``."""
    lines.check(url, name)
    return PostgreSQL(url, name, aside)


class PostgreSQL:
    """A ``Database``."""

    dialect = "postgresql"

    def __init__(self, url: str, name: str, aside: Path) -> None:
        self._lines, self._name, self._aside = Lines(url, name), name, aside
        self._mark = ""
        self._open: Transaction | None = None
        self._sealed = False
        self._planned: AsyncExitStack | None = None
        """Closes the transaction in which steps are taken."""
        self._turned: Transaction | None = None

    @property
    def name(self) -> str:
        return self._name

    async def begin(self, mark: str) -> None:
        await self.discard()
        self._mark = mark

    async def execute(self, statements: str, parameters: Parameters = (), *, rows: int) -> Sequence[Answered]:
        if not self._mark or self._sealed:
            raise UsageError(f"nothing is begun on database {self._name}")
        try:
            found = split(statements)
            for statement in found:
                check(statement)
            if len(found) > 1 and parameters:
                raise UsageError("several statements have no parameters", hint="run them one by one")
            transaction = self._open = self._open or await Transaction.open(self._lines)
            return [await self._answer(transaction, each, parameters, rows) for each in found]
        except BaseException:
            await self.discard()
            raise

    async def _answer(
        self, transaction: Transaction, statement: Statement, parameters: Parameters, rows: int
    ) -> Answered:
        if statement.words[:1] == ("TRUNCATE",):
            await emptying.keep(transaction, statement)
        run = partial(transaction.new.run, *bound(statement.text, parameters), keep=rows)
        result = await (emptying.keeping(transaction, run) if statement.may_define else run())
        return Answered(result.columns, tuple(result.rows), result.more, result.changed)

    async def seal(self) -> Sequence[Effect]:
        transaction, self._sealed = self._open, True
        if transaction is None:
            return []
        try:
            return await self._measure(transaction)
        except BaseException:
            await self.discard()
            raise

    async def _measure(self, transaction: Transaction) -> Sequence[Effect]:
        if not await transaction.same():
            raise UsageError("the transaction was ended from inside, and what it did is not known")
        await transaction.settle()
        defined = await altered.measure(transaction)
        but = () if defined is None else defined[0].whole(defined[2])
        await transaction.old.run("SAVEPOINT reading")
        measured = await measuring.measure(transaction, but)
        await transaction.old.run("ROLLBACK TO SAVEPOINT reading")  # no lock of it is in the way of a trial
        effects: list[Effect] = []
        if measured.changes or measured.moved or defined is not None:
            own = await standing.own(transaction, measured)
            if defined is not None:
                own["definitions"] = defined[0].written()
                await trial.definitions(transaction, self._name, Kept(measured.changes, own), defined[1])
                effects += telling.effects(self._name, defined[0], "after")
            else:
                await trial.rows(transaction, self._name, Kept(measured.changes, own), measured)
            save(file_of(self._aside, self._mark, self._name), ENGINE, measured.changes, own)
        effects += effects_of(self._name, measured.changes)
        inserted = {measured.tables[each.table].name for each in measured.changes if each.before is None}
        return effects + await sequences.effects(transaction.new, self._name, measured.moved, inserted)

    async def commit(self) -> None:
        transaction, self._open = self._open, None
        try:
            if transaction is not None:
                await transaction.commit()
        finally:
            self._mark, self._sealed = "", False

    async def shelve(self) -> None:
        transaction, self._open = self._open, None
        self._mark, self._sealed = "", False
        if transaction is not None:
            await transaction.close()

    async def discard(self) -> None:
        planned, self._planned = self._planned, None
        if planned is not None:
            await planned.aclose()
        transaction, self._open = self._open, None
        if transaction is not None:
            await transaction.close()
            if self._sealed:
                file_of(self._aside, self._mark, self._name).unlink(missing_ok=True)
        self._mark, self._sealed = "", False

    async def plan_undo(self, steps: Sequence[Step]) -> Planned:
        await self.discard()
        async with AsyncExitStack() as stack:
            doing = undoing.done(self._lines, self._turns(steps))
            try:
                self._turned, effects = await stack.enter_async_context(doing)
            except Conflict as conflict:
                return Planned(conflicts=conflict.conflicts)
            self._planned = stack.pop_all()
            return Planned(effects=tuple(effects))

    async def undo(self) -> None:
        planned, self._planned = self._planned, None
        if planned is not None:
            async with planned:
                assert self._turned is not None
                await self._turned.commit()

    async def stands(self, mark: str) -> bool | None:
        kept = load(file_of(self._aside, mark, self._name), ENGINE)
        return False if kept is None else await standing.stands(self._lines, kept)

    async def close(self) -> None:
        try:
            await self.discard()
        finally:
            await self._lines.close()

    def _turns(self, steps: Sequence[Step]) -> list[undoing.Turn]:
        found = []
        for step in steps:
            kept = load(file_of(self._aside, step.mark, self._name), ENGINE)
            if kept is None:
                raise ResourceError(
                    f"what undo needs of {step.mark} in {self._name} is gone", hint="nothing was touched"
                )
            found.append(undoing.Turn(kept, undoing.side(step)))
        return found
