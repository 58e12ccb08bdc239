"""Where a host listens: one socket in the workspace's store, for its owner alone, and one host at a time."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from agentrt.errors import HostGone
from agentrt.history.store import Lock, Store

_CREDENTIALS = struct.Struct("3i")
_WAITING = 64


class Address:
    """A listening socket. Its holder has ``host.lock``: a socket that is found there is of a process that is gone."""

    def __init__(self, lock: Lock, path: Path, sock: socket.socket) -> None:
        self._lock, self._path, self.sock = lock, path, sock

    @classmethod
    def take(cls, store: Store) -> Self:
        """The store must have been created. Raises ``SessionBusy`` where somebody listens already; ``WorkspaceError``,
        ``DiskFull``, ``OSError``."""
        lock = Lock(store, store.host_lock).acquire(seconds=0)
        try:
            store.host_socket.unlink(missing_ok=True)
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                with _short(store.host_socket) as path:
                    before = os.umask(0o177)
                    try:
                        sock.bind(path)
                    finally:
                        os.umask(before)
                sock.listen(_WAITING)
                sock.setblocking(False)
            except BaseException:
                sock.close()
                raise
        except BaseException:
            lock.close()
            raise
        return cls(lock, store.host_socket, sock)

    def close(self) -> None:
        """Closing twice is fine."""
        if self.sock.fileno() >= 0:
            self.sock.close()
            with suppress(OSError):
                self._path.unlink()
            self._lock.close()


def connect(store: Store) -> socket.socket | None:
    """A connection to whoever listens; None: nobody does. Raises ``HostGone`` for somebody else's socket."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(store.host_socket) as path:
            sock.connect(path)
        if not is_ours(sock):
            raise HostGone(
                f"the process that listens on {store.host_socket} is another user's",
                hint="remove that file, if the folder is yours",
            )
    except OSError as error:
        sock.close()
        if isinstance(error, HostGone):
            raise
        if error.errno in (errno.ENOENT, errno.ECONNREFUSED, errno.ECONNRESET, errno.ENOTDIR, errno.EAGAIN):
            return None
        raise HostGone(
            f"{store.host_socket} cannot be reached: {error.strerror}", hint="the folder must be yours"
        ) from error
    return sock


def is_ours(sock: socket.socket) -> bool:
    """Whether the same user is on the other side."""
    _, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return bool(uid == os.geteuid())


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A socket's path may have 107 bytes; this one is short however long the real one is."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
