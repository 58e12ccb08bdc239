"""Stands where ``agentrt.secrets`` will have its own: masks values as they are, no other form of them."""

from __future__ import annotations

from collections.abc import Iterable


class Redactor:
    """Bytes of an answer, in pieces, with each value covered by as many ``*``."""

    def __init__(self, values: Iterable[bytes]) -> None:
        self._values = sorted((value for value in values if value), key=len, reverse=True)
        self._back = max(map(len, self._values), default=1) - 1
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        window = self._masked(self._held + data)
        cut = max(0, len(window) - self._back)
        self._held = window[cut:]
        return window[:cut]

    def end(self) -> bytes:
        rest, self._held = self._held, b""
        return rest

    def _masked(self, data: bytes) -> bytes:
        for value in self._values:
            data = data.replace(value, b"*" * len(value))
        return data
