"""Which hosts a command names, as far as that can be seen in its words. None stands for one that is not known."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

from .patterns import Words, address
from .remotes import remotes_of

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#\s\"'<>`]*)")
_PLACE = re.compile(r"(?:[^@/:]*@)?(\[[0-9a-fA-F:]+\]|[^/:@\[\]]+):(?!//)")
"""``user@host:path``."""
_COPYING = frozenset({"git", "ssh", "scp", "sftp", "rsync"})
_ASKING = frozenset(
    {
        *("curl", "wget", "http", "https", "ssh", "sftp", "scp", "ftp", "telnet", "nc", "ncat", "netcat"),
        *("ping", "ping6", "traceroute", "dig", "host", "nslookup"),
    }
)
"""Programs that take a host's mere name."""


def hosts_of(argv: Words) -> Iterator[str | None]:
    """All of a command. What only may be one (``curl x``) is among them."""
    program = (argv[0] or "").rpartition("/")[2] if argv else ""
    for word in argv[1:]:
        if word is None:
            yield None
            continue
        urls = _URL.findall(word)
        yield from map(_host, urls)
        if program in _COPYING and not urls and (found := _PLACE.match(word)):
            yield _host(found[1])
        elif program in _ASKING and not urls and not word.startswith("-"):
            yield _host(word.partition("/")[0])
    if program == "git" and any(remote is None or _is_name(remote) for remote in remotes_of(argv)):
        yield None  # where a remote leads is in the configuration


def _is_name(remote: str) -> bool:
    return not _URL.match(remote) and not _PLACE.match(remote) and not remote.startswith((".", "/"))


def _host(authority: str) -> str | None:
    """Of ``user@host:port``; None for what programs understand in different ways."""
    if set(authority) & set("\\%"):
        return None
    host = authority.rpartition("@")[2]
    bracketed = re.match(r"\[([^]]*)\]", host)
    host = (bracketed[1] if bracketed else host.partition(":")[0]).lower().rstrip(".")
    try:
        host = host if host.isascii() else host.encode("idna").decode()
        if re.fullmatch(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}", host):
            return socket.inet_ntoa(socket.inet_aton(host))  # 127.1 and 0x7f000001 are 127.0.0.1
    except (UnicodeError, OSError):
        return None
    return address(host) or host
