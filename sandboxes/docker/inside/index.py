"""What changed below some folders since one looked last, known by looking at every file's inode and change time.

Nobody but the kernel sets a change time (``st_ctime``), so nothing can be changed behind its back: not through another
hard link, not by what sets a file's other times back.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress

from ...layers.times import tick, ticked
from .watching import Watch


class Index:
    def __init__(self, roots: Sequence[bytes], leave_out: Collection[bytes] = (), *, alone: bool = False) -> None:
        """``roots``: absolute; what one of them holds besides another of them. ``leave_out``: paths that are passed
        over, with all below. ``alone``: nobody else changes anything while one looks, and all is our own: a folder that
        does not let us in is made to, until ``shut``, and the kernel is asked where to look."""
        self.roots, self._alone = list(roots), alone
        self._by_depth = sorted(roots, key=len, reverse=True)
        self._modes: dict[bytes, int] = {}
        self.too_deep = b""
        """A path that is longer than the kernel takes one, if there is one: what is there cannot be looked at."""
        self._out = {*roots, *leave_out}
        self._seen: dict[bytes, dict[bytes, tuple[int, int] | None]] = {root: {} for root in roots}
        """By root, and path: inode and change time; None where that time may come again."""
        self._inner: dict[bytes, list[bytes]] = {}
        """By folder that is watched: the paths in it."""
        self._walked: set[bytes] = set()
        """Roots all of whose folders are watched."""
        self.watch = _watch(roots) if alone else None

    def changed(self) -> list[bytes]:
        """Paths that came, went or changed since the last call, sorted; at the first, all there are.

        A change time is only as fine as the kernel's clock ticks: what changed within the tick in which one looks may
        change again and look the same. Who is alone waits for the next tick; else it is told the next time as well.
        """
        if self._alone:
            tick()
        now = ticked()
        self.too_deep = b""
        lost, folders = self.watch.happened() if self.watch is not None else (set(self.roots), set())
        lost = lost | set(self.roots) - self._walked
        found: list[bytes] = []
        for root in self.roots:
            if root in lost:
                found += self._walk(root, now)
        for folder in sorted(folders):
            root = self._root_of(folder)
            if root not in lost:
                found += self._look(folder, root, now)
        if self.watch is not None:
            self.watch.forget()
        return sorted(set(found))

    def forget(self) -> None:
        """So that all there is has come."""
        self._seen = {root: {} for root in self.roots}
        self._walked.clear()

    def _walk(self, root: bytes, now: int) -> list[bytes]:
        """What changed anywhere below."""
        before = self._seen[root]
        seen: dict[bytes, tuple[int, int] | None] = {}
        found = []
        status = os.lstat(root)
        if self._note(root, status, now, seen) != before.pop(root, None) or seen[root] is None:
            found.append(root)
        folders = {root: status.st_ino}
        pending = [root]
        while pending:
            folder = pending.pop()
            inner = self._inner[folder] = []
            for path, status in self._statuses(folder):
                inner.append(path)
                identity = self._note(path, status, now, seen)
                if before.pop(path, None) != identity or identity is None:
                    found.append(path)
                if stat.S_ISDIR(status.st_mode):
                    pending.append(path)
                    folders[path] = status.st_ino
        for path in before:
            self._inner.pop(path, None)
        self._seen[root] = seen
        self._watch_all(root, folders)
        return found + list(before)

    def _look(self, folder: bytes, root: bytes, now: int) -> list[bytes]:
        """What changed in one folder that no folder came to; and with a folder that went, all that was in it."""
        seen = self._seen[root]
        gone = {path: seen.pop(path, None) for path in self._inner.get(folder, [])}
        found = [folder]
        inner = self._inner[folder] = []
        before = seen.pop(folder, None)
        is_folder = False
        with suppress(FileNotFoundError, NotADirectoryError):
            status = os.lstat(folder)
            is_folder = stat.S_ISDIR(status.st_mode)
            if self._note(folder, status, now, seen) == before is not None:
                found.clear()
        for path, status in self._statuses(folder) if is_folder else ():
            inner.append(path)
            identity = self._note(path, status, now, seen)
            if gone.pop(path, None) != identity or identity is None:
                found.append(path)
        for path in gone:
            found += self._gone(path, seen)
        return found

    def _gone(self, path: bytes, seen: dict[bytes, tuple[int, int] | None]) -> list[bytes]:
        found = [path]
        for inner in self._inner.pop(path, []):
            seen.pop(inner, None)
            found += self._gone(inner, seen)
        return found

    @staticmethod
    def _note(
        path: bytes, status: os.stat_result, now: int, seen: dict[bytes, tuple[int, int] | None]
    ) -> tuple[int, int] | None:
        identity = (status.st_ino, status.st_ctime_ns) if status.st_ctime_ns < now else None
        seen[path] = identity
        return identity

    def _statuses(self, folder: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
        for entry in self._entries(folder):
            if entry.path not in self._out:
                try:
                    yield entry.path, entry.stat(follow_symlinks=False)
                except (FileNotFoundError, PermissionError):  # it just went, or is not for us to look at
                    pass
                except OSError as error:
                    self._pass(entry.path, error)

    def _watch_all(self, root: bytes, folders: dict[bytes, int]) -> None:
        if self.watch is None:
            return
        try:
            self.watch.only(root, folders)
            for folder, inode in folders.items():
                self.watch.add(folder, inode)
            self._walked.add(root)
        except OSError:  # no more watches are to be had: this root is walked through each time
            self._walked.discard(root)

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
        return path in self._seen[self._root_of(path)]

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
            tick()
            self._listen_from_here()

    def pass_over(self, paths: Collection[bytes]) -> None:
        """What we did there ourselves is no change."""
        if paths:
            tick()
        for path in paths:
            with suppress(FileNotFoundError, NotADirectoryError):
                self._pass_over(path)
        self._listen_from_here()

    def _pass_over(self, path: bytes) -> None:
        status = os.lstat(path)
        self._seen[self._root_of(path)][path] = status.st_ino, status.st_ctime_ns

    def _listen_from_here(self) -> None:
        if self.watch is not None:
            self.watch.read()
            self.watch.forget()

    def _root_of(self, path: bytes) -> bytes:
        return next(root for root in self._by_depth if (path + b"/").startswith(root + b"/"))


def _watch(roots: Sequence[bytes]) -> Watch | None:
    """None where the kernel has none for this user any more."""
    try:
        return Watch(roots)
    except OSError:
        return None


@contextmanager
def accessible(path: bytes) -> Iterator[None]:
    """While this lasts, what is there, which is ours, lets us in. Raises ``PermissionError`` where it is not."""
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    os.chmod(path, mode | stat.S_IRWXU)
    try:
        yield
    finally:
        os.chmod(path, mode)
