"""Steps carried out in one transaction in which nobody else writes those tables; what it did is measured.

Where that is not exactly what was recorded (a trigger did more, a foreign key took rows along) it is a conflict, and
nothing is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from agentrt.contracts import Step
from agentrt.errors import Conflict, ResourceError
from agentrt.records import Effect, PathConflict, SchemaEffect

from ..kept import Kept
from ..rows import Change, Standing, effects_of, exact_all, same
from . import sequences
from .altered import defined
from .catalog import Name, Reference, Table, oids, references, tables, unlockable
from .line import EXACT, Line, Refused
from .lines import Lines
from .measuring import balance, measure
from .present import Present, compare, gone_table
from .redefining import Redefining
from .sequences import Moved
from .silence import Silence
from .transaction import Transaction
from .writing import Writer, against


class Turn(NamedTuple):
    """One step, with what is kept of its action."""

    kept: Kept
    to: Standing

    @property
    def names(self) -> dict[str, Name]:
        """Of its tables, by what the changes call them."""
        return {label: Name(*name) for label, name in self.kept.own["tables"].items()}

    @property
    def moves(self) -> list[Moved]:
        """Of sequences, the way it goes."""
        found = [Moved.read(written) for written in self.kept.own["sequences"]]
        return [move.turned() for move in found] if self.to == "before" else found


def side(step: Step) -> Standing:
    return "before" if step.way == "back" else "after"


@asynccontextmanager
async def done(lines: Lines, turns: Sequence[Turn]) -> AsyncIterator[tuple[Transaction, list[Effect]]]:
    """The transaction in which they are done, to be committed or left, and its effects.

    Raises ``Conflict``, ``ResourceError``, ``UsageError``.
    """
    names = {name for turn in turns for name in turn.names.values()}
    if any("definitions" in turn.kept.own for turn in turns):
        async with _redefined(lines, turns, names) as both:
            yield both
        return
    database = lines.name
    transaction, found = await _begun(lines, names)
    try:
        here = await write(transaction, database, turns, found)
        measured = await measure(transaction)
        _compare(database, turns, measured.changes)
        effects: list[Effect] = [*effects_of(database, measured.changes)]
        effects += await _sequences(transaction.new, database, turns, {*here})
        yield transaction, effects
    finally:
        await transaction.close()


async def write(
    transaction: Transaction, database: str, turns: Sequence[Turn], found: Sequence[Reference]
) -> dict[Name, Table]:
    """The rows of each step, where ``found`` are the foreign keys of their tables; which tables there are.

    Raises ``Conflict``, ``ResourceError``, ``UsageError``.
    """
    line = transaction.new
    names = {name for turn in turns for name in turn.names.values()}
    here = await tables(line, list((await oids(line, list(names))).values()))
    by_name = {table.name: table for table in here.values()}
    silence = await Silence.of(line, list(here), found)
    writer = Writer(line, database, found, silence.whole)
    for turn in turns:
        await _do(writer, turn, by_name)
    await _settled(transaction, database)
    await silence.end()
    await writer.check(here)
    return by_name


@asynccontextmanager
async def _redefined(
    lines: Lines, turns: Sequence[Turn], names: set[Name]
) -> AsyncIterator[tuple[Transaction, list[Effect]]]:
    for turn in turns:
        names |= defined(turn.kept)
    transaction, _ = await _begun(lines, names)
    try:
        redefining = Redefining(transaction, lines.name)
        for turn in turns:
            await redefining.step(turn.kept, turn.to)
        await _settled(transaction, lines.name)
        yield transaction, await redefining.end()
    finally:
        await transaction.close()


async def _do(writer: Writer, turn: Turn, here: dict[Name, Table]) -> None:
    """Compare, and then write. Raises ``Conflict``; then nothing of this step is written."""
    found: list[tuple[Table, Sequence[Change], Present]] = []
    conflicts: list[PathConflict] = []
    for label, name in turn.names.items():
        changes = [change for change in turn.kept.changes if change.table == label]
        if (table := here.get(name)) is None:
            conflicts.append(gone_table(writer.database, label))
            continue
        present = await compare(writer.line, writer.database, table, changes, turn.to)
        conflicts += present.conflicts
        found.append((table, changes, present))
    if conflicts:
        raise Conflict(f"database {writer.database} was changed by somebody else since", conflicts=conflicts)
    await writer.write(found, turn.to)


async def _begun(lines: Lines, names: set[Name]) -> tuple[Transaction, list[Reference]]:
    """With these tables locked, and the foreign keys from and to them. Raises ``ResourceError``."""
    async with lines.asked() as line:
        there, found = await _involved(line, names)
        beside = {name for each in found for name in (each.child, each.parent)} - {*there}
        locked = {*there} | (beside - await unlockable(line, beside))
    transaction = await Transaction.open(lines, locked=sorted(name.sql for name in locked))
    try:
        await transaction.new.set(EXACT, local=True)
        if await _involved(transaction.new, names) != (there, found):  # what was not locked then is not now
            raise ResourceError("another client changed definitions meanwhile", hint="nothing was done: run it again")
    except BaseException:
        await transaction.close()
        raise
    return transaction, found


async def _involved(line: Line, names: set[Name]) -> tuple[dict[Name, int], list[Reference]]:
    """Which of the tables are there, and the foreign keys from and to them."""
    there = await oids(line, list(names))
    return there, await references(line, there.values())


async def _settled(transaction: Transaction, database: str) -> None:
    try:
        await transaction.settle()
    except Refused as error:
        raise against(database, error) from None


def _compare(database: str, turns: Sequence[Turn], changes: Sequence[Change]) -> None:
    """Whether what was done is what was to be done."""
    wanted = [change.turned() if turn.to == "before" else change for turn in turns for change in turn.kept.changes]
    if len(wanted) == len(changes) and _one_by_one(wanted, changes):
        return
    one, other = balance(wanted), balance(changes)
    tables = sorted({key[0] for key in one.keys() | other.keys() if one.get(key) != other.get(key)})
    if tables:
        raise Conflict(
            f"database {database} would change more than it is to: a trigger or a foreign key takes part",
            conflicts=[
                PathConflict(path=f"{database}:{table}", ours="its rows as they were", theirs="rows that change along")
                for table in tables
            ],
            hint="a role that may set session_replication_role undoes without triggers",
        )


def _one_by_one(wanted: Sequence[Change], changes: Sequence[Change]) -> bool:
    """Whether each row is there once, and the same on both sides, as it mostly is."""
    left = {(each.table, exact_all(each.key.values())): each for each in wanted}
    for each in changes:
        one = left.pop((each.table, exact_all(each.key.values())), None)
        if one is None or not (same(one.before, each.before) and same(one.after, each.after)):
            return False
    return not left


async def _sequences(line: Line, database: str, turns: Sequence[Turn], written: set[Name]) -> list[SchemaEffect]:
    """Put back what is as it was left; what that changed."""
    # at once as far as they follow each other: a number on the way may be of a row that is there already
    moved = [move for move in _joined(turns) if await sequences.put(line, move)]
    net: dict[Name, Moved] = {}
    for move in moved:
        net[move.name] = Moved(move.name, net.get(move.name, move).before, move.after)
    found = [move for move in net.values() if move.before != move.after]
    back = any(turn.to == "before" for turn in turns)
    return await sequences.effects(line, database, found, written, back=back)


def _joined(turns: Sequence[Turn]) -> list[Moved]:
    found: list[Moved] = []
    last: dict[Name, int] = {}
    for move in (move for turn in turns for move in turn.moves):
        if (at := last.get(move.name)) is not None and found[at].after == move.before:
            found[at] = Moved(move.name, found[at].before, move.after)
        else:
            last[move.name] = len(found)
            found.append(move)
    return found
