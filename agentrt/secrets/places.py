"""Files of ours that nobody else may read: where they lie, how they are read and replaced."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agentrt.errors import UsageError
from agentrt.homes import config_home, state_home

_MOST = 16_000_000
"""Bytes that are read of a file: more is none of ours."""


def state_file() -> Path:
    """The encrypted file: in the state folder, which no workspace can hold."""
    return state_home() / "secrets"


def index_file() -> Path:
    """Which secrets the keyring has; no values. Whoever can write it can make ``secrets list`` wrong, no more."""
    return config_home() / "secrets.json"


def read_private(path: Path) -> bytes | None:
    """All of a file; None where there is none. Raises ``UsageError`` where it is not ours alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint=f"look at it with: ls -l {path}") from error
    try:
        _check(path, os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(_MOST)
    finally:
        os.close(descriptor)


def _check(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path} is no file", hint="move it away; agentrt keeps secrets there")
    if found.st_uid != os.geteuid():
        raise UsageError(f"{path} belongs to another user", hint="use agentrt as the user who kept the secrets")
    if found.st_mode & 0o077:
        raise UsageError(
            f"{path} can be read or written by others (mode {stat.S_IMODE(found.st_mode):04o})",
            hint=f"chmod 600 {path}, and think of its secrets as known to them",
        )


def write_private(path: Path, data: bytes) -> None:
    """Replace a file, all or nothing, also when the power goes. Raises ``UsageError``; then the old one stands."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)  # whatever the umask
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            os.replace(draft, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise _unusable(path, error) from error


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Its folder made, and nobody else of us changing ``path`` meanwhile. Raises ``UsageError``."""
    try:
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        folder = path.parent.stat()
        if folder.st_uid != os.geteuid() or folder.st_mode & 0o022:
            raise UsageError(
                f"{path.parent} is not yours alone to write in", hint=f"make it so: chmod 700 {path.parent}"
            )
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _unusable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{path} cannot be written: {error.strerror}; what was kept there is as it was",
        hint=f"make {path.parent} yours and writable, and see that its disk has room",
    )
