"""Values put in for their placeholders, written as the place wants them."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote, quote_plus

from agentrt.secrets.held import Held

from .refused import Refused

_BASIC = re.compile(rb"basic +([A-Za-z0-9+/=]+) *", re.IGNORECASE)

Headers = list[tuple[bytes, bytes]]


def value_of(held: Held) -> bytes:
    return held.secret.value.encode("utf-8", "surrogateescape")


def values_of(held: Held) -> list[bytes]:
    """All it had up to now, and what renews it."""
    return [value.encode("utf-8", "surrogateescape") for value in sorted(held.known)]


def is_for(held: Held, host: str) -> bool:
    """``host`` in its canonical form."""
    for pattern in held.secret.hosts:
        if host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:])):
            return True
    return False


class Outgoing(NamedTuple):
    """What is sent of a request, as far as a secret can be in it."""

    target: str
    headers: Headers
    body: bytes | None
    """None where it is passed on as it comes."""


def named_in(outgoing: Outgoing, held: Sequence[Held]) -> list[Held]:
    """Those whose placeholder is there, in a name and password as well."""
    pieces = [outgoing.target.encode(), outgoing.body or b""]
    for _, value in outgoing.headers:
        pieces += [value, _basic(value) or b""]
    return [each for each in held if any(each.placeholder.encode() in piece for piece in pieces)]


def put_in(outgoing: Outgoing, held: Sequence[Held]) -> Outgoing:
    """With the values for the placeholders, written as the place wants them. Raises ``Refused``."""
    target = outgoing.target
    for each in held:
        target = target.replace(each.placeholder, quote(value_of(each), safe=""))
    headers = [(name, _in_header(value, held)) for name, value in outgoing.headers]
    body = outgoing.body
    if body is not None:
        kind = next((value for name, value in headers if name.lower() == b"content-type"), b"")
        written = _writing(kind)
        for each in held:
            body = body.replace(each.placeholder.encode(), written(value_of(each)))
    return Outgoing(target, headers, body)


def _in_header(value: bytes, held: Sequence[Held]) -> bytes:
    plain = _basic(value)
    found = value if plain is None else plain
    for each in held:
        if each.placeholder.encode() in found:
            if plain is None and any(byte < 32 or byte == 127 for byte in value_of(each)):
                raise Refused(f"the secret {each.secret.name} has characters that no header can carry")
            found = found.replace(each.placeholder.encode(), value_of(each))
    return found if plain is None else b"Basic " + b64encode(found)


def _basic(value: bytes) -> bytes | None:
    """Name and password of a header that is ``Basic`` and base64."""
    found = _BASIC.fullmatch(value)
    try:
        return None if found is None else b64decode(found[1], validate=True)
    except ValueError:
        return None


def _writing(content_type: bytes) -> Callable[[bytes], bytes]:
    kind = content_type.partition(b";")[0].strip().lower()
    if kind == b"application/json" or kind.endswith(b"+json"):
        return lambda value: json.dumps(value.decode(errors="replace"))[1:-1].encode()
    if kind == b"application/x-www-form-urlencoded":
        return lambda value: quote_plus(value).encode()
    return lambda value: value
