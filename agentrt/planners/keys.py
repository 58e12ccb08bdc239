"""The key of a vendor's API: where it is looked for, and how it is kept out of all that is said.

It is in this process and nowhere else: a sandbox gets no environment of ours, and what a server says of it is cut out.
"""

from __future__ import annotations

import functools
import os
import re
from typing import Any
from urllib.parse import urlsplit

from agentrt.errors import UsageError
from agentrt.records import Turn

_LEAST = 8
"""Characters of a key worth looking for: what is shorter is no secret (``none``, ``EMPTY``)."""


def find_key(name: str, *, url: str, needed: bool = True) -> str:
    """The key called ``name``, from the environment or else from agentrt's secrets, for the server at ``url``.

    Where it is not ``needed`` (a local server) and there is none, ``none``. Raises ``UsageError``.
    """
    if value := os.environ.get(name, "").strip():
        return _checked(name, value)
    from agentrt import secrets

    host = urlsplit(url).hostname or ""
    if name in secrets.names():
        (secret,) = secrets.load([name])
        if not _may_go(secret.hosts, host):
            raise UsageError(
                f"the secret {name} may go to {', '.join(secret.hosts)}, and not to {host}",
                hint=f"set it for that host as well: agentrt secrets set {name} --host {host} …",
            )
        return _checked(name, secret.value)
    if not needed:
        return "none"
    raise UsageError(
        f"there is no key for {host}: neither an environment variable nor a secret is called {name}",
        hint=f"export {name}=…, or keep it: agentrt secrets set {name} --host {host}",
    )


def _checked(name: str, value: str) -> str:
    """What goes into a header: nothing else is a key, and a library's error about it would quote it."""
    if not value.isascii() or not value.isprintable():
        raise UsageError(
            f"what {name} holds is no key: there are characters in it that no key has",
            hint=f"copy it again, without quotation marks or line breaks, and set {name} to that",
        )
    return value


def _may_go(hosts: tuple[str, ...], host: str) -> bool:
    below = (pattern.removeprefix("*") for pattern in hosts if pattern.startswith("*."))
    return host in hosts or any(host.endswith(suffix) for suffix in below)


def scrubbed(text: str, key: str) -> str:
    """Without the key, should a server have put it there, as it is or encoded (``secrets.forms``)."""
    if len(key) < _LEAST:
        return text
    return _forms(key).sub(b"[key]", text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


class Scrubber:
    """The same for a text that comes piece by piece: what may be the beginning of the key waits. One a text."""

    def __init__(self, key: str) -> None:
        from agentrt.secrets.redactor import Redactor

        self._redactor = Redactor([key.encode()] if len(key) >= _LEAST else [])

    def feed(self, text: str) -> str:
        """What can be shown by now."""
        return self._redactor.feed(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def end(self) -> str:
        """The rest."""
        return self._redactor.end().decode("utf-8", "surrogatepass")


@functools.lru_cache(maxsize=4)
def _forms(key: str) -> re.Pattern[bytes]:
    from agentrt.secrets import forms

    return re.compile(forms.pattern([key.encode()]), re.DOTALL)


def scrubbed_turn(turn: Turn, key: str) -> Turn:
    """The same of all that a turn holds."""
    return Turn.from_dict(_mapped(turn.to_dict(), key))


def _mapped(value: Any, key: str) -> Any:
    if isinstance(value, str):
        return scrubbed(value, key)
    if isinstance(value, dict):
        return {_mapped(name, key): _mapped(inner, key) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(inner, key) for inner in value]
    return value
