"""Triggers that do not fire while rows are put back: what they did the first time is recorded, and put back too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .catalog import Name, Reference, quoted, unlockable
from .line import Line
from .values import array

_ENABLED = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}


@dataclass(frozen=True, slots=True)
class Silence:
    """For as long as the transaction, or until ``end``."""

    line: Line
    whole: bool
    """No trigger fires, also none that keeps foreign keys: the role may say so. Else those of its own tables do not
    that somebody made."""
    triggers: tuple[tuple[Name, str, str], ...] = ()
    """That are off meanwhile: table, name, how it is enabled."""

    @classmethod
    async def of(cls, line: Line, tables: Sequence[int], references: Sequence[Reference]) -> Silence:
        if allowed := await may(line, references):
            await line.set({"session_replication_role": "replica"}, local=True)
        listed = await line.ask(
            """
            SELECT n.nspname, c.relname, t.tgname, t.tgenabled::text
              FROM pg_catalog.pg_trigger t
              JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.oid = ANY ($1::oid[]) AND NOT t.tgisinternal AND t.tgenabled = ANY ($2::"char"[])
               AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
            """,
            [array(tables), "{A,R}" if allowed else "{O,A,R}"],
        )
        off = tuple((Name(str(row[0]), str(row[1])), str(row[2]), _ENABLED[str(row[3])]) for row in listed.rows)
        for table, trigger, _ in off:
            await line.run(f"ALTER TABLE {table.sql} DISABLE TRIGGER {quoted(trigger)}")
        return cls(line, allowed, off)

    async def end(self) -> None:
        for table, trigger, enabled in self.triggers:
            await self.line.run(f"ALTER TABLE {table.sql} {enabled} TRIGGER {quoted(trigger)}")


async def may(line: Line, references: Sequence[Reference]) -> bool:
    """Whether this role may say that no trigger fires, and keep others from breaking these foreign keys meanwhile."""
    found = await line.ask(
        "SELECT rolsuper, pg_catalog.current_setting('server_version_num')::int >= 150000 "
        "FROM pg_catalog.pg_roles WHERE rolname = current_user"
    )
    (allowed, newer), *_ = found.rows
    if newer and not allowed:
        asked = "SELECT pg_catalog.has_parameter_privilege('session_replication_role', 'SET')"
        allowed = (await line.ask(asked)).rows[0][0]
    beside = {name for each in references for name in (each.child, each.parent)}
    return bool(allowed) and not await unlockable(line, beside)
