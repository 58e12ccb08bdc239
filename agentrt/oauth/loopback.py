"""A person says yes on a page of the service, which sends them back to this machine (RFC 8252, with PKCE: RFC 7636)."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

from agentrt.errors import Denied, UsageError

from .endpoint import Declined, Endpoint, Failed, told
from .service import Service

SECONDS = 300.0
"""For a person to say yes."""
_MOST = 16_384
"""Bytes of a request's head."""
_PATIENCE = 10.0
"""Seconds for one that knocks to say something: browsers open connections they may not use."""
_PAGE = "<!doctype html><meta charset=utf-8><title>agentrt</title><p>{}"


async def by_page(
    service: Service, endpoint: Endpoint, scope: str, tell: Callable[[str], None], show: Callable[[str], object]
) -> Mapping[str, Any]:
    """The tokens; ``show`` opens the page where that can be. Raises ``UsageError``, ``Denied``."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    listener = _listener(service.redirect)
    redirect = service.redirect or f"http://127.0.0.1:{listener.getsockname()[1]}/callback"
    answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(_asking(urlsplit(redirect).path, answered), sock=listener, limit=_MOST)
    try:
        page = endpoint.page(
            service.endpoint, state=state, verifier=verifier, redirect=redirect, scope=scope, more=service.ask
        )
        tell(f"open {page}")
        show(page)
        query = await asyncio.wait_for(answered, SECONDS)
    except TimeoutError:
        raise UsageError(
            f"nobody said yes within {SECONDS:g} seconds", hint=f"agentrt api login {service.api}"
        ) from None
    finally:
        server.close()
    code = _code_of(service, query, state)
    try:
        return await asyncio.to_thread(endpoint.code, code, verifier=verifier, redirect=redirect)
    except (Declined, Failed) as error:
        raise told(error, f"{service.token} gave no token", service.api) from None


def _code_of(service: Service, query: str, state: str) -> str:
    """Raises ``UsageError``, ``Denied``."""
    found = parse_qs(query, keep_blank_values=True)
    if any(len(values) > 1 for values in found.values()):
        raise _not_ours(service)
    given = found.get("state", [""])[0]
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), state.encode()):
        raise _not_ours(service)
    if "error" in found:
        if found["error"] == ["access_denied"]:
            raise Denied(f"{service.api}: the login was declined", hint="nothing was kept")
        raise UsageError(f"{service.api} let nobody log in", hint="look whether it knows this client and these scopes")
    code = found.get("code", [""])[0]
    if not code:
        raise _not_ours(service)
    return code


def _not_ours(service: Service) -> UsageError:
    return UsageError(
        "what came back is no answer to this login: its state is another, and nothing was kept",
        hint=f"somebody may have sent you a link of theirs; begin again: agentrt api login {service.api}",
    )


def _listener(redirect: str) -> socket.socket:
    """On 127.0.0.1, whoever else listens elsewhere. Raises ``UsageError``."""
    port = urlsplit(redirect).port or 0 if redirect else 0
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(16)
    except OSError as error:
        listener.close()
        raise UsageError(f"127.0.0.1:{port} cannot be listened on: {error.strerror}", hint="end who does") from None
    listener.setblocking(False)
    return listener


def _asking(path: str, answered: asyncio.Future[str]) -> Callable[..., Any]:
    """The first request for ``path`` is the answer, whatever it says; all else is not there."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE)
            method, target, *_ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            asked = urlsplit(target)
            if method == "GET" and asked.path == path and not answered.done():
                answered.set_result(asked.query)
                await _say(writer, "200 OK", "agentrt has heard it; the terminal says what came of it.")
            else:
                await _say(writer, "404 Not Found", "There is nothing here.")
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # who speaks no HTTP, or hangs up, is not answered
        finally:
            with suppress(OSError):
                writer.close()

    return serve


async def _say(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = _PAGE.format(text).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
