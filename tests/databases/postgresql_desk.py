"""A PostgreSQL database of a test: what somebody else does there, what agentrt does, and a dump of all of it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import database_desk
import psycopg
from psycopg import sql

from agentrt.contracts import Answered, Parameters
from agentrt.records import Effect, SchemaEffect
from agentrt.tools.databases.postgresql import PostgreSQL, open_database

_TABLES = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = %s AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema' ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Desk(database_desk.Desk):
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
        return await self.do(mark, statements, parameters=parameters)

    async def answers(self, statements: str, parameters: Parameters = (), *, rows: int = 100) -> Sequence[Answered]:
        """Of an action that does not stand."""
        await self.database.begin("asked")
        try:
            return await self.database.execute(statements, parameters, rows=rows)
        finally:
            await self.database.discard()

    def compare(self, done: Sequence[Effect], taken_back: Sequence[Effect], put_again: Sequence[Effect]) -> None:
        if any(isinstance(each, SchemaEffect) and each.object != "sequence" for each in done):
            done, put_again = _without_sequences(done), _without_sequences(put_again)
        super().compare(done, taken_back, put_again)

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


def _without_sequences(effects: Sequence[Effect]) -> list[Effect]:
    """Where definitions change as well, redo does not tell of numbers that go along."""
    return [each for each in effects if not (isinstance(each, SchemaEffect) and each.object == "sequence")]


def desk(url: str, folder: Path, admin: str = "") -> Desk:
    """With a store of its own."""
    opened = open_database(url, name="app", folder=folder, aside=folder / "aside")
    return Desk(url, opened, admin or url)


def _run(url: str, statements: Sequence[str]) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as client:
        for statement in statements:
            cursor = client.execute(statement)
        return cursor.fetchall() if cursor.description else []
