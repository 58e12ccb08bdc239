"""Removing a folder of our own with all in it, whatever modes it has and however deep it is."""

from __future__ import annotations

import os
from contextlib import suppress

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: bytes) -> None:
    """Step by step and with one folder open at a time: an action may have made folders deeper than a path can name,
    a stack can hold, or files can be open. Nothing, where nothing is there. Raises ``OSError``."""
    if not os.path.lexists(path):
        return
    here = os.open(os.path.dirname(path), os.O_PATH | os.O_CLOEXEC)
    try:
        _step(here, os.path.basename(path))
        inner = [_remove_files(here)]
        while True:
            if inner[-1]:
                _step(here, inner[-1][-1])
                inner.append(_remove_files(here))
            elif len(inner) > 1:
                inner.pop()
                _step(here, "..")
                os.rmdir(inner[-1].pop(), dir_fd=here)
            else:
                break
    finally:
        os.close(here)
    os.rmdir(path)


def _remove_files(folder: int) -> list[str]:
    """All but the folders in it, whose names are the result."""
    inner = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                inner.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=folder)
    return inner


def _step(here: int, name: str | bytes) -> None:
    """``here`` becomes the folder of that name in it, writable from now on."""
    if name != "..":
        with suppress(OSError):
            os.chmod(name, 0o700, dir_fd=here)
    inner = os.open(name, _FOLDER, dir_fd=here)
    os.dup2(inner, here, inheritable=False)
    os.close(inner)
