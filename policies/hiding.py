"""Which paths of a workspace are hidden: looked up when a session is opened, so that every action can do without."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from .patterns import path_matches

_WILD = set("*?[")


def found(patterns: Iterable[str], workspace: Path | None) -> tuple[str, ...]:
    """Relative to the workspace; of a folder that is hidden as a whole only the folder.

    What is written out is hidden whether it is there by now or not; what has wildcards, or is a mere name, is looked
    for. Folders that cannot be read hold nothing an action could read either.
    """
    patterns = list(dict.fromkeys(patterns))
    if workspace is None:
        return ()
    written = {pattern for pattern in patterns if "/" in pattern and not _WILD & set(pattern)}
    wild = [pattern for pattern in patterns if pattern not in written]
    return tuple(sorted({*(_within(path, workspace) for path in written), *_matching(wild, workspace)} - {""}))


def _within(path: str, workspace: Path) -> str:
    """Empty for what lies elsewhere: nothing else of the user's is there anyway."""
    path = path.removeprefix("./")
    if not path.startswith("/"):
        return path
    return path.removeprefix(f"{workspace}/") if path.startswith(f"{workspace}/") else ""


def _matching(patterns: list[str], workspace: Path) -> Iterator[str]:
    folders = [""] if patterns else []
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(workspace / folder))
        except OSError:
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if any(path_matches(pattern, path) for pattern in patterns):
                yield path
            elif entry.is_dir(follow_symlinks=False):
                folders.append(path)
