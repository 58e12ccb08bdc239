"""Definitions of tables, triggers and views, as data: two moments are compared by it, and all is made again from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, NamedTuple

from agentrt.errors import UsageError

from .place import Link, literal, quoted
from .words import HINT, only

_FOREIGN = re.compile(r"  CONSTRAINT (`(?:[^`]|``)+`) (FOREIGN KEY .*?),?")
_REFERS = re.compile(r"REFERENCES (`(?:[^`]|``)+`) \(")
_END = re.compile(r"\) ENGINE=InnoDB(?: AUTO_INCREMENT=[0-9]+)?(?= |\Z)")
_HELD = {"PARTITION": "its partitions", "VERSIONING": "its versions", "DIRECTORY": "its files elsewhere"}


class Trigger(NamedTuple):
    name: str
    sql: str
    mode: str
    client: str
    connection: str
    """Character set and collation that it was made under."""
    created: str
    """When, in UTC."""


@dataclass(frozen=True, slots=True)
class View:
    sql: str = field(compare=False)
    client: str
    connection: str
    bare: str
    """Without the name of its schema, which the server writes while a table that it reads is missing."""


@dataclass(frozen=True, slots=True)
class Definition:
    """Of a table. Its name is not in it."""

    body: str
    """What follows the name, without foreign keys and AUTO_INCREMENT."""
    foreign: dict[str, str]
    """By name, what follows it."""
    triggers: tuple[Trigger, ...]
    """In the order they run in, by time and event."""
    number: int | None = field(compare=False)
    """What AUTO_INCREMENT gives next."""

    def create(self, name: str) -> str:
        number = "" if self.number is None else f" AUTO_INCREMENT = {self.number}"
        return f"CREATE TABLE {quoted(name)} {self.body}{number}"

    def said(self, name: str) -> str:
        """For people."""
        keys = [f"ALTER TABLE {quoted(name)} ADD {constraint(*each)}" for each in self.foreign.items()]
        return ";\n".join([f"CREATE TABLE {quoted(name)} {self.body}", *keys])

    def written(self) -> dict[str, Any]:
        """Plain JSON; ``of`` is the inverse."""
        triggers = [list(trigger) for trigger in self.triggers]
        return {"body": self.body, "foreign": self.foreign, "triggers": triggers, "number": self.number}

    @classmethod
    def of(cls, written: dict[str, Any]) -> Definition:
        triggers = tuple(Trigger(*each) for each in written["triggers"])
        return cls(written["body"], dict(written["foreign"]), triggers, written["number"])


class Definitions(NamedTuple):
    tables: dict[str, Definition]
    views: dict[str, View]

    def written(self) -> dict[str, Any]:
        tables = {name: definition.written() for name, definition in self.tables.items()}
        return {"tables": tables, "views": {name: astuple(view) for name, view in self.views.items()}}

    @classmethod
    def of(cls, written: dict[str, Any]) -> Definitions:
        tables = {name: Definition.of(each) for name, each in written["tables"].items()}
        return cls(tables, {name: View(*each) for name, each in written["views"].items()})


def constraint(name: str, clause: str) -> str:
    return f"CONSTRAINT {quoted(name)} {clause}"


def refers(clause: str) -> str:
    """The table a foreign key is to."""
    found = _REFERS.search(clause)
    return found.group(1)[1:-1].replace("``", "`") if found else ""


def referring(clause: str, table: str) -> str:
    """The same foreign key, to another table."""
    return _REFERS.sub(lambda _: f"REFERENCES {quoted(table)} (", clause, count=1)


def describe(link: Link, names: Iterable[str] | None = None) -> Definitions:
    """Those of ``names`` that are there; without, all. Raises ``UsageError`` for what could not be made again."""
    wanted = None if names is None else sorted(names)
    if wanted == []:
        return Definitions({}, {})
    among = "" if wanted is None else f" AND {{}} IN ({', '.join(map(literal, wanted))})"
    tables: dict[str, Definition] = {}
    views: dict[str, View] = {}
    triggers: dict[str, list[str]] = {}
    for table, trigger in link.ask(
        "SELECT event_object_table, trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
        f"{among.format('event_object_table')} ORDER BY 1, action_timing, event_manipulation, action_order"
    ):
        triggers.setdefault(table, []).append(trigger)
    for name, type, number in link.ask(
        "SELECT table_name, table_type, auto_increment FROM information_schema.tables"
        f" WHERE table_schema = DATABASE(){among.format('table_name')} ORDER BY 1"
    ):
        if type == "VIEW":
            _, sql, client, connection = link.ask(f"SHOW CREATE VIEW {quoted(name)}")[0]
            views[name] = View(sql, client, connection, sql.replace(f"{quoted(link.place.schema)}.", ""))
            continue
        if type != "BASE TABLE":
            raise UsageError(f"{name} is a {type.lower()}, whose definition is not kept", hint=HINT)
        ((_, sql),) = link.ask(f"SHOW CREATE TABLE {quoted(name)}")
        its = tuple(_trigger(link, trigger) for trigger in triggers.get(name, ()))
        tables[name] = _table(name, sql, its, None if number is None else int(number))
    return Definitions(tables, views)


def _trigger(link: Link, name: str) -> Trigger:
    ((_, mode, sql, client, connection, _, created),) = link.ask(f"SHOW CREATE TRIGGER {quoted(name)}")
    return Trigger(name, sql, mode, client, connection, created or "")


def _table(name: str, sql: str, triggers: tuple[Trigger, ...], number: int | None) -> Definition:
    kept, foreign = list[str](), dict[str, str]()
    lines = sql.removeprefix(f"CREATE TABLE {quoted(name)} ").split("\n")
    last = next((at for at, line in enumerate(lines) if line.startswith(") ")), len(lines) - 1)
    for line in lines[:last]:
        if (found := _FOREIGN.fullmatch(line)) is not None:
            foreign[found.group(1)[1:-1].replace("``", "`")] = found.group(2)
        else:
            kept.append(line)
    if lines[0] != "(" or len(kept) < 2 or not _END.match(lines[last]):
        raise UsageError(f"{name} is not an InnoDB table as they are known here", hint=HINT)
    for clause in foreign.values():
        if not refers(clause):
            raise UsageError(f"{name} refers to a table of another schema", hint=HINT)
    body = "\n".join([*kept[:-1], kept[-1].removesuffix(","), _END.sub(") ENGINE=InnoDB", lines[last], count=1)])
    words = {token.keyword for token in only("\n".join(lines[last:]).replace("/*!", "").replace("*/", "")).tokens}
    words |= {"VERSIONING"} if any(line.startswith("  PERIOD FOR ") for line in kept) else set()
    for word in words & _HELD.keys():
        raise UsageError(f"the definition of {name} is not taken back with {_HELD[word]}", hint=HINT)
    return Definition(body, foreign, triggers, number)


# ---------------------------------------------------------------------------------------------------- making again


def converge(link: Link, name: str, foreign: dict[str, str], triggers: Sequence[Trigger]) -> None:
    """A table's foreign keys and triggers as they are to be, from whatever they are. Foreign keys are not checked."""
    there = describe(link, [name]).tables[name]
    away = [each for each, clause in there.foreign.items() if foreign.get(each) != clause]
    if away:
        link.run(f"ALTER TABLE {quoted(name)} " + ", ".join(f"DROP FOREIGN KEY {quoted(each)}" for each in away))
    more = [each for each in foreign.items() if there.foreign.get(each[0]) != each[1]]
    if more:
        link.run(f"ALTER TABLE {quoted(name)} " + ", ".join(f"ADD {constraint(*each)}" for each in more))
    if tuple(there.triggers) == tuple(triggers):
        return
    for trigger in there.triggers:
        link.run(f"DROP TRIGGER {quoted(trigger.name)}")
    for trigger in triggers:
        make(link, trigger.sql, trigger.client, trigger.connection, trigger)


def make(link: Link, sql: str, client: str, connection: str, trigger: Trigger | None = None) -> None:
    """A view or a trigger, in the circumstances it was made in."""
    ((mode, *sets),) = link.ask("SELECT @@sql_mode, @@character_set_client, @@collation_connection")
    try:
        if trigger is not None:
            link.run(f"SET sql_mode = {literal(trigger.mode)}")
            if trigger.created:
                link.run(f"SET timestamp = UNIX_TIMESTAMP({literal(trigger.created)})")
        link.run(f"SET collation_connection = {literal(connection)}")
        link.run(f"SET character_set_client = {literal(client)}")
        link.run(sql)
    finally:
        link.run(f"SET character_set_client = {literal(sets[0])}")
        link.run(f"SET collation_connection = {literal(sets[1])}, sql_mode = {literal(mode)}, timestamp = DEFAULT")


def renamed(trigger: Trigger, name: str, table: str) -> Trigger:
    """The same trigger under another name, on another table."""
    statement = only(trigger.sql)
    words = [token.keyword for token in statement.tokens]
    at = words.index("TRIGGER") + 1
    at += 3 if words[at : at + 3] == ["IF", "NOT", "EXISTS"] else 0
    on = words.index("ON", at + 1) + 1
    parts, last = [], 0
    for place, text in ((at, name), (on, table)):
        token = statement.tokens[place]
        parts += [trigger.sql[last : token.start], quoted(text)]
        last = token.start + len(token.text)
    return trigger._replace(name=name, sql="".join([*parts, trigger.sql[last:]]))


def set_number(link: Link, name: str, number: int | None, now: int | None = None) -> None:
    """What AUTO_INCREMENT gives next, where it is not that ``now``."""
    if number is not None and number != now:
        link.run(f"ALTER TABLE {quoted(name)} AUTO_INCREMENT = {number}")
