"""Connections through the door: each is a socket at either end, and a number between them.

A frame of one begins with its number. KNOCK opens one, DATA is what was read, TAKEN says how much of it was passed on,
HANGUP that no more comes. Who reads stops where too much is not taken yet, so no connection keeps the others waiting.
"""

from __future__ import annotations

import select
import socket
import struct
from contextlib import suppress

from .frames import DATA, HANGUP, TAKEN, Link

_NUMBER = struct.Struct("!I")
_COUNT = struct.Struct("!II")
_WINDOW = 1 << 18
"""Bytes that may be on their way."""
_READ = 1 << 16


class _End:
    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.on_its_way = 0
        """Bytes read here that the other end has not passed on yet."""
        self.waiting = bytearray()
        """To be written here."""
        self.is_read = self.is_written = False
        """To their end."""
        self.ends = False
        """Nothing more comes to be written."""


class Tunnels:
    def __init__(self, link: Link, poll: select.poll) -> None:
        self._link, self._poll = link, poll
        self._ends: dict[int, _End] = {}
        self._numbers: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._ends)

    def open(self, number: int, connection: socket.socket) -> None:
        self._ends[number] = _End(connection)
        self._numbers[connection.fileno()] = number
        self._watch(self._ends[number])

    def has(self, file: int) -> bool:
        return file in self._numbers

    def ready(self, file: int, events: int) -> None:
        """What ``poll`` said of one of the sockets."""
        number = self._numbers[file]
        end = self._ends[number]
        if events & select.POLLOUT:
            self._write(number, end)
        if events & (select.POLLIN | select.POLLHUP | select.POLLERR) and not end.is_read:
            self._read(number, end)
        self._settle(number, end)

    def take(self, kind: int, data: bytes) -> None:
        """A frame of one of them; of one that is gone it is passed over."""
        [number] = _NUMBER.unpack_from(data)
        end = self._ends.get(number)
        if end is None:
            return
        if kind == DATA:
            end.waiting += data[_NUMBER.size :]
            self._write(number, end)
        elif kind == TAKEN:
            end.on_its_way -= _COUNT.unpack(data)[1]
        elif kind == HANGUP:
            end.ends = True
            self._write(number, end)
        self._settle(number, end)

    def close(self) -> None:
        """All of them."""
        for number in list(self._ends):
            self._drop(number)

    def _read(self, number: int, end: _End) -> None:
        try:
            data = end.socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            end.on_its_way += len(data)
            self._link.send(DATA, _NUMBER.pack(number) + data)
        else:
            end.is_read = True
            self._link.send(HANGUP, _NUMBER.pack(number))

    def _write(self, number: int, end: _End) -> None:
        written = 0
        try:
            while end.waiting and not end.is_written:
                count = end.socket.send(end.waiting)
                del end.waiting[:count]
                written += count
        except BlockingIOError:  # the rest when there is room
            pass
        except OSError:  # who was there has gone
            written += len(end.waiting)
            end.waiting.clear()
            end.is_written = end.is_read = end.ends = True
            self._link.send(HANGUP, _NUMBER.pack(number))
        if written:
            self._link.send(TAKEN, _COUNT.pack(number, written))
        if end.ends and not end.waiting and not end.is_written:
            end.is_written = True
            with suppress(OSError):
                end.socket.shutdown(socket.SHUT_WR)

    def _settle(self, number: int, end: _End) -> None:
        if end.is_read and end.is_written:
            self._drop(number)
        else:
            self._watch(end)

    def _watch(self, end: _End) -> None:
        events = select.POLLOUT if end.waiting else 0
        if not end.is_read and end.on_its_way < _WINDOW:
            events |= select.POLLIN
        if events:
            self._poll.register(end.socket, events)
        else:  # poll tells of a hangup also where nothing is asked for
            with suppress(KeyError):
                self._poll.unregister(end.socket)

    def _drop(self, number: int) -> None:
        end = self._ends.pop(number)
        del self._numbers[end.socket.fileno()]
        with suppress(KeyError):
            self._poll.unregister(end.socket)
        end.socket.close()
