"""What passes between the keeper and the first process of a container: frames of a length, a kind and bytes.

A request is one JSON frame, and so is its answer; what belongs to either comes in between. A name that is not UTF-8
travels as surrogate escapes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

JSON = 1
BLOB = 2
"""Content, of files or of standard input."""
HOLE = 3
"""So many zero bytes of content (a number)."""
OUT, ERR = 4, 5
"""What an action printed."""
STOP = 6
"""End the action."""
KEYS = 7
"""What was typed at its terminal, and what is to be shown there."""
SIZE = 8
"""Of its terminal: rows, columns."""
KNOCK, DATA, TAKEN, HANGUP = 9, 10, 11, 12
"""Of a connection through the door (``tunnels.py``); each begins with its number."""

NUMBER = struct.Struct("!Q")
PAIR = struct.Struct("!II")
_HEAD = struct.Struct("!IB")
MOST = 1 << 20
"""Bytes of content in one frame."""


class Link:
    """One end. ``read`` gives some bytes and waits for them, none at the end; ``write`` takes all."""

    def __init__(self, read: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
        self._read, self._write = read, write
        self._held = bytearray()

    def send(self, kind: int, data: bytes = b"") -> None:
        self._write(_HEAD.pack(len(data), kind) + data)

    def tell(self, message: dict[str, Any]) -> None:
        self.send(JSON, json.dumps(message, separators=(",", ":")).encode("ascii"))

    def has(self) -> bool:
        """Whether ``get`` would not have to wait."""
        if len(self._held) < _HEAD.size:
            return False
        return len(self._held) >= _HEAD.size + int(_HEAD.unpack_from(self._held)[0])

    def get(self) -> tuple[int, bytes]:
        """The next frame. Raises ``EOFError`` when the other end is gone."""
        while not self.has():
            data = self._read()
            if not data:
                raise EOFError("the other end is gone")
            self._held += data
        length, kind = _HEAD.unpack_from(self._held)
        end = _HEAD.size + length
        data = bytes(self._held[_HEAD.size : end])
        del self._held[:end]
        return kind, data

    def hear(self) -> dict[str, Any]:
        """The next message. What is late, of an action that ended by itself, is passed over."""
        while True:
            kind, data = self.get()
            if kind == JSON:
                message: dict[str, Any] = json.loads(data)
                return message
