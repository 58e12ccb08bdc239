"""What changed below some folders since one looked last, known by looking at every file's inode and change time.

Nobody but the kernel sets a change time (``st_ctime``), so nothing can be changed behind its back: not through another
hard link, not by what sets a file's other times back.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

_CLOCK_REALTIME_COARSE = 5
"""What change times are taken from (clock_gettime(2))."""


class Index:
    def __init__(self, roots: Sequence[bytes], leave_out: Collection[bytes] = ()) -> None:
        """``roots``: absolute; what one of them holds besides another of them. ``leave_out``: paths that are passed
        over, with all below."""
        self._roots = list(roots)
        self._out = {*roots, *leave_out}
        self._seen: dict[bytes, tuple[int, int] | None] = {}
        """Inode and change time; None where that time may come again."""

    def changed(self) -> list[bytes]:
        """Paths that came, went or changed since the last call, sorted; at the first, all there are.

        A change time is only as fine as the kernel's clock ticks: what changed within the tick in which one looked may
        change again and look the same, so it is told the next time as well.
        """
        now = ticked()
        before, self._seen = self._seen, {}
        seen = self._seen
        found = []
        for path, status in self._walk():
            sure = status.st_ctime_ns < now
            identity = (status.st_ino, status.st_ctime_ns) if sure else None
            seen[path] = identity
            if before.pop(path, None) != identity or not sure:
                found.append(path)
        found += before
        found.sort()
        return found

    def _walk(self) -> Iterator[tuple[bytes, os.stat_result]]:
        for root in self._roots:
            try:
                status = os.lstat(root)
            except FileNotFoundError:
                continue
            yield root, status
            if stat.S_ISDIR(status.st_mode):
                yield from self._below(root)

    def _below(self, root: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
        inner = [root]
        while inner:
            folder = inner.pop()
            for entry in _entries(folder):
                if entry.path in self._out:
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield entry.path, status
                if stat.S_ISDIR(status.st_mode):
                    inner.append(entry.path)


def _entries(folder: bytes) -> list[os.DirEntry[bytes]]:
    """Also of a folder that its owner may not read just now; none of one that is another's, or that just went."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except PermissionError:
        with accessible(folder) as can:
            if not can:
                return []
            with os.scandir(folder) as entries:
                return list(entries)


@contextmanager
def accessible(path: bytes) -> Iterator[bool]:
    """While this lasts, what is there has a mode that lets its owner in; False where it is another's."""
    try:
        status = os.lstat(path)
        os.chmod(path, stat.S_IMODE(status.st_mode) | stat.S_IRWXU)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        os.chmod(path, stat.S_IMODE(status.st_mode))


def ticked() -> int:
    """The time that something changed now would have, in nanoseconds."""
    return time.clock_gettime_ns(_CLOCK_REALTIME_COARSE)
