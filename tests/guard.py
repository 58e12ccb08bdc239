"""Nothing beyond loopback: what reaches further, or asks for a name, is refused, and fails the test that did it.

An audit hook sees every connect, datagram and lookup of this process, whoever made it and by whatever import. It is
no more than that: child processes are out of its reach. Those of a sandbox run in a network namespace that is empty.
A name that a socket itself is told to connect to is looked up before the hook hears of it, so those methods are
wrapped as well.
"""

from __future__ import annotations

import errno
import functools
import ipaddress
import socket
import sys
from collections.abc import Callable
from typing import Any

ADDRESSED = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
INTERNET = (socket.AF_INET, socket.AF_INET6)
DISCARD = 9
"""The port of a route that is only asked for: connecting datagrams sends none, and egress learns its address so."""
# What a machine's own name leads to is no business of a test, so it is not among these.
OWN_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})

reached: list[str] = []
"""What was refused since this was emptied."""


class BeyondLoopback(OSError):
    """A test reached for the world outside."""


def watch() -> None:
    """From here on, until this process ends: no audit hook can be taken away."""
    sys.addaudithook(_hook)
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, _no_names(name))


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    if event in ADDRESSED:
        connection, address = arguments
        # Without an address the socket is connected, and was seen when it was.
        if connection.family not in INTERNET or not isinstance(address, tuple) or local(address[0]):
            return
        if event == "socket.connect" and connection.type == socket.SOCK_DGRAM and address[1] == DISCARD:
            return
        _refuse(event, f"{address[0]}:{address[1]}")
    elif event in LOOKUPS and not (local(arguments[0]) or literal(arguments[0])):
        _refuse(event, _text(arguments[0]))


def _no_names(method: str) -> Callable[..., Any]:
    plain = getattr(socket.socket, method)

    @functools.wraps(plain)
    def checked(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1] if arguments else None
        if self.family in INTERNET and isinstance(address, tuple) and not (local(address[0]) or literal(address[0])):
            _refuse(f"socket.{method}", f"{address[0]}:{address[1]}")
        return plain(self, *arguments)

    return checked


def _refuse(event: str, where: str) -> None:
    said = f"a test reached beyond loopback: {event} {where}"
    reached.append(said)
    raise BeyondLoopback(errno.ENETUNREACH, said)


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)


def literal(host: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that ``host`` is, with no need to ask anybody; None: it is a name."""
    try:
        return ipaddress.ip_address(_text(host).partition("%")[0])
    except ValueError:
        return None


def local(host: Any) -> bool:
    """Whether a host is this machine and nothing else. No host at all is."""
    if host is None or not _text(host):
        return True
    found = literal(host)
    if found is None:
        return _text(host).rstrip(".").lower() in OWN_NAMES
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or found.is_unspecified  # 0.0.0.0 leads to this machine as well
