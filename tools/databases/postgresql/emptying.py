"""Before a TRUNCATE: all rows of what it may empty. It looks at no row, and takes along what others wrote meanwhile."""

from __future__ import annotations

from agentrt.errors import ResourceError

from .catalog import Table, tables
from .line import array
from .measuring import select
from .statements import Statement
from .transaction import Transaction

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


async def keep(transaction: Transaction, statement: Statement) -> None:
    """What has one of the names in it, with its partitions, and where it says so all that refers to them. From here on
    nobody else writes there. Raises ``ResourceError``: somebody did already, after the transaction began."""
    old = transaction.old
    await old.run("SAVEPOINT reading")  # the statement is not to wait for a lock that only reading took
    try:
        reached = await old.run(_REACHED, [array(statement.names), "CASCADE" in statement.words])
        found = await tables(old, [oid for (oid,) in reached.rows if oid not in transaction.whole])
        for oid, table in found.items():
            await transaction.new.run(f"LOCK TABLE ONLY {table.name.sql} IN SHARE ROW EXCLUSIVE MODE")
            transaction.whole[oid] = await select(old, table, "true")
        await _same_now(transaction, list(found.values()))
    finally:
        await old.run("ROLLBACK TO SAVEPOINT reading")


async def _same_now(transaction: Transaction, found: list[Table]) -> None:
    async with transaction.lines.asked() as fresh:
        for table in found:
            versions = f"SELECT ctid::text, xmin::text FROM ONLY {table.name.sql}"
            if sorted((await fresh.run(versions)).rows) != sorted((await transaction.old.run(versions)).rows):
                raise ResourceError(
                    f"another client changed rows of {table.name.label} meanwhile",
                    hint="run it again; nothing of this action stands",
                )
