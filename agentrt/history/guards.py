"""Questions asked of a workspace before anything in it is touched."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TypeGuard

from agentrt.records import FileState

from .beneath import Beneath


def folder_of(path: bytes) -> bytes:
    """The folder ``path`` lies in; ``b""`` is the workspace."""
    return path.rpartition(b"/")[0]


def is_folder(state: FileState | None) -> TypeGuard[FileState]:
    return state is not None and state.type == "directory"


def owned(tree: Beneath, path: bytes) -> bool:
    """We may change modes here. Raises ``OSError``."""
    found = tree.lstat(path)
    return os.geteuid() == 0 or (found is not None and found.st_uid == os.geteuid())


def may_change(tree: Beneath, folder: bytes) -> bool:
    """Entries can be added to and removed from ``folder`` as it is."""
    try:
        fd = tree.open(folder, os.O_PATH | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        return os.access(b".", os.W_OK | os.X_OK, dir_fd=fd, effective_ids=True)
    finally:
        os.close(fd)


def strangers(tree: Beneath, folder: bytes, known: Collection[bytes]) -> list[bytes]:
    """Paths right in ``folder`` that are not ``known``. Raises ``OSError``."""
    fd = tree.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        inside = [folder + b"/" + os.fsencode(name) for name in os.listdir(fd)]
    finally:
        os.close(fd)
    return [path for path in inside if path not in known]
