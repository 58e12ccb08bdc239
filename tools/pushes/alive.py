"""Whether a push is still on its way: its processes hold a lock, also those that outlive an agentrt that was killed.

Git itself is ended with agentrt (dying.py); what it has started for a remote of this machine, or has said to a server,
may go on.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentrt.errors import ResourceError

_FILE = "going"
_WAIT_SECONDS, _EVERY_SECONDS = 60.0, 0.1


@contextmanager
def on_its_way(folder: Path) -> Iterator[int]:
    """A descriptor for processes to inherit: as long as one of them lives, it is. Raises ``ResourceError`` where
    another one is."""
    descriptor = _opened(folder)
    try:
        if not _locked(descriptor):
            raise ResourceError("an earlier push of this is still on its way", hint="try again when it is over")
        try:
            yield descriptor
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # a daemon that git has started lives on, and means nothing
    finally:
        os.close(descriptor)


def is_over(folder: Path) -> bool:
    """Whether nothing is on its way any more; waited for, for a while. Raises ``ResourceError``."""
    descriptor = _opened(folder)
    try:
        end = time.monotonic() + _WAIT_SECONDS
        while not _locked(descriptor):
            if time.monotonic() > end:
                return False
            time.sleep(_EVERY_SECONDS)
        return True
    finally:
        os.close(descriptor)


def _opened(folder: Path) -> int:
    try:
        return os.open(folder / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ResourceError(f"{folder / _FILE}: {error.strerror}") from error


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
