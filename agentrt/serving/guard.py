"""Who is let in: those with the token, by a page of ours, under a name of this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hmac import compare_digest
from secrets import token_urlsafe

_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
"""Any port: a tunnel has another one at its other end."""


@dataclass(frozen=True)
class Guard:
    """Of one server."""

    token: str = field(default_factory=lambda: token_urlsafe(32), repr=False)
    """In the address that is printed; it is exchanged for the cookie."""
    cookie: str = field(default_factory=lambda: token_urlsafe(32), repr=False)
    place: str = field(default_factory=lambda: token_urlsafe(12))
    """All pages lie below it, and the cookie is sent to nothing else: browsers take all ports of a machine for one
    site, and send a cookie for ``/`` to whatever listens on another."""

    @property
    def name(self) -> str:
        """Of the cookie."""
        return f"agentrt-{self.place}"

    def knows(self, token: str) -> bool:
        return compare_digest(token.encode("utf-8", "replace"), self.token.encode())

    def lets_in(self, cookie: str) -> bool:
        return compare_digest(cookie.encode("utf-8", "replace"), self.cookie.encode())


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine. Others' names can be made to lead here, with their pages' rights."""
    return _LOOPBACK.fullmatch(host) is not None


def is_ours(origin: str, host: str) -> bool:
    """Whether a page of this server opens the connection: browsers let every page open WebSockets to anywhere."""
    return origin in (f"http://{host}", f"https://{host}")
