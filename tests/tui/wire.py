"""What a program writes to its terminal, taken apart: which sequences, and which characters beside them."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

_SEQUENCE = re.compile(
    rb"\x1b\[(?P<csi>[0-?]*[ -/]*[@-~])"
    rb"|\x1b(?P<string>[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\))"
    rb"|\x1b(?P<other>[ -/]*[0-~])",
    re.DOTALL,
)
_NUMBERS = re.compile(rb"[0-9:]+(?:;[0-9:]*)*")


class Wire(NamedTuple):
    kinds: frozenset[bytes]
    """Of the sequences, with ``#`` for what only says where, how many or which colour."""
    controls: frozenset[int]
    """Bytes below 0x20, DEL, and characters of C1, which stand in no sequence."""
    colours: frozenset[int]
    """Parameters of SGR sequences that are colours."""
    text: str
    """All that is no sequence."""


def read(data: bytes) -> Wire:
    kinds: Counter[bytes] = Counter()
    colours: set[int] = set()
    rest, at = [], 0
    for found in _SEQUENCE.finditer(data):
        rest.append(data[at : found.start()])
        at = found.end()
        if (csi := found["csi"]) is not None:
            # Modes and the like are what their numbers are; of all else these say only where or how many.
            kinds[
                b"[" + (_NUMBERS.sub(b"#", csi) if csi[-1:] in b"mHABCDJKXdG" and csi[:1] not in b"?>=<" else csi)
            ] += 1
            if csi.endswith(b"m"):
                colours |= _colours(csi[:-1])
        else:
            kinds[found["string"] or found["other"]] += 1
    rest.append(data[at:])
    text = b"".join(rest).decode("utf-8", "surrogateescape")
    controls = {ord(c) for c in text if c < " " or "\x7f" <= c < "\xa0" or "\udc80" <= c <= "\udcff"}
    return Wire(frozenset(kinds), frozenset(controls), frozenset(colours), text)


def _colours(parameters: bytes) -> set[int]:
    """Of one SGR sequence; 39 and 49 are the terminal's own."""
    numbers = [int(number) for number in re.split(rb"[;:]", parameters) if number]
    return {n for n in numbers if 30 <= n <= 38 or 40 <= n <= 48 or 90 <= n <= 97 or 100 <= n <= 107}
