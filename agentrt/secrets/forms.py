"""The spellings of a value that are searched for, as regular expressions over bytes.

- as it is; base64 in either alphabet, wherever in the encoded data it begins, with line breaks anywhere, itself escaped
  for a URL or JSON or not; hex in either case, in a row or parted by spaces, colons, dashes or line breaks
- percent-encoded, each byte or only some; JSON's and Python's escapes (``\\u0041``, ``\\x41``, ``\\"``), each character
  or only some; HTML's entities, numbers and names

Each alternative says at every character which spelling it is by its first byte, so a match needs no trying back and the
search is linear in what is searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BREAK = rb"[\r\n]{0,2}"
_APART = rb"[ :\r\n-]{0,2}"
_SHORT = {'"': b'"', "\\": b"\\\\", "/": b"/", "\b": b"b", "\f": b"f", "\n": b"n", "\r": b"r", "\t": b"t", "'": b"'"}
"""What follows a backslash in JSON and its like; as a regular expression."""
_NAMED = {"&": b"amp", "<": b"lt", ">": b"gt", '"': b"quot", "'": b"apos"}


def pattern(values: Iterable[bytes]) -> bytes:
    """One that matches each form of each value; of those that begin at the same place the longest value's first."""
    ordered = sorted(set(values), key=lambda value: (-len(value), value))
    return b"|".join(dict.fromkeys(form for value in ordered for form in _forms(value)))


def longest(values: Iterable[bytes]) -> int:
    """At least as many bytes as the longest form has: of base64 in JSON with line breaks, 32 for each 3."""
    return max((12 * len(value) + 24 for value in values), default=0)


def _forms(value: bytes) -> list[bytes]:
    text = value.decode("utf-8", "surrogateescape")
    return [
        re.escape(value),
        b"".join(map(_percented, value)),
        b"".join(map(_backslashed, text)),
        b"".join(map(_entity, text)),
        _APART.join(_hex(byte, 2) for byte in value),
        *(_base64(value, offset) for offset in range(3)),
    ]


def _percented(byte: int) -> bytes:
    escaped = b"%" + _hex(byte, 2)
    if byte == ord("%"):
        return escaped
    return b"(?:" + re.escape(bytes([byte])) + b"|" + escaped + (rb"|\+" if byte == ord(" ") else b"") + b")"


def _backslashed(character: str) -> bytes:
    units = character.encode("utf-16-be", "surrogatepass")
    unicode = b"".join(rb"\\u" + _hex(int.from_bytes(units[at : at + 2]), 4) for at in range(0, len(units), 2))
    raw = character.encode("utf-8", "surrogateescape")
    ways = [unicode, b"".join(rb"\\x" + _hex(byte, 2) for byte in raw)]
    if character in _SHORT:
        ways.append(rb"\\" + _SHORT[character])
    if character != "\\":
        ways.append(re.escape(raw))
    return b"(?:" + b"|".join(ways) + b")"


def _entity(character: str) -> bytes:
    code, raw = ord(character), character.encode("utf-8", "surrogateescape")
    ways = [rb"&#0{0,2}%d;" % code, rb"&#[xX]0{0,2}" + _hex(code, 0) + b";"]
    if character in _NAMED:
        ways.append(b"&" + _NAMED[character] + b";")
    if character != "&":
        ways.append(re.escape(raw))
    return b"(?:" + b"|".join(ways) + b")"


def _hex(number: int, width: int) -> bytes:
    digits = f"{number:0{width}x}"
    return b"".join(f"[{digit}{digit.upper()}]".encode() if digit.isalpha() else digit.encode() for digit in digits)


def _base64(value: bytes, offset: int) -> bytes:
    """Where it begins ``offset`` bytes after a multiple of three, with the digit its end shares with what follows.

    Not with the digit its beginning shares with what is before it, which has at most 4 bits of it: that may be any of
    4 or 16, and so nearly every line of text would end like the beginning of a form, and be held back.
    """
    bits = "".join(f"{byte:08b}" for byte in value)[(0, 4, 2)[offset] :]
    whole = len(bits) // 6
    found = _BREAK.join(_digit(int(bits[at : at + 6], 2)) for at in range(0, 6 * whole, 6))
    if last := bits[6 * whole :]:
        ways = [_digit(number) for number in range(64) if f"{number:06b}".startswith(last)]
        found += b"(?:" + _BREAK + b"(?:" + b"|".join(ways) + b"))?"
    return found


def _digit(number: int) -> bytes:
    digit = _DIGITS[number : number + 1]
    special = {b"+": rb"(?:[+-]|%2[bB]|\\u002[bB])", b"/": rb"(?:[/_]|%2[fF]|\\/|\\u002[fF])"}
    return special.get(digit, digit)
