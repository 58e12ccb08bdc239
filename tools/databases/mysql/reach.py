"""What statements can write to: the tables they name, and what triggers, views, functions and foreign keys bring in.

A statement writes only to tables whose names are in its text, in the definitions of the views and functions named
there, in the bodies of triggers on a table that is reached, and so on; and to tables whose foreign keys follow the rows
of such a table. Every name is taken for what it could be: too much is reached, never too little.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from agentrt.errors import UsageError

from .links import at_once
from .place import Link, literal
from .words import HINT, Statement, only

_FREE = {"information_schema"}
_NO_SCHEMA = {"new", "old", "session", "global", "local"}
"""What else stands before a dot: rows in triggers, scopes of variables."""


class Foreign(NamedTuple):
    """A foreign key, by the names of its columns, in order."""

    schema: str
    child: str
    columns: tuple[str, ...]
    parent: str
    referred: tuple[str, ...]
    follows: bool
    """Rows of the child change with those of the parent."""


class Trigger(NamedTuple):
    name: str
    table: str
    event: str
    """``INSERT``, ``UPDATE``, ``DELETE``."""
    body: str


@dataclass(frozen=True, slots=True)
class Schema:
    """All that decides what a statement can write to, at one moment. Two that are equal decide alike."""

    name: str
    schemas: frozenset[str]
    """All that this user can see, folded."""
    tables: dict[str, tuple[str, str]]
    """Name to (``BASE TABLE``, ``VIEW``, ``SEQUENCE`` …, engine)."""
    views: dict[str, str]
    routines: dict[str, tuple[str, ...]]
    """Folded name to the definitions of all that have it; empty ones may not be seen."""
    defaults: tuple[tuple[str, str], ...]
    """Tables, and those of their columns' defaults that take a number from a sequence."""
    triggers: tuple[Trigger, ...]
    foreign: tuple[Foreign, ...]

    @classmethod
    def read(cls, link: Link, other: Link | None = None) -> Schema:
        """With ``other``, half of it there at the same time. Raises ``UsageError`` where triggers may be hidden from
        this user."""
        if other is None:
            return replace(cls._read(link), foreign=tuple(_foreign(link)))
        schema, foreign = at_once(lambda: cls._read(link), lambda: tuple(_foreign(other)))
        return replace(schema, foreign=foreign)

    @classmethod
    def _read(cls, link: Link) -> Schema:
        """Without foreign keys."""
        ask, name = link.ask, link.place.schema
        allowed = ask(
            "SELECT 1 FROM information_schema.user_privileges WHERE privilege_type = 'TRIGGER' UNION ALL"
            " SELECT 1 FROM information_schema.schema_privileges WHERE privilege_type = 'TRIGGER'"
            " AND DATABASE() LIKE table_schema"
        )
        if not allowed:
            raise UsageError(
                f"{link.place.said}: what triggers do could not be seen",
                hint=f"GRANT TRIGGER ON `{name}`.* to {link.place.user}; or only read",
            )
        routines: dict[str, tuple[str, ...]] = {}
        # No name without a schema before it leads out of this one, and one with another is refused.
        for routine, definition in ask(
            "SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = DATABASE()"
        ):
            folded = routine.lower()
            routines[folded] = (*routines.get(folded, ()), definition or "")
        tables = {
            table: (type, engine or "")
            for table, type, engine in ask(
                "SELECT table_name, table_type, engine FROM information_schema.tables WHERE table_schema = DATABASE()"
            )
        }
        views: dict[str, str] = {}
        if any(type == "VIEW" for type, _ in tables.values()):
            views = dict(
                ask("SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = DATABASE()")
            )
        return cls(
            name,
            frozenset(schema.casefold() for (schema,) in ask("SELECT schema_name FROM information_schema.schemata")),
            tables,
            views,
            routines,
            tuple(
                (table, default)
                for table, default in ask(
                    "SELECT table_name, column_default FROM information_schema.columns"
                    " WHERE table_schema = DATABASE() AND column_default LIKE '%nextval%'"
                )
            ),
            tuple(
                Trigger(*each)
                for each in ask(
                    "SELECT trigger_name, event_object_table, event_manipulation, action_statement"
                    " FROM information_schema.triggers WHERE event_object_schema = DATABASE() ORDER BY 1"
                )
            ),
            (),
        )

    def reach(self, statement: Statement) -> set[str]:
        """The base tables that it can write to. Raises ``UsageError`` where it can write to what no transaction of this
        schema holds, or that cannot be known."""
        texts, reached, known = [statement], set[str](), set[str]()
        # The server takes ``é`` for ``e`` in the name of a routine: with such letters it could be any.
        any_routine = not all(map(str.isascii, self.routines))
        while texts:
            text = texts.pop()
            self._stays_inside(text, statement is text)
            any_routine = any_routine or not text.plain
            for name in (text.names | self.routines.keys() if any_routine else text.names) - known:
                known.add(name)
                texts += self._named(name, reached)
        return reached

    def _stays_inside(self, text: Statement, own: bool) -> None:
        for qualifier in text.qualifiers & self.schemas - {self.name.casefold()} - _FREE:
            where = "it" if own else "what it calls"
            raise UsageError(f"{where} names another schema, {qualifier}", hint=HINT)
        if own:
            return
        # What runs with its owner's rights may write to a schema that this user cannot see.
        tables = {table.casefold() for table in self.tables}
        for qualifier in text.qualifiers - self.schemas - _FREE - _NO_SCHEMA - tables - text.alone:
            if not qualifier[:1].isdigit():
                raise UsageError(f"what it calls names {qualifier}, which this user cannot see", hint=HINT)

    def _named(self, name: str, reached: set[str]) -> Iterable[Statement]:
        """Marks the tables that are called so; what is to be read next because of them."""
        for definition in self.routines.get(name, ()):
            yield self._body(name, definition)
        for table, (type, engine) in self.tables.items():
            if table.casefold() != name:
                continue
            if type == "VIEW":
                yield self._body(name, self.views.get(table) or "")
            elif type != "BASE TABLE":
                raise UsageError(f"{table} is a {type.lower()}, which no transaction takes back", hint=HINT)
            elif engine.casefold() != "innodb":
                raise UsageError(f"{table} is kept by {engine}, which has no transactions", hint=HINT)
            else:
                yield from self._table(table, reached)

    def _table(self, table: str, reached: set[str]) -> Iterable[Statement]:
        if table in reached:
            return
        reached.add(table)
        for owner, default in self.defaults:
            if owner == table:
                yield only(default)
        for trigger in self.triggers:
            if trigger.table == table:
                yield self._body(trigger.name, trigger.body)
        for foreign in self.foreign:
            if foreign.parent == table and foreign.follows:
                if foreign.schema != self.name:
                    raise UsageError(
                        f"rows of another schema, {foreign.schema}.{foreign.child}, change with those of {table}",
                        hint=HINT,
                    )
                yield from self._named(foreign.child.casefold(), reached)

    def _body(self, name: str, definition: str) -> Statement:
        if not definition:
            raise UsageError(f"what {name} does may not be seen by this user", hint=HINT)
        return only(definition)


def _foreign(link: Link) -> Iterable[Foreign]:
    # This looks into every table of the server, and so it is done once; rules are asked for where there are any.
    found: dict[tuple[str, str, str], tuple[list[str], str, list[str]]] = {}
    for schema, child, name, column, parent, referred in link.ask(
        "SELECT table_schema, table_name, constraint_name, column_name, referenced_table_name, referenced_column_name"
        " FROM information_schema.key_column_usage WHERE referenced_table_schema = DATABASE()"
        " ORDER BY 1, 2, 3, ordinal_position"
    ):
        columns, _, those = found.setdefault((schema, child, name), ([], parent, []))
        columns.append(column)
        those.append(referred)
    stays = {
        (schema, child, name)
        for schema in {schema for schema, _, _ in found}
        for child, name, *rules in link.ask(
            "SELECT table_name, constraint_name, update_rule, delete_rule"
            f" FROM information_schema.referential_constraints WHERE constraint_schema = {literal(schema)}"
        )
        if {*rules} <= {"RESTRICT", "NO ACTION"}
    }
    for (schema, child, name), (columns, parent, those) in found.items():
        yield Foreign(schema, child, tuple(columns), parent, tuple(those), (schema, child, name) not in stays)
