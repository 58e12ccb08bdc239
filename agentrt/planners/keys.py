"""The key of a vendor's API: where it is looked for, and how it is kept out of all that is said.

It is in this process and nowhere else: a sandbox gets no environment of ours, and what a server says of it is cut out,
in whichever of the usual spellings (``agentrt.secrets.forms``).
"""

from __future__ import annotations

import functools
import ipaddress
import logging
import os
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from agentrt.errors import UsageError
from agentrt.records import Turn

NONE = "none"
"""Sent where a server needs no key."""
HOMES = {"OPENAI_API_KEY": "api.openai.com", "ANTHROPIC_API_KEY": "api.anthropic.com"}
"""Where the vendors' own keys go."""
_LEAST = 8
"""Characters of a key worth looking for: what is shorter is no secret (``none``, ``EMPTY``)."""


def find_key(name: str, *, url: str, needed: bool = True, by_task: bool = False) -> str:
    """The key called ``name``, from the environment or else from agentrt's secrets, for the server at ``url``.

    Where it is not ``needed`` (a local server) and there is none, ``none``. ``by_task``: a task says where it goes; if
    that is neither a vendor nor this machine it gets only what was kept for it, as somebody else may have written the
    task.
    Raises ``UsageError``.
    """
    host = urlsplit(url).hostname or ""
    from agentrt import secrets

    known = is_here(url) or any(is_home(url, home) for home in HOMES.values())
    value = os.environ.get(name, "").strip()
    if value and (known or not by_task):
        return _checked(name, value)
    if name in secrets.names():
        (secret,) = secrets.load([name])
        if not _may_go(secret.hosts, host):
            raise UsageError(
                f"the secret {name} may go to {', '.join(secret.hosts)}, and not to {host}",
                hint=f"set it for that host as well: agentrt secrets set {name} --host {host} …",
            )
        return _checked(name, secret.value.strip())
    if value:
        raise UsageError(
            f"the task would send {name}, of your environment, to {host}",
            hint=f"if that is meant, keep it for that host: agentrt secrets set {name} --host {host}",
        )
    if not needed:
        return NONE
    raise UsageError(
        f"there is no key for {host}: neither an environment variable nor a secret is called {name}",
        hint=f"export {name}=…, or keep it: agentrt secrets set {name} --host {host}",
    )


def is_home(url: str, home: str) -> bool:
    """Whether the server is the vendor's: of that name or below it, and nobody can read on the way there."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == home or host.endswith(f".{home}"))


def is_here(url: str) -> bool:
    """Whether the server is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def from_environment(name: str) -> str | None:
    """The URL of another server in a vendor's own variable. Raises ``UsageError``; what it holds is not shown."""
    url = os.environ.get(name, "").strip()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and not (parts.username or parts.password)
    except ValueError:
        good = False
    if good:
        return url
    raise UsageError(
        f"{name} holds no URL, or one with a key in it",
        hint="write it as in https://gateway.example.com, or name the server in the task: base_url",
    )


def _checked(name: str, value: str) -> str:
    """Raises ``UsageError`` for what no header can carry, before anybody quotes it in an error of their own."""
    if value.isascii() and value.isprintable() and " " not in value:
        return value
    raise UsageError(
        f"{name} holds a character that no key has: a space, a line break or one beyond ASCII",
        hint="copy it once more, in one piece",
    )


def _may_go(hosts: tuple[str, ...], host: str) -> bool:
    below = (pattern.removeprefix("*") for pattern in hosts if pattern.startswith("*."))
    return host in hosts or any(host.endswith(suffix) for suffix in below)


def scrubbed(text: str, key: str) -> str:
    """Without the key, should a server have put it there."""
    if len(key) < _LEAST:
        return text
    found = _search(key).sub(b"[key]", text.encode("utf-8", "surrogatepass"))
    return found.decode("utf-8", "surrogatepass")


def scrubbed_turn(turn: Turn, key: str) -> Turn:
    """The same of all that a turn holds. A native form that had it is gone: parts of one are signed."""
    clean = Turn.from_dict(_mapped(turn.to_dict(), key))
    return clean if clean.native == turn.native else clean.model_copy(update={"native": None})


def said_without(key: str, say: Callable[[str], None]) -> Callable[[str], None]:
    """``say`` for a text that comes in pieces: what may be the beginning of the key waits for what follows. An empty
    piece ends the text."""
    if len(key) < _LEAST:
        return lambda piece: say(piece) if piece else None
    from agentrt.secrets import Redactor

    redactor = Redactor([key.encode()])

    def hear(piece: str) -> None:
        sure = redactor.feed(piece.encode("utf-8", "surrogatepass")) if piece else redactor.end()
        if sure:
            say(sure.decode("utf-8", "surrogatepass"))

    return hear


def keep_out_of_logs(key: str, *libraries: str) -> None:
    """What these libraries log from now on is without the key, whatever level the user's environment sets."""
    if len(key) < _LEAST:
        return
    roots = {library.partition(".")[0] for library in libraries}
    known = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in roots]
    for name in {*libraries, *known}:
        logger = logging.getLogger(name)
        if not any(isinstance(one, _WithoutKey) and one.key == key for one in logger.filters):
            logger.addFilter(_WithoutKey(key))


class _WithoutKey(logging.Filter):
    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = scrubbed(record.getMessage(), self.key), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = scrubbed(record.exc_text, self.key)
        return True


@functools.lru_cache(maxsize=8)
def _search(key: str) -> re.Pattern[bytes]:
    from agentrt.secrets import forms

    return re.compile(forms.pattern([key.encode()]), re.DOTALL)


def _mapped(value: Any, key: str) -> Any:
    if isinstance(value, str):
        return scrubbed(value, key)
    if isinstance(value, dict):
        return {_mapped(name, key): _mapped(inner, key) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(inner, key) for inner in value]
    return value
