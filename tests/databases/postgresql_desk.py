"""A PostgreSQL database of a test: what somebody else does there, what agentrt does, and a dump of all of it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from database_steps import plan, take
from psycopg import sql

from agentrt.contracts import Answered, Parameters, Step
from agentrt.records import Effect
from agentrt.tools.databases.postgresql import PostgreSQL, open_database

_TABLES = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = %s AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema' ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Desk:
    url: str
    database: PostgreSQL
    admin: str
    """The URL for a role that may do and see everything."""

    def others(self, *statements: str) -> list[Any]:
        """What another client of the same role does, each committed at once; the last one's rows."""
        return _run(self.url, statements)

    def above(self, *statements: str) -> list[Any]:
        """What a superuser does."""
        return _run(self.admin, statements)

    async def act(self, mark: str, statements: str, parameters: Parameters = ()) -> Sequence[Effect]:
        """One action, committed."""
        await self.database.begin(mark)
        await self.database.execute(statements, parameters, rows=100)
        effects = await self.database.seal()
        await self.database.commit()
        return effects

    async def answers(self, statements: str, parameters: Parameters = (), *, rows: int = 100) -> Sequence[Answered]:
        """Of an action that does not stand."""
        await self.database.begin("asked")
        try:
            return await self.database.execute(statements, parameters, rows=rows)
        finally:
            await self.database.discard()

    async def back(self, *marks: str) -> Sequence[Effect]:
        return await take(self.database, [Step(mark, "back") for mark in marks])

    async def forth(self, *marks: str) -> Sequence[Effect]:
        return await take(self.database, [Step(mark, "forth") for mark in marks])

    async def there_and_back(self, statements: str, parameters: Parameters = ()) -> Sequence[Effect]:
        """Do, undo, redo, undo: all that is in the database, on either side, is each time what it was. The effects."""
        before = self.dump()
        effects = await self.act("mark", statements, parameters)
        after = self.dump()
        assert after != before
        assert await self.database.stands("mark") is True
        for _ in range(2):
            planned = await plan(self.database, [Step("mark", "back")])
            assert planned.conflicts == ()
            assert tuple(await self.back("mark")) == planned.effects
            assert self.dump() == before
            assert await self.database.stands("mark") is False
            await self.forth("mark")
            assert self.dump() == after
        await self.back("mark")
        assert self.dump() == before
        return effects

    def dump(self) -> tuple[str, dict[str, Any]]:
        """The schema as pg_dump writes it; all rows of all tables, and how far sequences are."""
        command = ["pg_dump", "--schema-only", "--no-password", self.admin]
        written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        schema = "\n".join(line for line in written.splitlines() if not line.startswith(("\\", "--")))
        held: dict[str, Any] = {}
        with psycopg.connect(self.admin, autocommit=True) as client:
            for kind in ("r", "S", "m"):
                for name in client.execute(_TABLES, [kind]).fetchall():
                    if kind == "S":
                        query = sql.SQL("SELECT last_value::text || is_called::text FROM {}")
                    else:
                        query = sql.SQL('SELECT row("all".*)::text COLLATE "C" FROM ONLY {} AS "all" ORDER BY 1')
                    held[".".join(name)] = [row[0] for row in client.execute(query.format(sql.Identifier(*name)))]
        return schema, held


def desk(url: str, folder: Path, admin: str = "") -> Desk:
    """With a store of its own."""
    opened = open_database(url, name="app", folder=folder, aside=folder / "aside")
    return Desk(url, opened, admin or url)


def _run(url: str, statements: Sequence[str]) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as client:
        for statement in statements:
            cursor = client.execute(statement)
        return cursor.fetchall() if cursor.description else []
