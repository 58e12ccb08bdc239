"""What changed below some folders since one looked last, known by looking at every file's inode and change time.

Nobody but the kernel sets a change time (``st_ctime``), so nothing can be changed behind its back: not through another
hard link, not by what sets a file's other times back.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress

_CLOCK_REALTIME_COARSE = 5
"""What change times are taken from (clock_gettime(2))."""


class Index:
    def __init__(self, roots: Sequence[bytes], leave_out: Collection[bytes] = (), *, alone: bool = False) -> None:
        """``roots``: absolute; what one of them holds besides another of them. ``leave_out``: paths that are passed
        over, with all below. ``alone``: nobody else changes anything while one looks, and all is our own: a folder that
        does not let us in is made to, until ``shut``."""
        self._roots, self._alone = list(roots), alone
        self._modes: dict[bytes, int] = {}
        self.too_deep = b""
        """A path that is longer than the kernel takes one, if there is one: what is there cannot be looked at."""
        self._out = {*roots, *leave_out}
        self._seen: dict[bytes, tuple[int, int] | None] = {}
        """Inode and change time; None where that time may come again."""

    def changed(self) -> list[bytes]:
        """Paths that came, went or changed since the last call, sorted; at the first, all there are.

        A change time is only as fine as the kernel's clock ticks: what changed within the tick in which one looks may
        change again and look the same. Who is alone waits for the next tick; else it is told the next time as well.
        """
        if self._alone:
            _tick()
        now = ticked()
        before, self._seen = self._seen, {}
        seen = self._seen
        found = []
        self.too_deep = b""
        for path, status in self._walk():
            sure = status.st_ctime_ns < now
            identity = (status.st_ino, status.st_ctime_ns) if sure else None
            seen[path] = identity
            if before.pop(path, None) != identity or not sure:
                found.append(path)
        found += before
        found.sort()
        return found

    def forget(self) -> None:
        self._seen.clear()

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
            for entry in self._entries(folder):
                if entry.path in self._out:
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except (FileNotFoundError, PermissionError):
                    continue
                except OSError as error:
                    self._pass(entry.path, error)
                    continue
                yield entry.path, status
                if stat.S_ISDIR(status.st_mode):
                    inner.append(entry.path)

    def _entries(self, folder: bytes) -> list[os.DirEntry[bytes]]:
        """None where we may not look, or where it just went."""
        try:
            if self._alone and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                self._open(folder)
            with os.scandir(folder) as entries:
                return list(entries)
        except (FileNotFoundError, PermissionError):
            return []
        except OSError as error:
            self._pass(folder, error)
            return []

    def _pass(self, path: bytes, error: OSError) -> None:
        if error.errno != errno.ENAMETOOLONG:
            raise error
        self.too_deep = path

    def __contains__(self, path: bytes) -> bool:
        """Whether it was there when one looked last."""
        return path in self._seen

    def _open(self, folder: bytes) -> None:
        mode = stat.S_IMODE(os.lstat(folder).st_mode)
        with suppress(PermissionError):  # another's
            os.chmod(folder, mode | stat.S_IRWXU)
            self._modes[folder] = mode

    def mode(self, path: bytes, status: os.stat_result) -> int:
        """What it was before we opened it."""
        return self._modes.get(path, stat.S_IMODE(status.st_mode))

    def shut(self) -> None:
        """What was opened has its own mode again."""
        opened = sorted(self._modes, reverse=True)
        for folder in opened:  # looked at before the one it is in is shut again
            with suppress(FileNotFoundError):
                os.chmod(folder, self._modes[folder])
                self._pass_over(folder)
        self._modes.clear()
        if opened:
            _tick()

    def pass_over(self, paths: Collection[bytes]) -> None:
        """What we did there ourselves is no change."""
        if paths:
            _tick()
        for path in paths:
            with suppress(FileNotFoundError, NotADirectoryError):
                self._pass_over(path)

    def _pass_over(self, path: bytes) -> None:
        status = os.lstat(path)
        self._seen[path] = status.st_ino, status.st_ctime_ns


def _tick() -> None:
    """Until what changes from here on has a later time than all that changed before."""
    now = time.time_ns()
    while ticked() <= now:
        time.sleep(0.0005)


def ticked() -> int:
    """The time that something changed now would have, in nanoseconds."""
    return time.clock_gettime_ns(_CLOCK_REALTIME_COARSE)


@contextmanager
def accessible(path: bytes) -> Iterator[None]:
    """While this lasts, what is there, which is ours, lets us in. Raises ``PermissionError`` where it is not."""
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    os.chmod(path, mode | stat.S_IRWXU)
    try:
        yield
    finally:
        os.chmod(path, mode)
