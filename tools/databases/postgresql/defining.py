"""Statements that make one definition of its description, take it away, or make one into another where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .catalog import Name, quoted
from .definitions import Entry, sql_name

_IDENTITY = {"a": "ALWAYS", "d": "BY DEFAULT"}
_STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}
_COMPRESSION = {"p": "pglz", "l": "lz4", "": "default"}
_ENABLED = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}
_LAID = ("name", "type", "collation", "generated")
"""What of a column a table is laid out by."""


def literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f" E'{escaped}'" if "\\" in text else f"'{escaped}'"


def named(entry: Entry) -> str:
    """As DROP, COMMENT and ALTER call it."""
    kind = entry["kind"]
    if kind in ("constraint", "trigger"):
        return f"{kind.upper()} {quoted(entry['name'])} ON {Name(*entry['on']).sql}"
    arguments = f"({entry['arguments']})" if "arguments" in entry else ""
    return f"{kind.upper()} {sql_name(entry)}{arguments}"


def is_identity(entry: Entry) -> bool:
    """A sequence that comes and goes with a column."""
    return entry["kind"] == "sequence" and bool(entry["owned"]) and entry["owned"][3] == "i"


def laid(column: dict[str, Any]) -> tuple[Any, ...]:
    return (*(column[fact] for fact in _LAID), column["default"] if column["generated"] else None)


def create(entry: Entry) -> list[str]:
    """Bare: a table has its columns, and nothing of them that rows could be against."""
    match entry["kind"]:
        case "table":
            columns = ", ".join(_column(column) for column in entry["columns"] or ())
            unlogged = "UNLOGGED " if entry["persistence"] == "u" else ""
            return [f"CREATE {unlogged}TABLE {sql_name(entry)} ({columns})"]
        case "view":
            columns = ", ".join(quoted(column["name"]) for column in entry["columns"] or ())
            return [f"CREATE VIEW {sql_name(entry)} ({columns}) AS {entry['query']}"]
        case "sequence":
            unlogged = "UNLOGGED " if entry["persistence"] == "u" else ""
            return [] if is_identity(entry) else [f"CREATE {unlogged}SEQUENCE {sql_name(entry)} {_counting(entry)}"]
        case "constraint":
            return [f"ALTER TABLE {Name(*entry['on']).sql} ADD CONSTRAINT {quoted(entry['name'])} {entry['sql']}"]
        case _:
            return [entry["sql"]]


def drop(entry: Entry, cascade: str = "") -> str:
    if entry["kind"] == "constraint":
        return (
            f"ALTER TABLE IF EXISTS {Name(*entry['on']).sql} DROP CONSTRAINT IF EXISTS {quoted(entry['name'])}{cascade}"
        )
    kind, _, name = named(entry).partition(" ")
    return f"DROP {kind} IF EXISTS {name}{cascade}"


def rename(entry: Entry, name: str) -> str:
    if entry["kind"] == "constraint":
        return f"ALTER TABLE {Name(*entry['on']).sql} RENAME CONSTRAINT {quoted(entry['name'])} TO {quoted(name)}"
    return f"ALTER {named(entry)} RENAME TO {quoted(name)}"


def in_place(present: Entry, target: Entry) -> bool:
    """Whether the one can be made into the other without taking it away."""
    match target["kind"]:
        case "table":
            there = [laid(column) for column in present["columns"] or ()]
            wanted = [laid(column) for column in target["columns"] or ()]
            stay = [column for column in there if column in wanted]
            names = {column[0] for column in stay}
            return stay == wanted[: len(stay)] and not any(column[0] in names for column in wanted[len(stay) :])
        case "view":
            same = [[laid(column) for column in entry["columns"] or ()] for entry in (present, target)]
            return bool(present["query"] == target["query"] and same[0] == same[1])
        case "index" | "constraint" | "trigger":
            loose = {"comment", "enabled"}
            return all(present[fact] == target[fact] for fact in target if fact not in loose)
        case _:
            return True


def loosened(present: Entry, target: Entry) -> Iterator[str]:
    """A table that stays, so that all rows of the target fit in."""
    at = f"ALTER TABLE {sql_name(present)}"
    wanted = {laid(column): column for column in target["columns"] or ()}
    there = {laid(column) for column in present["columns"] or ()}
    for column in present["columns"] or ():
        name = quoted(column["name"])
        if (to := wanted.get(laid(column))) is None:
            yield f"{at} DROP COLUMN {name}"
            continue
        if column["identity"] and column["identity"] != to["identity"]:
            yield f"{at} ALTER COLUMN {name} DROP IDENTITY"
        if column["required"] and not to["required"]:
            yield f"{at} ALTER COLUMN {name} DROP NOT NULL"
    for column in target["columns"] or ():
        if laid(column) not in there:
            yield f"{at} ADD COLUMN {_column(column)}"


def tightened(present: Entry, target: Entry, sequences: dict[tuple[str, ...], Entry]) -> Iterator[str]:
    """A table's or a view's columns, with their rows in them; ``sequences`` of identities by schema, table, column."""
    at = f"ALTER TABLE {sql_name(target)}"
    there = {column["name"]: column for column in present["columns"] or ()}
    for column in target["columns"] or ():
        now, name = there[column["name"]], f"{at} ALTER COLUMN {quoted(column['name'])}"
        if not column["generated"] and now["default"] != column["default"]:
            default = column["default"]
            yield f"{name} DROP DEFAULT" if default is None else f"{name} SET DEFAULT {default}"
        if column["required"] and not now["required"]:
            yield f"{name} SET NOT NULL"
        if column["identity"] and not now["identity"]:
            sequence = sequences[target["schema"], target["name"], column["name"]]
            yield (
                f"{name} ADD GENERATED {_IDENTITY[column['identity']]} AS IDENTITY "
                f"(SEQUENCE NAME {sql_name(sequence)} {_counting(sequence, typed=False)})"
            )
        if now["storage"] != column["storage"]:
            yield f"{name} SET STORAGE {_STORAGE[column['storage']]}"
        if (now["compression"] or "") != (column["compression"] or ""):
            yield f"{name} SET COMPRESSION {_COMPRESSION[column['compression'] or '']}"
        if now["statistics"] != column["statistics"]:
            yield f"{name} SET STATISTICS {-1 if column['statistics'] is None else column['statistics']}"
        yield from _options(name, now["options"], column["options"])


def finished(present: Entry, target: Entry) -> Iterator[str]:
    """All of it that is neither its rows' nor anybody else's: owner, settings, comments, and at last privileges."""
    kind = target["kind"]
    at = f"ALTER {named(target)}"
    if kind == "sequence":
        if _counting(present) != _counting(target):
            yield f"{at} {_counting(target)}"
        if present["owned"] != target["owned"] and not is_identity(target):
            yield f"{at} OWNED BY {_owned(target)}"
    if kind == "trigger" and present["enabled"] != target["enabled"]:
        yield f"ALTER TABLE {Name(*target['on']).sql} {_ENABLED[target['enabled']]} TRIGGER {quoted(target['name'])}"
    if kind in ("table", "view"):
        yield from _options(at, present["options"], target["options"])
    if kind == "table":
        yield from _options(at, present["toast"], target["toast"], "toast.")
        if present["persistence"] != target["persistence"]:
            yield f"{at} SET {'UNLOGGED' if target['persistence'] == 'u' else 'LOGGED'}"
        for fact, word in (("relrowsecurity", "ENABLE"), ("relforcerowsecurity", "FORCE")):
            if present["facts"][fact] != target["facts"][fact]:
                no = {"ENABLE": "DISABLE", "FORCE": "NO FORCE"}[word]
                yield f"{at} {word if target['facts'][fact] else no} ROW LEVEL SECURITY"
        if present["facts"]["relreplident"] != target["facts"]["relreplident"]:
            said = {"d": "DEFAULT", "f": "FULL", "n": "NOTHING"}.get(target["facts"]["relreplident"])
            if said is not None:
                yield f"{at} REPLICA IDENTITY {said}"
    if (
        present.get("owner") != target.get("owner")
        and not is_identity(target)
        and not (kind == "sequence" and target["owned"])
    ):
        yield f"{at} OWNER TO {quoted(target['owner'])}"
    if present["comment"] != target["comment"]:
        yield f"COMMENT ON {named(target)} IS {_said(target['comment'])}"
    there = {column["name"]: column for column in present.get("columns") or ()}
    for column in target.get("columns") or ():
        if there[column["name"]]["comment"] != column["comment"]:
            yield f"COMMENT ON COLUMN {sql_name(target)}.{quoted(column['name'])} IS {_said(column['comment'])}"
    if present.get("acl") != target.get("acl"):
        yield from _granted(target, present["acl"] or (), target["acl"] or ())
    for column in target.get("columns") or ():
        was = there[column["name"]]["acl"]
        if was != column["acl"]:
            yield from _granted(target, was or (), column["acl"] or (), f" ({quoted(column['name'])})")


def _column(column: dict[str, Any]) -> str:
    collation = f" COLLATE {column['collation']}" if column["collation"] else ""
    computed = f" GENERATED ALWAYS AS ({column['default']}) STORED" if column["generated"] else ""
    return f"{quoted(column['name'])} {column['type']}{collation}{computed}"


def _counting(entry: Entry, *, typed: bool = True) -> str:
    cycle = "CYCLE" if entry["cycle"] else "NO CYCLE"
    return (f"AS {entry['type']} " if typed else "") + (
        f"INCREMENT BY {entry['increment']} MINVALUE {entry['min']} MAXVALUE {entry['max']} "
        f"START WITH {entry['start']} CACHE {entry['cache']} {cycle}"
    )


def _owned(entry: Entry) -> str:
    if not entry["owned"]:
        return "NONE"
    schema, table, column, _ = entry["owned"]
    return f"{Name(schema, table).sql}.{quoted(column)}"


def _options(at: str, now: list[str] | None, wanted: list[str] | None, prefix: str = "") -> Iterator[str]:
    gone = {option.partition("=")[0] for option in now or ()} - {option.partition("=")[0] for option in wanted or ()}
    if gone:
        yield f"{at} RESET ({', '.join(prefix + quoted(name) for name in sorted(gone))})"
    if wanted and now != wanted:
        pairs = (option.partition("=")[::2] for option in wanted)
        yield f"{at} SET ({', '.join(f'{prefix}{quoted(name)} = {literal(value)}' for name, value in pairs)})"


def _granted(entry: Entry, now: Any, wanted: Any, columns: str = "") -> Iterator[str]:
    kind = "TABLE" if entry["kind"] in ("table", "view") else entry["kind"].upper()
    on = f"ON {kind} {named(entry).partition(' ')[2]}"
    for grantee in sorted({"", entry["owner"], *(grantee for grantee, *_ in now)}):
        yield f"REVOKE ALL{columns} {on} FROM {quoted(grantee) if grantee else 'PUBLIC'}"
    for grantee, privilege, further, _ in wanted:
        option = " WITH GRANT OPTION" if further else ""
        yield f"GRANT {privilege}{columns} {on} TO {quoted(grantee) if grantee else 'PUBLIC'}{option}"


def _said(comment: str | None) -> str:
    return "NULL" if comment is None else literal(comment)
