"""A token on its way out, in the clothes it may wear: as it is, backwards, in base64, hex, percent signs or JSON.

Whoever means to can encrypt, and is not stopped by this. It is for what a program that was told to send a file does.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from .refused import Refused

_SHORTEST = 8
"""Of a form: fewer characters are found in everything."""
_BREAKS = b"\r\n"
"""Between the lines of base64, and of hex."""
_MORE = 64
"""Bytes that are held back beyond the longest form, for such breaks."""


class Token(NamedTuple):
    kind: Literal["canary", "secret", "placeholder"]
    name: str
    value: bytes


class Search:
    """For tokens in bytes."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._exact: list[tuple[bytes, Token]] = []
        self._any_case: list[tuple[bytes, Token]] = []
        for token in tokens:
            self._exact += [(form, token) for form in _base64(token.value)]
            self._any_case += [(form, token) for form in _readable(token.value)]
        self.longest = max((len(form) for form, _ in (*self._exact, *self._any_case)), default=0)
        """Bytes of a form."""

    def __bool__(self) -> bool:
        return self.longest > 0

    def find(self, data: bytes) -> Token | None:
        joined = data.translate(None, _BREAKS)
        small = joined.lower()
        for form, token in self._any_case:
            if form in small:
                return token
        return next((token for form, token in self._exact if form in joined), None)

    def find_small(self, data: bytes) -> Token | None:
        """The same in what can be looked at in more ways than one: a head, a small body."""
        return self.find(data) or (self.find(unquote_to_bytes(data)) if b"%" in data else None)


class Watch:
    """A body on its way out: what ``feed`` gives back holds no part of a token."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._held = b""
        self._back = search.longest + _MORE if search else 0

    def feed(self, data: bytes) -> bytes:
        """What may go now. Raises ``Found``."""
        if not self._back:
            return data
        window = self._held + data
        if (token := self._search.find(window)) is not None:
            raise Found(token)
        cut = max(0, len(window) - self._back)
        self._held = window[cut:]
        return window[:cut]

    def end(self) -> bytes:
        rest, self._held = self._held, b""
        return rest


class Found(Refused):
    """A token was on its way out."""

    def __init__(self, token: Token) -> None:
        because = {
            "canary": f"the content of {token.name} was on its way out, which nobody has a reason to send",
            "secret": f"the value of the secret {token.name} was on its way out, which nothing inside should know",
            "placeholder": f"the placeholder of the secret {token.name} was where no value is put in: a name, a body "
            "that is long or of unknown length",
        }[token.kind]
        super().__init__(because, canary=token.name if token.kind == "canary" else None)


def _base64(value: bytes) -> set[bytes]:
    """Whatever stands before and behind it: of the characters those that depend on it alone."""
    forms = set()
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(value)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            forms.add(encode(b"\0" * before + value)[first:last])
    return {form for form in forms if len(form) >= _SHORTEST}


def _readable(value: bytes) -> Iterator[bytes]:
    """In small letters."""
    forms = {
        value,
        value[::-1],
        value.hex().encode(),
        b"".join(b"%%%02x" % byte for byte in value),
        quote(value, safe="").encode(),
        json.dumps(value.decode(errors="surrogateescape"))[1:-1].encode(),
    }
    return (form.translate(None, _BREAKS).lower() for form in forms if form == value or len(form) >= _SHORTEST)
