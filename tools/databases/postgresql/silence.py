"""Triggers that do not fire while rows are put back: what they did the first time is recorded, and put back too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .catalog import Name, quoted
from .line import Line, array

_ENABLED = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}


@dataclass(frozen=True, slots=True)
class Silence:
    """For as long as the transaction, or until ``end``."""

    line: Line
    whole: bool
    """No trigger fires, also none that keeps foreign keys: the role may say so. Else those of its own tables do not."""
    triggers: tuple[tuple[Name, str, str], ...] = ()
    """That are off meanwhile: table, name, how it is enabled."""

    @classmethod
    async def of(cls, line: Line, tables: Sequence[int]) -> Silence:
        found = await line.run(
            "SELECT rolsuper, pg_catalog.current_setting('server_version_num')::int >= 150000 "
            "FROM pg_catalog.pg_roles WHERE rolname = current_user"
        )
        (allowed, newer), *_ = found.rows
        if newer and not allowed:
            asked = "SELECT pg_catalog.has_parameter_privilege('session_replication_role', 'SET')"
            allowed = (await line.run(asked)).rows[0][0]
        if allowed:
            await line.set({"session_replication_role": "replica"}, local=True)
            return cls(line, True)
        listed = await line.run(
            """
            SELECT n.nspname, c.relname, t.tgname, t.tgenabled::text
              FROM pg_catalog.pg_trigger t
              JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.oid = ANY ($1::oid[]) AND NOT t.tgisinternal AND t.tgenabled <> 'D'
               AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
            """,
            [array(tables)],
        )
        off = tuple((Name(str(row[0]), str(row[1])), str(row[2]), _ENABLED[str(row[3])]) for row in listed.rows)
        for table, trigger, _ in off:
            await line.run(f"ALTER TABLE {table.sql} DISABLE TRIGGER {quoted(trigger)}")
        return cls(line, False, off)

    async def end(self) -> None:
        for table, trigger, enabled in self.triggers:
            await self.line.run(f"ALTER TABLE {table.sql} {enabled} TRIGGER {quoted(trigger)}")
