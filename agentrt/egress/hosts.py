"""Names of hosts, in the one form they are compared in.

Whoever is asked twice (the policy, then the resolver, then the server) must understand the same host each time. So
what could be read in two ways is refused, never put right: numbers that some resolvers take for addresses (127.1,
0x7f.1, 2130706433), zone ids, and every character that is no letter, digit or hyphen.
"""

from __future__ import annotations

import ipaddress
import re

from .refused import malformed

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?")
_LONGEST = 253


def canonical(text: str) -> str:
    """Lower case, ASCII (IDNA), no dot at the end; an address as ``ipaddress`` writes it, IPv6 without brackets, an
    IPv4 address in IPv6's clothes as the IPv4 address. Raises ``Refused``.
    """
    if len(text) > _LONGEST:
        raise malformed("the host's name is too long")
    if ":" in text:
        return _ipv6(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    if not text.isascii():
        text = _idna(text)
    text = text.lower().removesuffix(".")
    labels = text.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise malformed(f"{text!r} is no name of a host")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError:
            raise malformed(f"{text!r} is neither a name nor an address in its usual form") from None
    return text


def split_authority(text: str, default_port: int | None) -> tuple[str, int]:
    """``host[:port]`` of a CONNECT, a URL or a Host header. Raises ``Refused``."""
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        raise malformed(f"{text!r} is no host, or no host and port")
    if found[2] is None and default_port is None:
        raise malformed(f"{text!r} lacks a port")
    port = int(found[2]) if found[2] is not None else default_port or 0
    if not 0 < port < 1 << 16:
        raise malformed(f"{text!r} has no port that could be")
    return canonical(found[1]), port


def joined(host: str, port: int, default_port: int | None = None) -> str:
    """As a URL has it."""
    host = f"[{host}]" if ":" in host else host
    return host if port == default_port else f"{host}:{port}"


def is_address(host: str) -> bool:
    """Of a canonical host."""
    return ":" in host or host.rpartition(".")[2].isdigit()


def _idna(text: str) -> str:
    import idna  # its tables take a while

    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except UnicodeError:
        raise malformed(f"{text!r} is no name of a host") from None


def _ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise malformed(f"{text!r} is no address") from None
    if address.scope_id is not None:
        raise malformed(f"{text!r} names an interface of one machine")
    return str(address.ipv4_mapped or address)
