"""Values taken out of a stream, or found in one, in every form ``forms.py`` knows.

What is handed on lags behind only where what came last may be the beginning of a form: by less than the longest one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agentrt.errors import UsageError

from . import forms
from .rules import SHORTEST

_HEAD = 12
"""Bytes of a value by whose forms a beginning is known; what begins like that waits until it is whole, or is not."""


class Redactor:
    """Replaces every byte of every form of ``values`` by ``*``. One a stream.

    However the stream is cut, the result is the same, and as long as what came. The time it takes is linear in that
    and in the number of values. Raises ``UsageError`` for a value of less than 6 bytes.
    """

    def __init__(self, values: Iterable[bytes]) -> None:
        self._search = _Search(values)
        self._waiting = b""
        self._starred = 0
        """How many bytes at the front of what waits belong to something that began further in front."""

    def feed(self, data: bytes) -> bytes:
        """What can be handed on by now."""
        whole = self._waiting + data
        return self._pass_on(whole, self._search.sure(whole))

    def end(self) -> bytes:
        """The rest; the stream has ended."""
        return self._pass_on(self._waiting, len(self._waiting))

    def _pass_on(self, whole: bytes, sure: int) -> bytes:
        """Up to ``sure``; nothing that may come can change what begins before it."""
        out, reach = bytearray(whole[:sure]), self._starred
        out[:reach] = b"*" * min(reach, sure)
        for start, end in self._search.spans(whole):
            if start >= sure:
                break
            out[start:end] = b"*" * (min(end, sure) - start)
            reach = max(reach, end)
        self._waiting, self._starred = whole[sure:], max(0, reach - sure)
        return bytes(out)


class Detector:
    """Says whether a form of ``values`` has come by. One a stream; the same forms, time and errors as ``Redactor``."""

    def __init__(self, values: Iterable[bytes]) -> None:
        self._search = _Search(values)
        self._waiting = b""
        self._found = False

    def feed(self, data: bytes) -> bool:
        """Whether one was whole in what has come up to now."""
        if not self._found:
            whole = self._waiting + data
            self._found = any(True for _ in self._search.spans(whole))
            self._waiting = whole[self._search.sure(whole) :]
        return self._found


class _Search:
    def __init__(self, values: Iterable[bytes]) -> None:
        import regex

        values = list(values)
        if any(len(value) < SHORTEST for value in values):
            raise UsageError(f"a value of less than {SHORTEST} bytes cannot be told apart from other text")
        self._longest = forms.longest(values)
        # Only this library can say that more might make it a match; it is slow to learn long ones.
        head = forms.pattern(value[:_HEAD] for value in values) or b"(?!)"
        self._head: regex.Pattern[bytes] = regex.compile(head, regex.DOTALL)
        self._begun: regex.Pattern[bytes] = regex.compile(b"(?:" + head + b")(?!)", regex.DOTALL)
        firsts = b"".join(rb"\x%02x" % byte for byte in range(256) if self._begins(bytes([byte])))
        # One byte is matched, so that ones that overlap are all found, and what comes first is in a set, so that the
        # search runs through all else; at that byte a look back looks ahead at the form.
        found = b"[" + firsts + b"](?<=(?=(" + forms.pattern(values) + b")).)"
        self._form = re.compile(found, re.DOTALL) if values else None

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where forms are, by their beginning; at each beginning one."""
        return (found.span(1) for found in self._form.finditer(data)) if self._form else iter(())

    def sure(self, data: bytes) -> int:
        """Before it, nothing begins that more data could make a form, or another one."""
        tail = max(0, len(data) - self._longest)
        begun = self._begun.search(data, tail, partial=True), self._head.search(data, tail)
        return min((found.start() for found in begun if found is not None), default=len(data))

    def _begins(self, data: bytes) -> bool:
        return self._begun.match(data, partial=True) is not None
