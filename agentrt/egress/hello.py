"""Whom a TLS client says it wants to talk to: the first message, RFC 8446 section 4.1.2, taken apart strictly."""

from __future__ import annotations

from typing import NamedTuple

from .hosts import canonical
from .limits import HELLO_BYTES
from .refused import Refused

_CHANGE_CIPHER, _ALERT, _HANDSHAKE, _APPLICATION_DATA = 20, 21, 22, 23
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_AGAIN = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""What stands in place of a server's random bytes where it asks for another hello."""
_SERVER_NAME, _ENCRYPTED_HELLO = 0, 0xFE0D
_RECORD_BYTES = 1 << 14

ALERT = bytes((21, 3, 1, 0, 2, 2, 49))
"""A fatal alert, "access denied": what a client is told when TLS is not to begin."""


class Hello(NamedTuple):
    name: str | None
    """Canonical; None where it does not say."""
    encrypted: bool
    """The name that counts is a hidden one (Encrypted Client Hello), or it is made to look like that."""
    length: int
    """Bytes of its records."""


def read_hello(data: bytes) -> Hello | None:
    """None while ``data`` is only its beginning. Raises ``Refused`` as soon as it cannot become one."""
    if len(data) > HELLO_BYTES:
        raise Refused("the first words of TLS are too long")
    message = bytearray()
    at = 0
    while True:
        if message[:1] not in (b"", bytes((_CLIENT_HELLO,))):
            raise _foreign()
        if len(message) >= 4 and len(message) >= 4 + int.from_bytes(message[1:4], "big"):
            return _hello(_Bytes(bytes(message[4 : 4 + int.from_bytes(message[1:4], "big")])), at)
        head = data[at : at + 5]
        if head[:1] not in (b"", bytes((_HANDSHAKE,))) or head[1:2] not in (b"", b"\x03"):
            raise _foreign()
        if len(head) < 5:
            return None
        length = int.from_bytes(head[3:5], "big")
        if not 0 < length <= _RECORD_BYTES:
            raise _foreign()
        message += data[at + 5 : at + 5 + length]
        at += 5 + length


def read_answer(data: bytes) -> bool | None:
    """Of a server: whether it asks for another hello; None while there is too little to tell. Raises ``Refused``."""
    if data[:1] == bytes((_ALERT,)):
        return False
    for at, expected in ((0, _HANDSHAKE), (1, 3), (5, _SERVER_HELLO)):
        if data[at : at + 1] not in (b"", bytes((expected,))):
            raise Refused("the other side does not speak TLS")
    return data[11:43] == _AGAIN if len(data) >= 43 else None


def skip_others(data: bytes) -> int | None:
    """Where the first handshake record begins, after those a client may send before it hears that another hello is
    asked for (early data, and a record that only looks like older TLS); None while that is not there."""
    at = 0
    while data[at : at + 1] in (bytes((_CHANGE_CIPHER,)), bytes((_APPLICATION_DATA,))) and len(data) >= at + 5:
        at += 5 + int.from_bytes(data[at + 3 : at + 5], "big")
    return at if at < len(data) and data[at] not in (_CHANGE_CIPHER, _APPLICATION_DATA) else None


def _foreign() -> Refused:
    return Refused("what goes through this tunnel is not TLS")


class _Bytes:
    """Read from the front; what is not there is a refusal."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) < count:
            raise _foreign()
        self._at += count
        return found

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def vector(self, width: int) -> _Bytes:
        """Bytes after their length, which takes ``width`` bytes."""
        return _Bytes(self.take(self.number(width)))


def _hello(body: _Bytes, length: int) -> Hello:
    body.take(2 + 32)  # version, random
    for width in (1, 2, 1):  # session, ciphers, compressions
        body.vector(width)
    extensions = body.vector(2) if body else _Bytes(b"")
    if body:
        raise _foreign()
    seen: set[int] = set()
    name = None
    while extensions:
        kind, content = extensions.number(2), extensions.vector(2)
        if kind in seen:
            raise _foreign()
        seen.add(kind)
        if kind == _SERVER_NAME:
            name = _server_name(content)
    return Hello(name, _ENCRYPTED_HELLO in seen, length)


def _server_name(content: _Bytes) -> str:
    names = content.vector(2)
    kind, name = names.number(1), names.vector(2)
    if content or names or kind != 0:
        raise Refused("TLS names its server in a way that can be read as several")
    try:
        return canonical(name.rest().decode("ascii"))
    except UnicodeDecodeError:
        raise Refused("TLS names its server in characters that no name has") from None
