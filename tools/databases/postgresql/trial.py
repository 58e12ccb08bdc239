"""Whether what an action did can be taken back by this role: done before it is committed, compared, and let go of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from agentrt.errors import Conflict, UsageError
from agentrt.records import PathConflict

from ..kept import Kept
from ..rows import Change
from .catalog import Reference, references, unlockable
from .definitions import Described, describe
from .line import Line, Refused
from .measuring import Measured, balance, measure
from .redefining import Redefining
from .silence import may
from .transaction import Transaction
from .undoing import Turn, write
from .values import array
from .writing import differing

_OTHERS = """
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = ANY ($1::oid[]) AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')
     ORDER BY 1
"""
_UNIQUE = """
    SELECT i.indrelid, a.attname
      FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid
     WHERE i.indrelid = ANY ($1::oid[]) AND i.indisunique AND a.attnum > 0
       AND (a.attnum = ANY (i.indkey::int2[]) OR 0 = ANY (i.indkey::int2[]) OR i.indpred IS NOT NULL)
"""


async def definitions(transaction: Transaction, database: str, kept: Kept, before: Described) -> None:
    """With rows in between. Raises ``UsageError``, ``ResourceError``."""
    async with _trial(transaction, []):
        trial = Redefining(transaction, database)
        await trial.step(kept, "before")
        now = (await describe(transaction.new)).entries
        if wrong := sorted(at for at in before.entries | now if before.entries.get(at) != now.get(at)):
            raise UsageError(f"{wrong[0]} could not be put back", hint="nothing of the action stands")
        if kept.changes:
            await _nothing_left(transaction, database, trial.whole)
        await trial.step(kept, "after")


async def rows(transaction: Transaction, database: str, kept: Kept, measured: Measured) -> None:
    """Of tables of other roles, and where foreign keys may be in the way: all others can be put back.

    Raises ``UsageError``, ``ResourceError``.
    """
    line = transaction.new
    names = {table.oid: table.name for table in measured.tables.values()}
    changed: dict[int, list[Change]] = {}
    for change in measured.changes:
        changed.setdefault(measured.tables[change.table].oid, []).append(change)
    others = [str(name) for (name,) in (await line.ask(_OTHERS, [array(changed)])).rows]
    found = await references(line, changed)
    if not others and not (found and not await may(line, found) and await _tangled(line, changed, found)):
        return
    async with _trial(transaction, others):
        if closed := await unlockable(line, [names[oid] for oid in changed]):
            raise UsageError(f"{min(closed).label} may not be locked by this role, and could not be put back")
        await write(transaction, database, [Turn(kept, "before")], found)
        await _nothing_left(transaction, database)


async def _tangled(line: Line, changed: dict[int, list[Change]], found: Sequence[Reference]) -> bool:
    """Whether rows that others refer to pass each other, or tables refer to each other in a circle."""
    referred = {oid: changed[oid] for each in found for oid in each.parent_oids if oid in changed}
    unique = {(oid, name) for oid, name in (await line.ask(_UNIQUE, [array(referred)])).rows}
    for oid, changes in referred.items():
        come = any(change.before is None for change in changes)
        go = any(change.after is None for change in changes)
        if (come and go) or any((oid, name) in unique for change in changes for name in differing(change)):
            return True
    return _circular({*changed}, found)


@asynccontextmanager
async def _trial(transaction: Transaction, others: Sequence[str]) -> AsyncIterator[None]:
    """``others``: tables of other roles that take part."""
    line = transaction.new
    await line.run("SAVEPOINT agentrt_trial")
    try:
        yield
    except Conflict as conflict:
        first = conflict.conflicts[0]
        raise UsageError(
            f"it could not be put back: {first.path}: {first.theirs}, instead of {first.ours}", hint=_hint(others)
        ) from None
    except Refused as error:
        raise UsageError(f"it could not be put back: {error.message}", hint=_hint(others)) from None
    await line.run("ROLLBACK TO SAVEPOINT agentrt_trial")
    await line.run("RELEASE SAVEPOINT agentrt_trial")


def _hint(others: Sequence[str]) -> str:
    nothing = "nothing of the action stands"
    if not others:
        return nothing
    return (
        f"{nothing}; {', '.join(others)}: of another role, whose triggers fire again when rows are put back; "
        "use a role that owns it, or one that may set session_replication_role"
    )


async def _nothing_left(transaction: Transaction, database: str, but: Collection[int] = ()) -> None:
    """Raises ``Conflict``: more happened than that rows were put back."""
    left = balance((await measure(transaction, but)).changes)
    if left:
        table = min(table for table, _ in left)
        raise Conflict(
            "a trigger or a foreign key takes part",
            conflicts=[
                PathConflict(path=f"{database}:{table}", ours="its rows as they were", theirs="rows that change along")
            ],
        )


def _circular(tables: set[int], found: Sequence[Reference]) -> bool:
    left = set(tables)
    while left:
        bound = {
            child
            for each in found
            for child in each.child_oids
            if child in left and any(parent in left and parent != child for parent in each.parent_oids)
        }
        if bound == left:
            return True
        left = bound
    return False
