"""What a URL showed: enough to put it there again, and to see whether it is still the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from agentrt.contracts import Answer, Call, Line, Takes
from agentrt.errors import ResourceError, Unanswered
from agentrt.records import Record

MOST = 1 << 20
"""Bytes of what is kept to be put back."""
NOT_THERE = (404, 410)
_OF_ITS_BODY = ("content-type", "content-length", "content-encoding", "idempotency-key", "prefer")
_SHOWN = 200


class Image(Record):
    """Of one URL, at one moment."""

    there: bool
    body: str = ""
    """A character a byte."""
    type: str = ""
    etag: str = ""

    @property
    def content(self) -> bytes:
        return self.body.encode("latin-1")

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest() if self.there else "absent"

    @property
    def value(self) -> object:
        """What it says, where that is JSON; else None."""
        if not self.there:
            return None
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    @property
    def members(self) -> dict[str, Any] | None:
        """Of a JSON object."""
        value = self.value
        return value if isinstance(value, dict) else None

    def with_members(self, names: Collection[str], of: Image) -> Image:
        """With these members as another image has them, or has them not."""
        theirs = of.members or {}
        whole = {name: value for name, value in (self.members or {}).items() if name not in names}
        whole |= {name: theirs[name] for name in names if name in theirs}
        return self.model_copy(update={"body": json.dumps(whole), "etag": ""})

    @property
    def text(self) -> str:
        """For people."""
        if not self.there:
            return "not there"
        text = self.content.decode(errors="replace")
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


ABSENT = Image(there=False)


class Looking(NamedTuple):
    """How to see what is there."""

    url: str
    headers: Mapping[str, str]
    """Of the call it is about."""
    body: bytes | None = None
    """None: it is asked by GET."""
    absent: tuple[int, ...] = NOT_THERE
    headers_only: bool = False


def image_of(answer: Answer, absent: Collection[int]) -> Image | None:
    """None where it does not say what is there."""
    if answer.status in absent:
        return ABSENT
    if answer.status != 200 or len(answer.body) > MOST:
        return None
    headers = answer.headers
    return Image(
        there=True,
        body=answer.body.decode("latin-1"),
        type=headers.get("content-type", ""),
        etag=headers.get("etag", ""),
    )


async def look(line: Line, at: Looking) -> Image | None:
    """What is there now; None where that cannot be seen. Raises ``ResourceError`` where it may not be asked for."""
    headers = asking(at.headers)
    if at.body is None:
        call, takes = Call("GET", at.url, headers, headers_only=at.headers_only), None
    else:
        headers["content-type"] = "application/json"
        call = Call("POST", at.url, headers, at.body, headers_only=at.headers_only)
        takes = Takes("", "", "reversible")  # as its pack says: it only asks
    try:
        return image_of((await line.ask(call, about=takes, released="time")).answer, at.absent)
    except Unanswered as error:
        raise ResourceError(f"{at.url} could not be looked at: {error}") from error


def asking(headers: Mapping[str, str]) -> dict[str, str]:
    """Of a call's headers those that a look at the same thing has."""
    return {name: value for name, value in headers.items() if name not in _OF_ITS_BODY and not name.startswith("if-")}


def differing(one: Image, other: Image, ignored: Collection[str] = ()) -> list[str]:
    """In what two images differ, as JSON pointers as far as they are JSON; ``ignored`` are such pointers."""
    if one.there != other.there:
        return ["whether it is there"]
    if not one.there or one.content == other.content:
        return [] if one.type == other.type else ["its content-type"]
    ours, theirs = one.value, other.value
    if ours is None or theirs is None:
        return ["its content"]
    return [pointer for pointer in _differing(ours, theirs, "") if pointer not in ignored]


def at(value: object, pointer: str) -> object:
    """What a JSON pointer leads to (RFC 6901); None where that is nothing."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def name_at(pointer: str) -> str:
    """The member of the whole that a pointer leads into."""
    return pointer.split("/")[1].replace("~1", "/").replace("~0", "~") if pointer.startswith("/") else ""


def _differing(one: Any, other: Any, at: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            pointer = f"{at}/{key.replace('~', '~0').replace('/', '~1')}"
            if key not in one or key not in other:
                yield pointer
            else:
                yield from _differing(one[key], other[key], pointer)
    elif one != other or type(one) is not type(other):
        yield at or "its content"
