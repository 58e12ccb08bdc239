"""Which addresses are everybody's, and which are this machine's or its network's own.

A sandbox must not reach, through us, what only we can: services of this machine, of the network it stands in, and
169.254.169.254, where clouds hand out keys.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NOT_GLOBAL = tuple(
    ipaddress.ip_network(network)
    # What older tables of ``ipaddress`` take for global.
    for network in ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "fec0::/10", "64:ff9b:1::/48",
                    "100::/64", "2001:db8::/32", "5f00::/16", "3fff::/20")
)  # fmt: skip
NEVER_BY_NAME = frozenset({"link-local", "multicast", "unspecified"})
"""Kinds that no name is ever meant to have, even where a private address is."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


def not_public(text: str) -> str | None:
    """What kind of address it is where it is not everybody's; None where it is. ``text`` as a resolver gives it."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "no address"
    for each in (address, *_inside(address)):
        if (kind := _kind(each)) is not None:
            return kind
    return "this machine" if _is_ours(address) else None


def _kind(address: Address) -> str | None:
    if address.is_loopback:
        return "this machine"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast:
        return "multicast"
    if address.is_unspecified:
        return "unspecified"
    if any(address in network for network in _NOT_GLOBAL if network.version == address.version):
        return "reserved"
    return None if (address.is_global and not address.is_reserved) or _carries_ipv4(address) else "private"


def _carries_ipv4(address: Address) -> bool:
    """Judged by what it carries; to ``ipaddress`` it is reserved as it stands."""
    return isinstance(address, ipaddress.IPv6Address) and (address in _NAT64 or address.ipv4_mapped is not None)


def _inside(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses it leads to on its way."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64 or address in _COMPATIBLE:
        yield ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


def _is_ours(address: Address) -> bool:
    """Who would talk to it is itself: it leads back to this machine, however public it looks. Nothing is sent."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as any_socket:
            any_socket.connect((str(address), 9))
            return ipaddress.ip_address(any_socket.getsockname()[0]) == address
    except OSError:
        return False
