"""Which file a URL is about, and opening it; SQLite's errors in this project's words."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from agentrt.documents import nearest
from agentrt.errors import AgentrtError, ResourceError, UsageError

if TYPE_CHECKING:
    from apsw import Connection

Mode = Literal["rw", "rwc", "ro"]
MODES: tuple[Mode, ...] = ("rw", "rwc", "ro")
PATIENCE_S = 5.0
"""How long another program's lock is waited for."""
_FORM = "a file is written sqlite:///relative.db or sqlite:////absolute.db"


@dataclass(frozen=True, slots=True)
class Place:
    """A database file, which need not be there."""

    name: str
    """Of the database, as the task has it."""
    file: Path
    mode: Mode = "rw"

    @classmethod
    def of(cls, url: str, name: str, folder: Path) -> Place:
        """Raises ``UsageError``."""
        try:
            parts = urlsplit(url)
        except ValueError:
            raise UsageError(f"the URL of database {name} cannot be read", hint=_FORM) from None
        if parts.scheme != "sqlite" or parts.netloc or parts.fragment:
            raise UsageError(f"the URL of database {name} is not one of a file", hint=_FORM)
        path = unquote(parts.path.removeprefix("/"))
        if path in ("", ":memory:") or path.startswith("file:"):
            raise UsageError(
                f"database {name} is not in a file, so undo could not reach what it was", hint=f"name a file: {_FORM}"
            )
        if "\0" in path or path.endswith("/"):
            raise UsageError(f"the URL of database {name} names no file", hint=_FORM)
        mode: Mode = "rw"
        for parameter, value in parse_qsl(parts.query, keep_blank_values=True):
            if parameter != "mode":
                raise UsageError(f"the URL of database {name} has a parameter that is not known", hint=_near(parameter))
            if value not in MODES:
                raise UsageError(f"the mode of database {name} is not known", hint=nearest(value, MODES))
            mode = next(each for each in MODES if each == value)
        return cls(name, folder / path, mode)

    def look(self) -> bool:
        """Whether there is a file. Raises ``UsageError`` where there is something else."""
        try:
            found = self.file.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise ResourceError(f"{self.said} cannot be looked at: {error.strerror}") from error
        if stat.S_ISLNK(found.st_mode):
            raise UsageError(f"{self.said} is a symbolic link", hint="name the file that it points at")
        if not stat.S_ISREG(found.st_mode):
            kind = "a directory" if stat.S_ISDIR(found.st_mode) else "not a regular file"
            raise UsageError(f"{self.said} is {kind}", hint="name the database's file")
        return True

    @property
    def said(self) -> str:
        return f"database {self.name} ({self.file})"

    def open(self, given_up: Callable[[], bool] = lambda: False) -> Connection:
        """Waits for locks of others, until ``given_up``. Raises ``UsageError`` where there is no such file."""
        import apsw

        if not self.look() and self.mode != "rwc":
            raise UsageError(f"{self.said} is not there", hint="create it, or write ?mode=rwc at the end of its URL")
        flags = {
            "rw": apsw.SQLITE_OPEN_READWRITE,
            "rwc": apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE,
            "ro": apsw.SQLITE_OPEN_READONLY,
        }[self.mode]
        # Of the folders on the way some may be links; what the file is was looked at.
        real = os.path.join(os.path.realpath(self.file.parent), self.file.name)
        connection = apsw.Connection(real, flags=flags | apsw.SQLITE_OPEN_NOFOLLOW)

        started = 0.0

        def wait(tries: int) -> bool:
            nonlocal started
            started = time.monotonic() if tries == 0 else started
            if given_up() or time.monotonic() - started > PATIENCE_S:
                return False
            time.sleep(min(0.001 * (tries + 1), 0.05))
            return True

        connection.set_busy_handler(wait)
        return connection

    @contextmanager
    def plain(self) -> Iterator[None]:
        """SQLite's errors, and those of texts that are none, as ``UsageError`` and ``ResourceError``."""
        import apsw

        try:
            yield
        except AgentrtError:
            raise
        except (apsw.BusyError, apsw.LockedError) as error:
            raise ResourceError(
                f"{self.said} is locked by another program", hint="try again when it has finished writing"
            ) from error
        except (apsw.CantOpenError, apsw.PermissionsError) as error:
            raise ResourceError(f"{self.said} cannot be opened: {error}", hint="may you read and write it?") from error
        except apsw.ReadOnlyError as error:
            if self.mode == "ro":
                raise UsageError(f"{self.said} is only to be read", hint="its URL says mode=ro") from error
            raise ResourceError(f"{self.said} cannot be written: {error}", hint="may you write its folder?") from error
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise ResourceError(f"{self.said} cannot be used: {error}", hint="is it an SQLite database?") from error
        except (apsw.IOError, apsw.FullError, apsw.NoMemError, apsw.ProtocolError, apsw.InterruptError) as error:
            raise ResourceError(f"{self.said} failed: {error}") from error
        except UnicodeDecodeError as error:
            hint = "read it with CAST(… AS BLOB); what is done to such a row could not be taken back"
            raise UsageError(f"{self.said} holds text that is not UTF-8", hint=hint) from error
        except apsw.Error as error:
            raise UsageError(str(error)) from error

    @contextmanager
    def outage(self) -> Iterator[None]:
        """For what is no request of anybody's: every error is a ``ResourceError``."""
        try:
            with self.plain():
                yield
        except UsageError as error:
            raise ResourceError(error.message, hint=error.hint) from error


def _near(parameter: str) -> str:
    return nearest(parameter, ("mode",))
