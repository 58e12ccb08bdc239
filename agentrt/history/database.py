"""The journal's file: opened, made, checked; SQLite's errors said in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from agentrt.errors import AgentrtError, DiskFull, JournalError, SessionBusy, UnknownOperation

APPLICATION = 0x61677274
"""``agrt``: SQLite's application_id of a journal."""
VERSION = 4
"""SQLite's user_version of a journal: the version of schema.sql."""
_SINCE = "-- Version {}: "
"""So begins, in schema.sql, what a journal of an earlier version has not."""
_BUSY_MS = 10_000
_SQLITE_NEEDED = (3, 37, 0)


def connect(path: Path, *, create: bool, read_only: bool) -> sqlite3.Connection:
    """A connection to a journal of our version. Raises ``JournalError``, ``DiskFull``, ``SessionBusy``.

    ``UnknownOperation`` where there is no journal and none is to be made.
    """
    if sqlite3.sqlite_version_info < _SQLITE_NEEDED:
        raise JournalError(
            f"this Python's SQLite is {sqlite3.sqlite_version}; the journal needs 3.37 or newer",
            hint="use a newer Python (uv python install 3.13 brings its own SQLite)",
        )
    if (read_only or not create) and not path.exists():
        raise _nothing(path)
    if not read_only:
        return _connect(path, "rwc" if create else "rw")
    try:
        return _connect(path, "ro")
    except DiskFull:
        # No room for the 32 KB that readers and writers share. An empty -wal means there is no writer to share with.
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise
        return _connect(path, "ro&immutable=1")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    create = mode == "rwc"
    with translated(path):
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=_BUSY_MS / 1000
        )
        try:
            db.execute("PRAGMA foreign_keys = ON")
            # So that REPLACE meets the triggers against deletion.
            db.execute("PRAGMA recursive_triggers = ON")
            if _blank(db):
                if not create:
                    raise _nothing(path)
                _make(db)
            _check(db, path)
            if mode in ("rw", "rwc"):
                _upgrade(db)
        except BaseException:
            db.close()
            raise
    return db


@contextmanager
def transaction(db: sqlite3.Connection, *, write: bool, synced: bool = True) -> Iterator[None]:
    """All of it or nothing; a reading one sees a single moment.

    A writing one is on the disk when it ends, or, not ``synced``, when the next one is.
    """
    if write:
        db.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
    db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # A full disk may have rolled back already; the first error is the one to tell.
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours. Misuse of the sqlite3 module stays what it is: a bug."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        raise _translate(path, error) from error


def unreadable(path: Path, error: ValueError) -> JournalError:
    """For rows that someone else wrote."""
    reason = str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        reason = f"{error.title}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return JournalError(
        f"the journal {path} holds what cannot be read: {reason}",
        hint="something else than agentrt changed it; docs/journal.md says what it holds",
    )


def _blank(db: sqlite3.Connection) -> bool:
    """A new file, or one whose making was cut short: it is one transaction, so nothing is there."""
    return _pragmas(db) == (0, 0) and db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def _make(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    with transaction(db, write=True):
        if not _blank(db):  # someone else made it meanwhile
            return
        _run(db, _schema())
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {VERSION}")


def _upgrade(db: sqlite3.Connection) -> None:
    """A journal of an earlier version gets what came since. Nothing is asked of the disk where it is of our version."""
    if _pragmas(db)[1] < VERSION:
        with transaction(db, write=True):
            if (version := _pragmas(db)[1]) < VERSION:
                schema = _schema()
                _run(db, schema[schema.index(_SINCE.format(version + 1)) :])
                db.execute(f"PRAGMA user_version = {VERSION}")


def _schema() -> str:
    return Path(__file__).with_name("schema.sql").read_text("ascii")


def _run(db: sqlite3.Connection, statements: str) -> None:
    statement = ""
    for line in statements.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""


def _check(db: sqlite3.Connection, path: Path) -> None:
    application, version = _pragmas(db)
    if application != APPLICATION or version < 1:
        raise JournalError(f"{path} is a database, but not a journal of agentrt", hint=_aside(path))
    if version > VERSION:
        raise JournalError(
            f"{path} was written by a newer agentrt (schema {version}; this one knows {VERSION})",
            hint="upgrade agentrt; nothing was changed",
        )


def _pragmas(db: sqlite3.Connection) -> tuple[int, int]:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return application, version


def _nothing(path: Path) -> UnknownOperation:
    return UnknownOperation(
        "nothing has been recorded for this workspace yet",
        hint=f"agentrt exec -- CMD records a first operation (it would be in {path})",
    )


def _aside(path: Path) -> str:
    return f"move {path} (with its -wal and -shm) away to start anew; sqlite3 {path} .recover saves what can be read"


def _translate(path: Path, error: sqlite3.Error) -> AgentrtError:
    extended: int = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return DiskFull(
            f"no room to write the journal {path}", hint="make room on that disk; what was recorded before is kept"
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return SessionBusy("another process is writing the journal", hint="wait until it is done, then try again")
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT) or isinstance(error, sqlite3.DataError):
        return JournalError(f"the journal {path} is damaged: {error}", hint=_aside(path))
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY):
        return JournalError(
            f"the journal {path} cannot be opened or written: {error}",
            hint="check that its folder exists, is yours and is writable",
        )
    return JournalError(f"the journal {path} failed: {error}", hint="check the disk it is on")
