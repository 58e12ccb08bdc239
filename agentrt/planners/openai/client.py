"""The SDK's client: one for a turn, so that nothing is left open between turns, whatever loop they run in."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .server import Server

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_CONNECT = 30.0
"""Seconds; ``timeout`` is for a server that is there."""
_OF_OPENAI = ("OpenAI-Organization", "OpenAI-Project")


def make_client(server: Server, key: str, timeout: float, trust: ssl.SSLContext) -> AsyncOpenAI:
    """What the SDK takes from the environment is for OpenAI: its organization, its project and headers of the
    user's own are kept from any other server. Proxies count as everywhere, but not for this machine."""
    import httpx2
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Omit

    host = urlsplit(server.url).hostname or ""
    http = DefaultAsyncHttpxClient(
        # A redirect would take the conversation to a server that nobody named.
        follow_redirects=False,
        trust_env=not (host in ("localhost", "::1") or host.startswith("127.")),
        verify=trust,
    )
    kept = [] if server.own else [*_OF_OPENAI, *_names(os.environ.get("OPENAI_CUSTOM_HEADERS", ""))]
    headers: dict[str, str | Omit] = {name: Omit() for name in kept}
    return AsyncOpenAI(
        api_key=key,
        base_url=server.url,
        timeout=httpx2.Timeout(timeout, connect=min(timeout, _CONNECT)),
        max_retries=0,
        default_headers={**headers, "Authorization": f"Bearer {key}"},  # type: ignore[dict-item]  # it takes Omit, unsaid
        http_client=http,
    )


def _names(headers: str) -> list[str]:
    """Of the variable's ``Name: value`` lines, as the SDK reads them."""
    return [line.partition(":")[0].strip() for line in headers.split("\n") if ":" in line]
