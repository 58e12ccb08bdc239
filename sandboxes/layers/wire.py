"""The messages between the runtime and the server: a length, JSON in ASCII, and open files beside it.

A name that is not UTF-8 travels as surrogate escapes. One request, one reply, in turn.
"""

from __future__ import annotations

import array
import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

_LENGTH = struct.Struct("!I")
MOST_FILES = 128
"""With one message; the kernel's own limit is 253."""


def send(channel: socket.socket, message: dict[str, Any], files: Sequence[int] = ()) -> None:
    data = json.dumps(message, separators=(",", ":")).encode("ascii")
    head = _LENGTH.pack(len(data))
    if files:
        socket.send_fds(channel, [head], files)
        channel.sendall(data)
    else:
        channel.sendall(head + data)


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Raises ``EOFError`` when the other side is gone."""
    try:
        return _receive(channel)
    except ConnectionError as error:  # it went without having read all we sent
        raise EOFError("the other side is gone") from error


def _receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    head, ancillary, _, _ = channel.recvmsg(
        _LENGTH.size, socket.CMSG_LEN(MOST_FILES * 4), socket.MSG_CMSG_CLOEXEC | socket.MSG_WAITALL
    )
    files = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files.frombytes(data[: len(data) - len(data) % files.itemsize])
    if len(head) < _LENGTH.size:
        raise EOFError("the other side closed the channel")
    (length,) = _LENGTH.unpack(head)
    return json.loads(_exactly(channel, length)), list(files)


def _exactly(channel: socket.socket, length: int) -> bytearray:
    data = bytearray()
    while len(data) < length:
        chunk = channel.recv(min(length - len(data), 1 << 20))
        if not chunk:
            raise EOFError("the other side closed the channel in the middle of a message")
        data += chunk
    return data
