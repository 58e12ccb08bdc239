"""What a description of the definitions does not hold: where an action changed any of that, it is refused.

Each of these is counted on both sides; what a transaction wrote carries its own ``xmin``. So nothing is added, changed
or taken away unseen, whatever statement or function did it. That takes milliseconds, and is not done where the server
itself has counted no write to any catalog, and the role cannot have kept it from counting.
"""

from __future__ import annotations

from collections.abc import Collection

from agentrt.errors import ResourceError, UsageError

from .line import both
from .transaction import Transaction

_DESCRIBED = frozenset(
    """
    pg_class pg_attribute pg_attrdef pg_constraint pg_index pg_trigger pg_rewrite pg_sequence pg_depend pg_shdepend
    pg_description pg_type pg_proc
    """.split()
)
"""Catalogs of which a description holds all that is not of ``_BEYOND``."""
_CATALOGS = """
    SELECT relname FROM pg_catalog.pg_class
     WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND pg_catalog.has_table_privilege(oid, 'SELECT')
       AND relname NOT IN ('pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject')
     ORDER BY relname
"""
_SYSTEM = "(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'pg_catalog' OR nspname = 'information_schema')"
_OF_SYSTEM = f"(SELECT oid FROM pg_catalog.pg_class WHERE relnamespace IN {_SYSTEM})"
_COMMENTED = "('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass, 'pg_proc'::regclass)"
_BEYOND = {
    "temporary tables": ("pg_class", "relpersistence = 't'"),
    "partitioned tables": ("pg_class", "relkind IN ('p', 'I') OR relispartition"),
    "materialized views": ("pg_class", "relkind = 'm'"),
    "types": ("pg_class", "relkind = 'c' OR reloftype <> 0"),
    "tables of other servers": ("pg_class", "relkind = 'f'"),
    "system tables": ("pg_class", f"relnamespace IN {_SYSTEM}"),
    "columns of system tables": ("pg_attribute", f"attrelid IN {_OF_SYSTEM}"),
    "indexes of system tables": ("pg_index", f"indrelid IN {_OF_SYSTEM}"),
    "rules": (
        "pg_rewrite",
        f"rulename <> '_RETURN' OR ev_class IN {_OF_SYSTEM} "
        "OR ev_class IN (SELECT oid FROM pg_catalog.pg_class WHERE relkind NOT IN ('v', 'm'))",
    ),
    "triggers of system tables": ("pg_trigger", f"tgrelid IN {_OF_SYSTEM}"),
    "domains": ("pg_constraint", "contypid <> 0"),
    "functions of the system": ("pg_proc", f"pronamespace IN {_SYSTEM}"),
    "functions of untrusted languages": (
        "pg_proc",
        "prolang IN (SELECT oid FROM pg_catalog.pg_language WHERE lanname <> 'sql' AND NOT lanpltrusted)",
    ),
    "aggregates": ("pg_proc", "prokind NOT IN ('f', 'p', 'w')"),
    "types ": (
        "pg_type",
        "typrelid = 0 AND NOT EXISTS "
        "(SELECT FROM pg_catalog.pg_type of WHERE of.typarray = t.oid AND of.typrelid <> 0)",
    ),
    "comments on other things": ("pg_description", f"classoid NOT IN {_COMMENTED}"),
    "what belongs to extensions": ("pg_depend", "deptype IN ('e', 'x')"),
    "policies, or tablespaces": ("pg_shdepend", "deptype NOT IN ('o', 'a')"),
}
"""Of the described catalogs: which rows are of something else."""


_SEEN = {
    "pg_user_mapping": "SELECT m::text FROM pg_catalog.pg_user_mappings m",
    "pg_subscription": """
        SELECT pg_catalog.concat_ws(' ', oid, subname, subowner, subenabled, subslotname, subpublications)
          FROM pg_catalog.pg_subscription
        UNION ALL
        SELECT 'held' FROM pg_catalog.pg_locks
         WHERE locktype = 'object' AND classid = 'pg_catalog.pg_subscription'::regclass
           AND pid = pg_catalog.pg_backend_pid()
    """,
}
"""What an ordinary role sees of catalogs that it may not read, and yet write to by a statement."""


_COUNTED = """
    SELECT pg_catalog.current_setting('track_counts')::bool AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'
           AND c.relname NOT IN ('pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject')
           AND 0 < pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid)
                 + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
                 + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid))
"""
"""Rolled back to a savepoint or not; and what an earlier transaction wrote may be among it for a second."""


def _ordinary(version: int) -> str:
    """A query: nobody that this role can be, nor a function that runs as somebody else, may say what is counted."""
    may = "r.rolsuper"
    if version >= 150_000:
        may += " OR pg_catalog.has_parameter_privilege(r.oid, 'track_counts', 'SET, ALTER SYSTEM')"
    return f"""
        SELECT NOT EXISTS (
            SELECT FROM pg_catalog.pg_roles r
             WHERE ({may}) AND (pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')
                   OR EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.prosecdef AND p.proowner = r.oid)))
    """


async def changed(transaction: Transaction) -> set[str]:
    """The catalogs that are not what they were."""
    new, old = transaction.new, transaction.old
    unwritten, ordinary = await both(new.ask(_COUNTED), old.ask(_ordinary(old.version)))
    if unwritten.rows == ordinary.rows == [(True,)]:
        return set()
    names = [str(name) for (name,) in (await new.ask(_CATALOGS)).rows]
    return await _changed(transaction, {name: (name, "true") for name in names}, {*_SEEN} - {*names})


async def check(transaction: Transaction, catalogs: set[str]) -> None:
    """Whether of these all that changed is in a description. Raises ``UsageError``."""
    found = sorted(catalogs - _DESCRIBED) or sorted(await _changed(transaction, _BEYOND))
    if found:
        raise UsageError(
            f"{found[0].strip()} would be changed, which could not be put back",
            hint="tables, indexes, views, sequences, triggers and functions can be created, altered and dropped",
        )
    held = await transaction.new.run(_HELD)
    if held.rows:
        raise UsageError(f"{held.rows[0][0]} was written, which is the server's own")


async def alone(transaction: Transaction) -> None:
    """Nobody else changed a definition since the transaction began, or which change is whose would not be known.

    After it has written, for good: what it wrote nobody else writes until it is over. Raises ``ResourceError``.
    """
    counted = " UNION ALL ".join(
        f"SELECT '{catalog}', count(*), sum(t.xmin::text::bigint)::text FROM pg_catalog.{catalog} t WHERE {where}"
        for catalog, where in _TOLD.items()
    )
    async with transaction.lines.asked() as fresh:
        now = (await fresh.run(counted)).rows
    if sorted(now) != sorted((await transaction.old.run(counted)).rows):
        raise ResourceError("another client changed definitions meanwhile", hint="nothing was done: run it again")


_LASTING = (
    "(SELECT oid FROM pg_catalog.pg_class WHERE relpersistence <> 't' AND relnamespace <> 'pg_toast'::regnamespace)"
)
_TOLD = {
    "pg_class": "relpersistence <> 't' AND relnamespace <> 'pg_toast'::regnamespace",
    "pg_attribute": f"attrelid IN {_LASTING}",
    "pg_attrdef": f"adrelid IN {_LASTING}",
    "pg_constraint": f"conrelid IN {_LASTING}",
    "pg_index": f"indrelid IN {_LASTING}",
    "pg_trigger": f"tgrelid IN {_LASTING}",
    "pg_rewrite": f"ev_class IN {_LASTING}",
    "pg_sequence": f"seqrelid IN {_LASTING}",
    "pg_proc": "true",
    "pg_description": "true",
}
_HELD = """
    SELECT l.relation::regclass::text
      FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
     WHERE l.locktype = 'relation' AND l.pid = pg_catalog.pg_backend_pid() AND l.granted
       AND c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND c.relname <> 'pg_description'
       AND l.database IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
       AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
"""
"""Statements that write to the catalog itself keep their lock; those that define something do not, but comments."""


async def _changed(transaction: Transaction, parts: dict[str, tuple[str, str]], seen: Collection[str] = ()) -> set[str]:
    own = "count(*) FILTER (WHERE pg_catalog.age(t.xmin) <= 0)"
    found, there = await both(
        transaction.new.ask(_counts(parts, seen, own)), transaction.old.ask(_counts(parts, seen, "0"))
    )
    now = {str(part): (count, own) for part, count, own in found.rows}
    before = {str(part): count for part, count, _ in there.rows}
    return {part for part, (count, own) in now.items() if own or count != before[part]}


def _counts(parts: dict[str, tuple[str, str]], seen: Collection[str], also: str) -> str:
    """A query: of each part its name, how many rows there are, and ``also``; of what is seen a digest, and 0."""
    counted = [
        f"SELECT '{part}', count(*)::text, {also} FROM pg_catalog.{catalog} t WHERE {where}"
        for part, (catalog, where) in parts.items()
    ]
    digests = [
        f"SELECT '{name}', pg_catalog.md5(pg_catalog.string_agg(s.said, ' ' ORDER BY s.said)), 0 "
        f"FROM ({_SEEN[name]}) AS s (said)"
        for name in seen
    ]
    return " UNION ALL ".join([*counted, *digests])
