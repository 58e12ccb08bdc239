"""What is not shown to anyone: patterns of one's own, and some that are ready-made."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator

from agentrt.documents import Written, describe

_READY = {
    "email": r"\b[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b",
    "phone": r"(?<![\w.+-])(?:\+\d{1,3}|00[1-9]\d{0,2}|0)[ ./-]?\(?\d{2,4}\)?(?:[ ./-]?\d{2,5}){2,4}(?![\w-])",
    "iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
    "card": r"\b(?:3[47]\d{2}[ -]?\d{6}[ -]?\d{5}"
    r"|(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6(?:011|5\d{2}))(?:[ -]?\d{4}){3})\b",
}


def _name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise ValueError(f"expected a name in small letters, such as customer_id, not {describe(value)}")
    return value


def _pattern(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a regular expression, not {describe(value)}")
    try:
        found = re.compile(value)
    except re.error as error:
        raise ValueError(f"no regular expression: {error.msg}, at its character {(error.pos or 0) + 1}") from None
    if found.search(""):
        raise ValueError("a pattern that fits where nothing is would hide everything")
    return value


class Redact(Written):
    """A pattern, and what is called by it."""

    name: Annotated[str, PlainValidator(_name)]
    pattern: Annotated[str, PlainValidator(_pattern)]


def _ready(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value not in _READY:
        known = ", ".join(sorted(_READY))
        raise ValueError(f'no pattern is called "{value}": there is {known}, or `{{name: …, pattern: …}}`')
    return {"name": value, "pattern": _READY[value]}


Redacts = Annotated[tuple[Annotated[Redact, BeforeValidator(_ready)], ...], Field(strict=False, min_length=1)]
