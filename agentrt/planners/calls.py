"""What a model calls: arguments from the text it wrote, and text as an API takes it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from agentrt.documents import describe

LONGEST = 4_000_000
"""Characters of one call's arguments: more is no action anybody means."""
_SHOWN = 40


def read_arguments(text: str) -> tuple[dict[str, Any], str]:
    """The arguments of a call, and an empty text; or none, and one sentence that says where they cannot be read."""
    if len(text) > LONGEST:
        return {}, f"the arguments are {len(text):,} characters long, and {LONGEST:,} is the most"
    try:
        found = json.loads(text or "{}", object_pairs_hook=_pairs, parse_constant=_constant)
    except json.JSONDecodeError as error:
        return {}, _broken(text, error)
    except _Unusable as error:
        return {}, str(error)
    except RecursionError:
        return {}, "the arguments are nested too deeply"
    except ValueError as error:  # a number of more digits than Python reads
        return {}, f"the arguments cannot be read: {error}"
    if not isinstance(found, dict):
        return {}, f"the arguments must be an object, not {describe(found)}"
    if (at := _lone(text, found)) is not None:
        return {}, f"the arguments hold {at}, a lone surrogate, which is no character"
    return found, ""


def sendable(value: Any) -> Any:
    """The same as JSON in UTF-8 can carry it: what is no character, or no number, is written out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode() if not value.isascii() else value
    if isinstance(value, dict):
        return {sendable(str(key)): sendable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [sendable(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def joined(pieces: Sequence[str]) -> str:
    """Pieces of a text, with a character that was cut in its middle whole again."""
    text = "".join(pieces)
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


class _Unusable(Exception):
    """JSON that says two things, or nothing."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Unusable(f"the arguments have {json.dumps(twice[:_SHOWN])} twice in one object")
    return found


def _constant(name: str) -> Any:
    raise _Unusable(f"the arguments have {name} in them, which is no JSON")


def _broken(text: str, error: json.JSONDecodeError) -> str:
    if error.pos >= len(text.rstrip()):
        came = "they end there"
    else:
        came = f"there stands {json.dumps(text[error.pos : error.pos + _SHOWN])}"
    return f"the arguments are no JSON at line {error.lineno}, column {error.colno}: {error.msg}, and {came}"


def _lone(text: str, value: Any) -> str | None:
    """The first lone surrogate in a value that was read from ``text``, as JSON writes it."""
    if "\\u" not in text and not any("\ud800" <= character <= "\udfff" for character in text):
        return None
    written = json.dumps(value, ensure_ascii=False)
    bad = next((character for character in written if "\ud800" <= character <= "\udfff"), None)
    return None if bad is None else json.dumps(bad).strip('"')
