"""What wants out of a sandbox, and the policy's word on it."""

from __future__ import annotations

from typing import Literal

from .base import Record, Text
from .effects import Reversibility


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


class Admission(Record):
    """Whether a request goes out."""

    verdict: Literal["allow", "inspect", "deny"]
    """inspect: TLS is to be opened, so that method and path can be judged; only an answer to CONNECT."""
    rule: str
    because: Text = ""
    reversibility: Reversibility = "unknown"
    """Of what it does out there, if it is sent."""
    private: bool = False
    """The host is meant where it is: this machine, or a network that is not everybody's."""


class Secret(Record):
    """A value that processes inside never see."""

    name: str
    value: Text
    hosts: tuple[str, ...]
    """The only ones it is sent to: names, ``*.example.com`` for all below one."""
