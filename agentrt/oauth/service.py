"""What is known of a service that gives tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from agentrt.records import Record, Request


class Offered(Record):
    """One operation of a service."""

    name: str
    request: Request
    """With what its parameters may make of the path."""
    scopes: tuple[str, ...] = ()


class Service(Record):
    """Of an API pack."""

    api: str
    secret: str
    """The name its token is kept by."""
    host: str
    """The one the token is sent to."""
    flow: Literal["device", "pkce"]
    endpoint: str
    """The URL at which a login begins: of the device flow, or the page of the service."""
    token: str
    """The URL at which tokens are given."""
    client: str
    """What the service knows agentrt by: text, or ``${NAME}`` of a secret."""
    client_secret: str = ""
    """Likewise; empty where the service wants none."""
    scopes: tuple[str, ...] = ()
    """Asked for in any case."""
    ask: Mapping[str, str] = Field(default_factory=dict)
    """What else the page is asked with."""
    redirect: str = ""
    """Where the page sends a person back to, if the service wants to know it beforehand: ``http://127.0.0.1:5000/``."""
    operations: tuple[Offered, ...] = ()
