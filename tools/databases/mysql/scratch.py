"""Where statements that define run first: a schema of their own, with copies of what they are about.

The server commits each of them at once, and so they must not run where others see it before it is judged. The schema is
named in a file beside what undo needs until it is dropped.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from agentrt.errors import ResourceError, UsageError
from agentrt.records import dump_json
from agentrt.whole import write_whole

from ..rows import Row
from .altered import Altered, Side, altered
from .definitions import Definitions, constraint, describe, make, refers
from .place import MODE, MODE_OF_UNDO, Link, Place, literal, quoted
from .reach import Schema
from .table import Table
from .words import HINT, only

_NEEDED = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX", "REFERENCES", "TRIGGER", "CREATE VIEW",
    "SHOW VIEW", "LOCK TABLES",
)  # fmt: skip


class Scratch:
    """``link`` is in it; ``real`` in the schema it is about."""

    def __init__(self, place: Place, file: Path) -> None:
        self._place, self._file = place, file
        self._name = f"agentrt_{secrets.token_hex(8)}"
        self.link: Link | None = None
        self._real: Link | None = None
        self._copied = Definitions({}, {})
        self._rows: dict[str, list[Row]] = {}
        self._filled = False
        """Whether copies have rows."""

    def open(self) -> Link:
        """Raises ``UsageError`` where this user may not do what is needed, in it or to put definitions back."""
        if self.link is not None:
            return self.link
        real = self._real = self._place.connect(MODE_OF_UNDO)
        _able(real)
        _privileged(real)
        ((charset, collation),) = real.ask("SELECT @@character_set_database, @@collation_database")
        try:
            write(self._file, self._name)
            real.run(f"CREATE DATABASE {quoted(self._name)} CHARACTER SET {charset} COLLATE {collation}")
        except OSError as error:
            raise ResourceError(f"{self._file} cannot be written: {error.strerror or error}") from error
        except Exception as error:
            self._file.unlink(missing_ok=True)
            raise UsageError(
                f"{self._place.said}: changes of definitions are tried in a schema of their own first, and"
                f" {self._place.user} may not make one",
                hint=f"GRANT ALL ON `agentrt\\_%`.* TO {self._place.user}",
            ) from error
        link = self.link = self._place.connect(MODE)
        link.run(f"USE {quoted(self._name)}")
        link.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")  # what is copied stays unlocked
        return link

    def bring(self, schema: Schema, names: Iterable[str], fill: bool) -> None:
        """Copies of what has these names, and of what foreign keys tie to it. Raises ``UsageError`` for what could not
        be made again exactly as it is."""
        link, real = self.open(), self._real
        assert real is not None
        if fill and self._filled is False and self._copied.tables:
            raise UsageError("it is about rows, and what came before it was not", hint="run it in an action of its own")
        there = describe(real, tied(schema, names) - self._copied.tables.keys() - self._copied.views.keys())
        self._filled = fill if not self._copied.tables else self._filled
        link.run(f"SET SESSION sql_mode = '{MODE_OF_UNDO}', foreign_key_checks = 0, check_constraint_checks = 0")
        filled = self._near(there, names) if self._filled else set[str]()
        for name, definition in there.tables.items():
            link.run(definition.create(name))
        self.described()
        for name in filled:
            self._rows[name] = self._fill(link, name)
        for name, definition in there.tables.items():
            for each in definition.foreign.items():
                link.run(f"ALTER TABLE {quoted(name)} ADD {constraint(*each)}")
            for trigger in definition.triggers:
                make(link, trigger.sql, trigger.client, trigger.connection, trigger)
        make_views(link, there)
        copied = describe(link, [*there.tables, *there.views])
        for name in there.tables | there.views:
            if copied.tables.get(name) != there.tables.get(name) or copied.views.get(name) != there.views.get(name):
                raise UsageError(f"{name} could not be made again exactly as it is", hint=HINT)
        self._copied = Definitions(self._copied.tables | there.tables, self._copied.views | there.views)
        link.run(f"SET SESSION sql_mode = '{MODE}', foreign_key_checks = 1, check_constraint_checks = 1")

    def _near(self, there: Definitions, names: Iterable[str]) -> set[str]:
        """Tables whose rows matter: those that are named, and those they refer to."""
        folded = {name.casefold() for name in names}
        named = {name for name in there.tables if name.casefold() in folded}
        parents = {refers(clause) for name in named for clause in there.tables[name].foreign.values()}
        return named | (parents & there.tables.keys())

    def _fill(self, link: Link, name: str) -> list[Row]:
        table = Table.read(link, [name])[name]
        columns = ", ".join(quoted(column.name) for column in table.written)
        at = f"{quoted(self._place.schema)}.{quoted(name)}"
        link.run(f"INSERT INTO {quoted(name)} ({columns}) SELECT {columns} FROM {at}")
        return table.all(link)

    def described(self) -> tuple[Definitions, dict[str, Table]]:
        """What is in it. Raises ``UsageError`` for what could not be made again."""
        link = self.open()
        now = describe(link)
        tables = Table.read(link, now.tables)
        for table in tables.values():
            if (strange := table.strange) is not None:
                raise UsageError(f"{table.name}.{strange.name} is of a type that is not known: {strange.type}")
        return now, tables

    def altered(self) -> Altered | None:
        """What was done in it; None: nothing. Raises ``UsageError``."""
        link = self.open()
        now, tables = self.described()
        rows = {name: found for name, table in tables.items() if (found := table.all(link))}
        before = {name: found for name, found in self._rows.items() if found}
        return altered(Side(self._copied, before), Side(now, rows))

    def close(self) -> None:
        """Drop it. Raises what the driver raises."""
        link, self.link = self.link, None
        real, self._real = self._real, None
        try:
            if link is not None and real is not None:
                link.close()
                drop(real, self._file)
        finally:
            if real is not None:
                real.close()


def write(file: Path, name: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(file, dump_json({"schema": name}).encode("ascii"))


def drop(link: Link, file: Path) -> None:
    """The scratch schema that the file names, and the file."""
    try:
        name = json.loads(file.read_bytes())["schema"]
    except FileNotFoundError:
        return
    except (ValueError, LookupError, TypeError) as error:
        raise ResourceError(f"{file} is damaged: {error}") from error
    link.run(f"DROP DATABASE IF EXISTS {quoted(name)}")
    file.unlink(missing_ok=True)


def make_views(link: Link, definitions: Definitions) -> None:
    """In whatever order they can be made in. Raises what the driver raises."""
    import pymysql

    left = dict(definitions.views)
    while left:
        refused: Exception | None = None
        for name, view in list(left.items()):
            try:
                make(link, view.sql, view.client, view.connection)
                del left[name]
            except pymysql.MySQLError as error:
                refused = error
                continue
            refused = None
            break
        if refused is not None:
            raise refused


def tied(schema: Schema, names: Iterable[str]) -> set[str]:
    """What is called so (a trigger: its table), what views among it read, and what foreign keys tie to its tables.

    Raises ``UsageError`` for what is tied to another schema, or whose definition is not kept."""
    folded, found = [name.casefold() for name in names], set[str]()
    while folded:
        name = folded.pop()
        for trigger in schema.triggers:
            if trigger.name.casefold() == name:
                folded.append(trigger.table.casefold())
        for table, (type, engine) in schema.tables.items():
            if table.casefold() != name or table in found:
                continue
            if type not in ("BASE TABLE", "VIEW") or (type == "BASE TABLE" and engine.casefold() != "innodb"):
                raise UsageError(f"{table} is no InnoDB table: {type.lower()}, {engine}", hint=HINT)
            found.add(table)
            if type == "VIEW":
                folded += only(schema.views.get(table) or "").names
        for foreign in schema.foreign:
            if foreign.parent.casefold() == name and foreign.schema != schema.name:
                raise UsageError(f"{foreign.schema}.{foreign.child} refers to {foreign.parent}", hint=HINT)
            for one, other in ((foreign.child, foreign.parent), (foreign.parent, foreign.child)):
                if one.casefold() == name and other not in found:
                    folded.append(other.casefold())
    return found


def _able(link: Link) -> None:
    ((version,),) = link.ask("SELECT VERSION()")
    if "MariaDB" not in version:
        raise UsageError(
            f"{link.place.said}: changes of definitions are taken back on MariaDB, and this is MySQL {version}",
            hint="change rows only; a person changes definitions",
        )


def _privileged(link: Link) -> None:
    name = link.place.schema
    given = link.ask(
        "SELECT privilege_type FROM information_schema.user_privileges UNION SELECT privilege_type FROM"
        f" information_schema.schema_privileges WHERE {literal(name)} LIKE table_schema"
    )
    if missing := [each for each in _NEEDED if (each,) not in given]:
        raise UsageError(
            f"{link.place.said}: {link.place.user} may not do all that takes definitions back: {', '.join(missing)}",
            hint=f"GRANT {', '.join(missing)} ON `{name}`.* TO {link.place.user}; or change rows only",
        )
