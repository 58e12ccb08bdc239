"""A database file with a resource on it, and dumps of it by the standard library."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from database_desk import Counted

from agentrt.records import Effect, SchemaEffect
from agentrt.tools.databases.sqlite import open_database

Dump = dict[str, Any]


class Desk(Counted):
    """One database, ``app.db``, and its resource, ``app``."""

    def __init__(self, folder: Path, setup: str = "", url: str = "sqlite:///app.db") -> None:
        self.file, self.aside = folder / "app.db", folder / "aside"
        self.client(setup)
        self.database = open_database(url, name="app", folder=folder, aside=self.aside)

    def client(self, script: str) -> None:
        """Somebody else's statements."""
        with closing(sqlite3.connect(self.file)) as connection:
            connection.executescript(script)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(query).fetchall()

    def dump(self) -> Dump:
        return dump(self.file)

    def compare(self, done: Sequence[Effect], taken_back: Sequence[Effect], put_again: Sequence[Effect]) -> None:
        assert [each.change for each in put_again] == [each.change for each in done]
        assert _objects(taken_back) == _objects(done)


def _objects(effects: Sequence[Effect]) -> set[str]:
    return {effect.object for effect in effects if isinstance(effect, SchemaEffect)}


_CLIENT = """
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for line in sys.stdin:
    print(json.dumps(connection.execute(json.loads(line)).fetchall()), flush=True)
"""


class Client:
    """Another process that has the database open: within one process locks of two copies of SQLite mean nothing."""

    def __init__(self, file: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CLIENT, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def __call__(self, statement: str) -> list[list[Any]]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(statement) + "\n")
        self._process.stdin.flush()
        found: list[list[Any]] = json.loads(self._process.stdout.readline())
        return found


def dump(file: Path) -> Dump:
    """All there is: schema, rows with their rowids and types, sequences, settings. Rows of tables without rowid by key.
    That ``sqlite_sequence`` is there, and empty, is nothing: SQLite never drops it; and the tables of a virtual table have
    names in quotes, or not."""
    with closing(sqlite3.connect(file)) as connection:
        connection.text_factory = bytes
        schema = connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name <> 'sqlite_sequence' ORDER BY 1, 2"
        ).fetchall()
        rows = {}
        tables = [
            (name, without)
            for _, name, type, _, without, _ in connection.execute("PRAGMA table_list")
            if type in (b"table", b"shadow")
        ]
        for name, without in tables:
            if name.startswith((b"sqlite_schema", b"sqlite_temp")):
                continue
            named = name.decode()
            quoted = '"' + named.replace('"', '""') + '"'
            columns = [info[1].decode() for info in connection.execute(f"PRAGMA table_xinfo({quoted})")]
            alias = next((each for each in ("rowid", "_rowid_", "oid") if each not in columns), "NULL")
            rowid = "NULL" if without or named == "sqlite_sequence" else alias
            shown = ", ".join(
                f"typeof({each}), {each}" for each in ('"' + column.replace('"', '""') + '"' for column in columns)
            )
            found = connection.execute(f"SELECT {rowid}, {shown} FROM {quoted}").fetchall()
            if found or named != "sqlite_sequence":
                rows[named] = sorted(map(repr, found))
        shadows = {name for _, name, type, *_ in connection.execute("PRAGMA table_list") if type == b"shadow"}
        schema = [(*named, None if named[1] in shadows else sql) for *named, sql in schema]
        settings = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id")]
        checked = connection.execute("PRAGMA integrity_check").fetchall()
    assert checked == [(b"ok",)]
    return {"schema": schema, "rows": rows, "settings": settings}
