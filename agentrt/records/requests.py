"""What wants out of a sandbox, and the policy's word on it."""

from __future__ import annotations

import re
from typing import Literal, Self
from urllib.parse import unquote

from .base import Record, Text
from .effects import RequestEffect, Reversibility

Released = Literal["person", "time"]
"""Who let go what was held back: a person, or its time was over."""


class Request(Record):
    """A request as far as it can be seen before anything of it is sent."""

    method: Text
    """In capitals; CONNECT while TLS is closed."""
    scheme: Literal["http", "https"]
    host: Text
    """Lower case, ASCII (IDNA), no dot at the end; an address in its canonical form, IPv6 without brackets."""
    port: int
    path: Text | None = None
    """Without the query, decoded and with ``.`` and ``..`` resolved; None while TLS is closed."""
    reversibility: Reversibility | None = None
    """What it does out there, where agentrt itself sends it and keeps what takes it back."""
    proved: bool = False
    """A drill has shown that it is taken back."""
    released: Released | None = None
    """It was held back before."""
    hold: Text = ""
    """Why it is to wait, whatever the rules say; empty: only they do."""
    any: Text = ""
    """What stands for any text in ``path``, where it is asked what may go out at all; empty: nothing does."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """As effects, examples and people write it: ``GET https://host/path``, ``CONNECT host:443``.

        Raises ``ValueError``.
        """
        found = _WRITTEN.fullmatch(text)
        closed = found is not None and found["method"] == "CONNECT"
        if found is None or closed != (found["scheme"] is None) or (closed and (not found["port"] or found["path"])):
            raise ValueError("expected a request, such as GET https://example.com/path or CONNECT example.com:443")
        scheme: Literal["http", "https"] = "http" if found["scheme"] == "http" else "https"
        return cls(
            method=found["method"],
            scheme=scheme,
            host=(found["address"] or found["host"]).lower().rstrip("."),
            port=int(found["port"] or (80 if scheme == "http" else 443)),
            path=None if closed else _resolved(unquote(found["path"] or "/")),
        )


_WRITTEN = re.compile(
    r"(?P<method>[A-Z-]+) (?:(?P<scheme>https?)://)?(?:\[(?P<address>[0-9a-fA-F:.]+)\]|(?P<host>[\w.-]+))"
    r"(?::(?P<port>\d{1,5}))?(?P<path>/[^?#]*)?(?:[?#].*)?",
    re.DOTALL,
)


def _resolved(path: str) -> str:
    """Without ``.`` and ``..``, as servers see it (RFC 3986, 5.2.4)."""
    parts: list[str] = []
    *folders, last = path.split("/")[1:]
    for part in folders:
        if part == "..":
            del parts[-1:]
        elif part != ".":
            parts.append(part)
    if last == "..":
        del parts[-1:]
    return "/" + "/".join([*parts, "" if last in (".", "..") else last])


class Admission(Record):
    """Whether a request goes out."""

    verdict: Literal["allow", "inspect", "hold", "deny"]
    """inspect: TLS is to be opened, so that method and path can be judged; only an answer to CONNECT. hold: it waits
    until a person releases it."""
    rule: str
    because: Text = ""
    reversibility: Reversibility = "unknown"
    """Of what it does out there, if it is sent."""
    said: bool = False
    """By a rule, not by its method."""
    release: float | None = None
    """Of what is held: seconds after which it is sent all the same, unless somebody dropped it."""
    private: bool = False
    """The host is meant where it is: this machine, or a network that is not everybody's."""


class Redaction(Record):
    """Text that is not shown to anyone."""

    name: str
    """What stands there instead is called by it."""
    pattern: Text
    """A regular expression, as ``re`` has them."""


class Grant(Record):
    """By what a token is renewed (OAuth 2). Kept with the token, and sent to nobody but ``token``."""

    api: str
    """The API pack whose login gave it."""
    token: str
    """The URL of the token endpoint."""
    client: str
    client_secret: str = ""
    """Empty: the service wants none."""
    refresh: str = ""
    """Empty: the token cannot be renewed."""
    obtained: float
    """Seconds since the epoch."""
    expires: float | None = None
    """Likewise; None: nobody has said."""
    scopes: tuple[str, ...] = ()
    renewing: bool = False
    """It was about to be renewed; where that was cut off, ``refresh`` may be used up."""


class Secret(Record):
    """A value that processes inside never see."""

    name: str
    value: Text
    hosts: tuple[str, ...]
    """The only ones it is sent to: names, ``*.example.com`` for all below one."""
    grant: Grant | None = None
    """Where it is a token that agentrt was given by a service."""


class Going(Record):
    """A request as it is written down before the first byte of it goes."""

    effect: RequestEffect
    kept: str = ""
    """By which the resource that keeps what takes it back knows it again; empty: none does."""
    said: bool = False
    """A rule says what it does out there, and counts more than what takes it back."""
