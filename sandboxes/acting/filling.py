"""What an action writes to disk, watched by the server while it runs: a disk that is full is everybody's trouble.

How much is free is asked often, as that costs nothing. Only where so much went away that the action may be over its
limit are its files looked at, for others write to that disk as well.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from .usage import Exceeded, kept

EVERY_MS = 20.0
_SHARE = 10
"""Looking at files takes at most one part in so many of the time."""
_ROOM, _ROOM_SHARE, _FILES = 64_000_000, 20, 1000
"""Bytes or one part in so many of a small disk, and files: as much as has to be there before an action."""


class _Disk(NamedTuple):
    size: int
    free: int
    files: int
    """0 where the file system makes them as it needs them."""
    files_free: int


class Filling:
    """One action, whose files come to lie in ``folders``, all on one disk."""

    def __init__(self, folders: Sequence[bytes], request: dict[str, Any], since_ns: int = 0) -> None:
        """``since_ns``: what did not change since then was there before."""
        self._folders, self._since = folders, since_ns
        self._bytes: int | None = request["written_bytes"]
        self._files: int | None = request["written_files"]
        self._seen, self._seen_bytes, self._seen_files = _disk(folders[0]), 0, 0
        self._room = kept(self._seen.free, min(_ROOM, self._seen.size // _ROOM_SHARE))
        self._room_files = kept(self._seen.files_free, min(_FILES, self._seen.files // _ROOM_SHARE))
        self._due = 0.0

    def exceeded(self) -> Exceeded | None:
        now = _disk(self._folders[0])
        if now.free < self._room:
            return "room", now.free, self._room
        if now.files_free < self._room_files:
            return "room for files", now.files_free, self._room_files
        gone, gone_files = self._seen.free - now.free, self._seen.files_free - now.files_free
        over = self._bytes is not None and self._seen_bytes + gone > self._bytes
        over_files = self._files is not None and self._seen_files + gone_files > self._files
        if not (over or over_files) or (began := time.monotonic()) < self._due:
            return None
        self._seen = now
        self._seen_bytes, self._seen_files = self._measure()
        done = time.monotonic()
        self._due = done + (done - began) * (_SHARE - 1)
        if self._bytes is not None and self._seen_bytes > self._bytes:
            return "written", self._seen_bytes, self._bytes
        if self._files is not None and self._seen_files > self._files:
            return "files", self._seen_files, self._files
        return None

    def _measure(self) -> tuple[int, int]:
        """Bytes and files, as far as it takes to know that they are too many. Holes in a file are not counted."""
        size = count = 0
        inner = list(self._folders)
        while inner and not self._is_over(size, count):
            with suppress(OSError), os.scandir(inner.pop()) as entries:
                for entry in entries:
                    with suppress(OSError):
                        status = entry.stat(follow_symlinks=False)
                        is_folder = entry.is_dir(follow_symlinks=False)
                        if is_folder:
                            inner.append(entry.path)
                        if status.st_ctime_ns >= self._since:
                            count += 1
                            size += 0 if is_folder else min(status.st_size, status.st_blocks * 512)
                    if self._is_over(size, count):
                        break
        return size, count

    def _is_over(self, size: int, count: int) -> bool:
        too_big = self._bytes is not None and size > self._bytes
        return too_big or (self._files is not None and count > self._files)


def _disk(folder: bytes) -> _Disk:
    found = os.statvfs(folder)
    return _Disk(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, found.f_files, found.f_favail)
