"""From a service and some scopes to a token that is kept."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from agentrt.errors import UsageError
from agentrt.homes import state_home
from agentrt.records import Grant, Secret
from agentrt.secrets import Kept, store
from agentrt.secrets.places import alone

from .device import by_device
from .endpoint import Endpoint, granted
from .loopback import by_page
from .service import Service

_NAMED = re.compile(r"\$\{(\w+)\}")


async def login(
    service: Service, scopes: tuple[str, ...], *, tell: Callable[[str], None], show: Callable[[str], object]
) -> tuple[Kept, Secret]:
    """``tell`` a person what to do; ``show`` opens a page where that can be. Raises ``UsageError``, ``Denied``; then
    nothing was kept."""
    client, client_secret = (_known(service, text) for text in (service.client, service.client_secret))
    endpoint, scope = Endpoint(service.token, client, client_secret), " ".join(scopes)
    if service.flow == "device":
        answer = await by_device(service, endpoint, scope, tell)
    else:
        answer = await by_page(service, endpoint, scope, tell, show)
    grant = Grant(
        api=service.api,
        token=service.token,
        client=client,
        client_secret=client_secret,
        obtained=time.time(),
        scopes=scopes,
    )
    empty = Secret(name=service.secret, value="", hosts=(service.host,), grant=grant)
    found = granted(empty, answer)
    with alone(state_home() / "oauth" / service.secret):  # who renews the one before does not write over it
        return store.keep(found), found


def _known(service: Service, text: str) -> str:
    """Text, or the value of the secret it names. Raises ``UsageError``."""
    named = _NAMED.fullmatch(text)
    if named is None:
        return text
    host = urlsplit(service.token).hostname or ""
    if named[1] not in store.names():
        raise UsageError(
            f"{service.api} gives tokens to clients it knows, and {named[1]} is not kept here",
            hint=f"register one there, and keep what it is called: agentrt secrets set {named[1]} --host {host}",
        )
    (found,) = store.load([named[1]])
    if not any(host == each or (each.startswith("*.") and host.endswith(each[1:])) for each in found.hosts):
        raise UsageError(f"{named[1]} is not meant for {host}", hint=f"agentrt secrets set {named[1]} --host {host}")
    return found.value
