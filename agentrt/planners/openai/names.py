"""Names of calls and of functions, so that each API takes them and none is there twice."""

from __future__ import annotations

import hashlib
import re

_CALL = re.compile(r"[\x21-\x7e]+")


def call_name(given: object, taken: set[str]) -> str:
    """How a call is named: as the vendor does, unless that is no name or one that is taken; then by one of our own.
    It is ``taken`` from then on."""
    good = isinstance(given, str) and _CALL.fullmatch(given)
    named, number = (str(given), 1) if good else ("call", 0)
    name = named
    while name in taken or not number:
        number += 1
        name = f"{named}-{number}"
    taken.add(name)
    return name


def foreign_name(call: str) -> str:
    """The name of another planner's call as every server takes it: nine letters and digits, some want no other."""
    return hashlib.sha256(call.encode("utf-8", "surrogatepass")).hexdigest()[:9]


def function_name(kind: str) -> str:
    """A kind of action, or what a model took for one, as a name that every API takes."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", kind)[:64] or "unknown"
