"""All rows of what a statement empties, drops or alters: it looks at no row, and takes along what others wrote.

A TRUNCATE says before what it may empty. Of all else it is found out: it runs, is taken back, and runs again where
tables are locked by it that nobody can read any more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from agentrt.errors import ResourceError, UsageError

from .catalog import Table, tables, unlockable
from .definitions import Described, describe
from .measuring import select
from .statements import Statement
from .transaction import Transaction
from .values import array

_REACHED = """
    WITH RECURSIVE reached AS (
        SELECT c.oid FROM pg_catalog.pg_class c
         WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND c.relname = ANY ($1::text[])
           AND c.relnamespace <> 'pg_catalog'::regnamespace
        UNION
        SELECT further.oid
          FROM reached r CROSS JOIN LATERAL (
            SELECT i.inhrelid AS oid FROM pg_catalog.pg_inherits i WHERE i.inhparent = r.oid
            UNION ALL
            SELECT f.conrelid FROM pg_catalog.pg_constraint f WHERE f.contype = 'f' AND f.confrelid = r.oid AND $2::bool
          ) AS further
    )
    SELECT oid FROM reached ORDER BY oid
"""


_LOCKED = """
    SELECT l.relation
      FROM pg_catalog.pg_locks l
     WHERE l.locktype = 'relation' AND l.pid = pg_catalog.pg_backend_pid() AND l.granted
       AND l.mode = 'AccessExclusiveLock'
       AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
"""
_WITH_ROWS = """
    SELECT c.oid
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = ANY ($1::oid[]) AND c.relkind = 'r' AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
"""
_TRIES = 5
T = TypeVar("T")


async def keep(transaction: Transaction, statement: Statement) -> None:
    """What has one of the names in it, with its partitions, and where it says so all that refers to them. From here on
    nobody else writes there. Raises ``ResourceError``: somebody did already, after the transaction began."""
    old = transaction.old
    await old.run("SAVEPOINT reading")  # the statement is not to wait for a lock that only reading took
    try:
        reached = await old.run(_REACHED, [array(statement.names), "CASCADE" in statement.words])
        await _keep(transaction, [oid for (oid,) in reached.rows])
    finally:
        await old.run("ROLLBACK TO SAVEPOINT reading")


async def keeping(transaction: Transaction, job: Callable[[], Awaitable[T]]) -> T:
    """Do it, with all rows kept of tables that it locks against reading. Raises ``UsageError``, ``ResourceError``."""
    new = transaction.new
    for _ in range(_TRIES):
        await new.run("SAVEPOINT agentrt_job")
        done = await job()
        missing, late = await unread(transaction), await undescribed(transaction)
        if missing or late:
            await new.run("ROLLBACK TO SAVEPOINT agentrt_job")
        await new.run("RELEASE SAVEPOINT agentrt_job")
        if not missing and not late:
            return done
        if set(missing) & set(await unread(transaction)) or await undescribed(transaction):
            break
        if late:
            transaction.defined = await described(transaction)
        await _read(transaction, missing)
    raise UsageError(UNREAD, hint=ALONE)


async def described(transaction: Transaction) -> Described:
    """All there was before. Raises ``ResourceError``."""
    old = transaction.old
    await old.run("SAVEPOINT reading")
    try:
        return await describe(old)
    finally:
        await old.run("ROLLBACK TO SAVEPOINT reading")


UNREAD = "tables were emptied, altered or dropped whose rows could not be read before that"
ALONE = "do it in a statement of its own, not from within a trigger or a query"


async def unread(transaction: Transaction) -> list[int]:
    """Tables that were there before, nobody else can read now, and were not read."""
    locked = [int(oid) for (oid,) in (await transaction.new.run(_LOCKED)).rows if oid not in transaction.whole]
    if not locked:
        return []
    return [int(oid) for (oid,) in (await transaction.old.run(_WITH_ROWS, [array(locked)])).rows]


async def undescribed(transaction: Transaction) -> bool:
    """Whether it is too late to describe what was there before."""
    return transaction.defined is None and bool((await transaction.new.run(_LOCKED)).rows)


async def _read(transaction: Transaction, oids: Sequence[int]) -> None:
    await transaction.old.run("SAVEPOINT reading")
    try:
        await _keep(transaction, oids)
    finally:
        await transaction.old.run("ROLLBACK TO SAVEPOINT reading")


async def _keep(transaction: Transaction, oids: Sequence[int]) -> None:
    """The second connection has a savepoint, which gives back its locks."""
    found = await tables(transaction.old, [oid for oid in oids if oid not in transaction.whole])
    if closed := await unlockable(transaction.new, [table.name for table in found.values()]):
        raise UsageError(
            f"{min(closed).label} would be locked or emptied, and permission is denied to keep its rows before",
            hint="the role needs UPDATE, DELETE or TRUNCATE on it; nothing of the action stands",
        )
    for oid, table in found.items():
        await transaction.new.run(f"LOCK TABLE ONLY {table.name.sql} IN SHARE ROW EXCLUSIVE MODE")
        transaction.whole[oid] = await select(transaction.old, table, "true")
    await _same_now(transaction, list(found.values()))


async def _same_now(transaction: Transaction, found: list[Table]) -> None:
    async with transaction.lines.asked() as fresh:
        for table in found:
            versions = f"SELECT ctid::text, xmin::text FROM ONLY {table.name.sql}"
            if sorted((await fresh.run(versions)).rows) != sorted((await transaction.old.run(versions)).rows):
                raise ResourceError(
                    f"another client changed rows of {table.name.label} meanwhile",
                    hint="run it again; nothing of this action stands",
                )
