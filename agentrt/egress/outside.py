"""To the outside: a name is resolved once, each of its addresses is looked at, and one of them is connected to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from . import limits
from .addresses import NEVER_BY_NAME, not_public
from .hosts import is_address
from .refused import Refused, unreachable
from .streams import Connection
from .trust import outward

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host (canonical) as text, best first; none where it has none. Raises ``OSError``."""


@dataclass(frozen=True)
class Way:
    """Where a host was found to be."""

    host: str
    port: int
    addresses: tuple[str, ...]
    private: bool
    """None of them is everybody's."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """As this machine does."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def find(host: str, port: int, resolver: Resolver, *, private_is_meant: bool) -> Way:
    """Raises ``Refused``."""
    if is_address(host):
        addresses: Sequence[str] = [host]
    else:
        try:
            async with asyncio.timeout(limits.CONNECT_SECONDS):
                addresses = list(dict.fromkeys(await resolver(host, port)))
        except (OSError, UnicodeError) as error:
            raise unreachable(f"{host} cannot be found: {_said(error)}") from None
        if not addresses:
            raise unreachable(f"{host} cannot be found: it has no address")
    kinds = {address: not_public(address) for address in addresses}
    for address, kind in kinds.items():
        # A name that is meant to be private is still none of a cloud's own services; those are meant by address.
        is_meant = private_is_meant and (kind not in NEVER_BY_NAME or is_address(host))
        if kind is not None and not is_meant:
            at = "" if address == host else f" is at {address}, which"
            raise Refused(f"{host}{at} is no public address ({kind})")
    return Way(host, port, tuple(addresses), private=all(kinds.values()))


async def connect(way: Way, *, tls: bool) -> Connection:
    """To one of the addresses themselves, so that no second look-up can say something else. Raises ``Refused``."""
    failure: Exception | None = None
    for address in way.addresses:
        try:
            async with asyncio.timeout(limits.CONNECT_SECONDS):
                return Connection(
                    *await asyncio.open_connection(
                        address,
                        way.port,
                        limit=limits.CHUNK_BYTES,
                        ssl=outward() if tls else None,
                        server_hostname=way.host if tls else None,
                    )
                )
        except ssl.SSLCertVerificationError as error:
            raise unreachable(f"the certificate of {way.host} is not to be trusted: {error.verify_message}") from None
        except OSError as error:
            failure = failure or error
    raise unreachable(f"{way.host} cannot be reached: {_said(failure)}")


def _said(error: Exception | None) -> str:
    if isinstance(error, TimeoutError) and not error.args:
        return "it took too long"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).replace("\n", " ")
