"""What a statement may not do to an SQLite database: what could not be put back, or is not of this database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apsw import Connection

_ASK = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"}
    | {"foreign_key_check", "integrity_check", "quick_check", "database_list", "collation_list", "function_list"}
    | {"module_list", "pragma_list", "compile_options", "data_version", "page_count", "freelist_count"}
)
"""Pragmas that only read, also where they have an argument."""
_TELL = frozenset(
    {"user_version", "application_id", "encoding", "page_size", "journal_mode", "foreign_keys", "cache_size"}
    | {"auto_vacuum", "synchronous", "schema_version", "busy_timeout", "locking_mode", "recursive_triggers"}
    | {"max_page_count", "mmap_size", "temp_store", "defer_foreign_keys", "trusted_schema", "secure_delete"}
)
"""Pragmas that read where they have no argument."""
_SET = frozenset({"user_version", "application_id", "defer_foreign_keys"})
"""Those that can be set: they are put back, or end with the transaction."""


class Guard:
    """The authorizer of the connection an agent's statements run on. It also notes the tables they are about."""

    def __init__(self) -> None:
        import apsw

        self.on = False
        """While a statement of the agent's is looked at or runs."""
        self.refused = ""
        """Why the last statement was not allowed; empty: it was."""
        self.remade: set[str] = set()
        """Tables that were dropped or altered."""
        self.dropped: set[str] = set()
        """Those of them that were dropped."""
        self.written: set[str] = set()
        """Tables that rows were written to, also by triggers and cascades."""
        self._ok, self._deny = int(apsw.SQLITE_OK), int(apsw.SQLITE_DENY)
        self._names = {code: str(name) for code, name in apsw.mapping_authorizer_function.items()}

    def __call__(
        self, operation: int, first: str | None, second: str | None, database: str | None, trigger: str | None
    ) -> int:
        if not self.on:
            return self._ok
        name = self._names[operation].removeprefix("SQLITE_")
        if name == "ALTER_TABLE":
            database, first = first, second
        if database == "main" and first is not None:
            if name in ("DROP_TABLE", "DROP_VTABLE", "ALTER_TABLE"):
                self.remade.add(first)
                if name != "ALTER_TABLE":
                    self.dropped.add(first)
            elif name in ("INSERT", "UPDATE", "DELETE"):
                self.written.add(first)
        why = _refusal(name, first or "", second)
        if not why:
            return self._ok
        self.refused = why
        return self._deny


def _refusal(name: str, first: str, second: str | None) -> str:
    """Why it may not be; empty where it may."""
    match name:
        case "ATTACH" | "DETACH":
            return "other files are not of this database (ATTACH, DETACH, VACUUM)"
        case "TRANSACTION" | "SAVEPOINT":
            return "each action is one transaction: BEGIN, COMMIT, ROLLBACK and savepoints are not for statements"
        case "DROP_TABLE" | "ALTER_TABLE" if first.lower().startswith("sqlite_"):
            return f"{first} is SQLite's own"
        case "ANALYZE":
            return "ANALYZE changes what cannot be put back"
        case "FUNCTION" if (second or "").lower() in ("load_extension", "fts3_tokenizer"):
            return f"{second}() loads code into the process"
        case "PRAGMA" if not _allows(first.lower(), second):
            return f"PRAGMA {first}{' = …' if second is not None else ''} is not one that can be put back"
    return ""


def _allows(pragma: str, argument: str | None) -> bool:
    return pragma in _ASK or pragma in (_TELL if argument is None else _SET)


def harden(connection: Connection) -> None:
    """As SQLite advises for statements nobody has looked at. Foreign keys hold."""
    import apsw

    for option, value in (
        (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
        (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 1),
    ):
        connection.config(option, value)


def rewind(connection: Connection) -> None:
    """For putting rows back: nothing but what is written happens, and virtual tables' own tables can be written."""
    import apsw

    for option in (
        apsw.SQLITE_DBCONFIG_DEFENSIVE,
        apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA,
        apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER,
        apsw.SQLITE_DBCONFIG_ENABLE_FKEY,
    ):
        connection.config(option, 0)
    connection.execute("PRAGMA ignore_check_constraints = ON")
