"""The host's side of the door: who knocks inside is led to a socket that nobody but this user can reach."""

from __future__ import annotations

import os
import socket

_BACKLOG = 1024


class Door:
    def __init__(self, folder: bytes) -> None:
        """``folder``: private, for the socket's name."""
        here = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._name = b"/proc/self/fd/%d/door" % here  # the folder's own path may be longer than an address can be
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(self._name)
        self.listening.listen(_BACKLOG)

    def knock(self) -> socket.socket:
        """A connection that whoever listens accepts. Raises ``OSError``: too many wait for that, or nobody listens."""
        connection = socket.socket(socket.AF_UNIX)
        connection.setblocking(False)
        try:
            connection.connect(self._name)
        except BaseException:
            connection.close()
            raise
        return connection


class Behind(socket.socket):
    """What is accepted from for who knocks inside: a socket of this machine, under the address it has in there."""

    def __init__(self, file: int, port: int) -> None:
        super().__init__(fileno=file)
        self._inside = ("127.0.0.1", port)

    def getsockname(self) -> tuple[str, int]:
        return self._inside

    def dup(self) -> Behind:
        return Behind(os.dup(self.fileno()), self._inside[1])
