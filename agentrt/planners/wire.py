"""What can go over the wire, whatever a conversation holds and whatever a model writes.

A conversation may hold bytes that are no text (``records.Text``), which no API takes; and what a model writes as the
arguments of a call may be anything at all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

_DEEPEST = 64
"""Levels of arguments; no tool takes more than a handful."""
_SHOWN = 24
"""Characters of what stood where arguments break."""
_LONE = re.compile("[\ud800-\udfff]")
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Lone surrogates that stand for no byte (``os.fsdecode``)."""
_SCALARS = re.compile(r'"(?:[^"\\]|\\.)*"|-?Infinity|NaN', re.DOTALL)
_CALL = re.compile(r"[\x21-\x7e]+")


def sendable(value: Any) -> Any:
    """The same with nothing in it that UTF-8 cannot carry, in containers of any depth: such characters are written
    out (``\\udcff``)."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode() if _LONE.search(value) else value
    if isinstance(value, dict):
        return {sendable(key): sendable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [sendable(inner) for inner in value]
    return value


def read_arguments(text: str) -> tuple[dict[str, Any], str]:
    """The arguments of a call, and what is wrong with them, in one sentence; empty where nothing is.

    Stricter than Python's own reading, as what one reader takes another may not: no name twice, no ``NaN``, no half
    of a character.
    """
    if not text.strip():
        return {}, ""
    try:
        value = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)
    except json.JSONDecodeError as error:
        return {}, f"the arguments are not JSON: {_place(text, error.pos)}: {error.msg}"
    except _Wrong as wrong:
        return {}, str(wrong) if wrong.token is None else f"{_place(text, _find(text, wrong.token))}: {wrong}"
    except RecursionError:
        return {}, _TOO_DEEP
    except ValueError:  # a number of more digits than Python reads
        return {}, "a number in the arguments is too long"
    if not isinstance(value, dict):
        return {}, f"the arguments must be a JSON object, not {_KINDS.get(type(value), 'something else')}"
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        if broken := next((text for one in level for text in _texts(one) if _NO_BYTE.search(text)), None):
            return {}, f"half a character (a lone surrogate) stands in the arguments: {broken[:_SHOWN]!a}"
        level = [inner for one in level for inner in _inner(one)]
        if not level:
            return value, ""
    return {}, _TOO_DEEP


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


def whole_number(value: object) -> int:
    """A count as a server gives it; 0 where it gives none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


class _Wrong(ValueError):
    def __init__(self, said: str, token: str | None = None) -> None:
        super().__init__(said)
        self.token = token


_TOO_DEEP = f"the arguments are nested more than {_DEEPEST} levels deep"
_KINDS = {str: "text", list: "a list", int: "a number", float: "a number", bool: "true or false", type(None): "null"}


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Wrong(f"the arguments name {twice[:_SHOWN]!a} twice")
    return found


def _constant(token: str) -> Any:
    raise _Wrong(f"{token} is no JSON", token)


def _find(text: str, token: str) -> int:
    return next((found.start() for found in _SCALARS.finditer(text) if found[0] == token), 0)


def _place(text: str, at: int) -> str:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    rest = text[at : at + _SHOWN]
    return f"line {line}, column {column}, at {ascii(rest) if rest else 'the end'}"


def _inner(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    return value if isinstance(value, dict) else ()
