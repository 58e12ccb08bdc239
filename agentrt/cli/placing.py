"""A file that a command writes for a person: all of it or nothing, and over another one only if that is asked for."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from agentrt.errors import AgentrtError, UsageError


def check_free(path: Path, *, force: bool, example: str) -> None:
    """Raises ``UsageError`` where nothing can be written there. ``example``: a command that names a file."""
    if os.path.isdir(path):
        raise UsageError(f"{path} is a folder", hint=f"name a file, as in: {example}")
    if os.path.lexists(path):
        if not os.path.isfile(path):
            raise UsageError(f"{path} is no regular file", hint="name another")
        if not force:
            raise _there(path)


@contextmanager
def placing(path: Path, *, force: bool, mode: int = 0o666) -> Iterator[IO[str]]:
    """What is written in the block is at ``path`` after it; where anything fails, nothing is. The umask takes from
    ``mode``.

    Raises ``UsageError``.
    """
    draft = path.with_name(f".agentrt-{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
            yield file
        _put_in_place(draft, path, force=force)
    except AgentrtError:
        raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            os.unlink(draft)


def _put_in_place(draft: Path, path: Path, *, force: bool) -> None:
    if not force:
        try:
            os.link(draft, path)  # never over what came meanwhile
            return
        except OSError:
            if os.path.lexists(path):
                raise _there(path) from None
    os.replace(draft, path)  # also on a disk that has no links


def _there(path: Path) -> UsageError:
    return UsageError(f"{path} is there already", hint="name another file, or write over it with --force")
