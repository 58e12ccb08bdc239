"""What a pack says of how its service gives tokens (OAuth 2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from agentrt.documents import Document, Written
from agentrt.errors import UsageError
from agentrt.oauth import Offered, Service
from agentrt.records import Request

if TYPE_CHECKING:
    from .pack import Operation, Pack

ANY = "\ufffc"
"""Stands for an argument in the path of an operation."""
_HOLE = re.compile(r"\{[^{}]*\}")
_HERE = ("127.0.0.1", "localhost", "::1")
_CLIENT = re.compile(r"[^\s${}]+|\$\{[A-Z][A-Z0-9_]*\}")
_SECRET = re.compile(r"\$\{[A-Z][A-Z0-9_]*\}")
_OURS = ("client_id", "code_challenge", "code_challenge_method", "redirect_uri", "response_type", "scope", "state")
_SCOPE = re.compile(r"[!#-\[\]-~]+")


def _scope(value: str) -> str:
    if not _SCOPE.fullmatch(value):
        raise ValueError("a scope has no blanks, quotes or backslashes: one each item")
    return value


Scope = Annotated[str, AfterValidator(_scope)]


class OAuth(Written):
    """By which endpoints ``agentrt api login`` gets a token."""

    flow: Literal["device", "pkce"] | None = None
    """Left out: device, where there is such an endpoint."""
    device: str | None = None
    """The URL of the device endpoint (RFC 8628)."""
    authorize: str | None = None
    """The URL of the page on which a person says yes (RFC 6749, with PKCE: RFC 7636)."""
    token: str
    """The URL of the token endpoint."""
    client: str
    """What the service knows agentrt by: text, or ``${NAME}`` of a secret."""
    client_secret: str | None = None
    """``${NAME}`` of a secret, where the service wants one."""
    scopes: list[Scope] = Field(default_factory=list)
    """Asked for in any case."""
    ask: dict[str, str] = Field(default_factory=dict)
    """What else the page is asked with."""
    redirect: str | None = None
    """``http://127.0.0.1:PORT/PATH``, where the service wants to know it beforehand. Left out: any port."""

    @property
    def chosen(self) -> Literal["device", "pkce"]:
        return self.flow or ("device" if self.device is not None else "pkce")

    @property
    def endpoint(self) -> str | None:
        """Where a login begins."""
        return self.device if self.chosen == "device" else self.authorize


def check_oauth(oauth: OAuth, document: Document, at: tuple[str | int, ...]) -> None:
    """What its form alone does not say. Raises ``DocumentError``."""
    for key in ("device", "authorize", "token"):
        url = getattr(oauth, key)
        if url is not None and (wrong := _wrong_url(url)):
            raise document.error(wrong, (*at, key))
    if oauth.endpoint is None:
        key, where = ("device", "the device endpoint") if oauth.chosen == "device" else ("authorize", "the page")
        raise document.error(f"the flow {oauth.chosen} needs `{key}`, the URL of {where}", at, key=True)
    if not _CLIENT.fullmatch(oauth.client):
        raise document.error("`client` is an id without blanks, or ${NAME} of a secret", (*at, "client"))
    if oauth.client_secret is not None and not _SECRET.fullmatch(oauth.client_secret):
        hint = "agentrt secrets set NAME --host HOST"
        raise document.error(
            "`client_secret` is ${NAME} of a secret, never the text", (*at, "client_secret"), hint=hint
        )
    for name in oauth.ask:
        if name in _OURS:
            raise document.error(f"`{name}` is what agentrt itself says", (*at, "ask", name), key=True)
    if oauth.redirect is not None and not _is_here(oauth.redirect):
        raise document.error("`redirect` is http://127.0.0.1:PORT/PATH", (*at, "redirect"))


def _wrong_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "this is no URL"
    if not parts.hostname or port == 0 or parts.username is not None or re.search(r"[\s{}]", url):
        return "this is no URL"
    if parts.query or parts.fragment:
        return "the URL of an endpoint has no `?` and no `#`"
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        return "an endpoint is asked by https"
    return ""


def _is_here(url: str) -> bool:
    return (
        re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d{0,4}/[\w./-]*", url) is not None
        and int(url.split(":")[2].split("/")[0]) < 65536
    )


def service_of(pack: Pack) -> Service:
    """Raises ``UsageError`` where the pack does not say how its service gives tokens."""
    auth = pack.auth
    if auth is None or auth.oauth is None or auth.oauth.endpoint is None:
        named = f"keep a token by hand: agentrt secrets set {auth.secret} --host …" if auth is not None else ""
        raise UsageError(f"the pack {pack.name} does not say how to log in (`auth.oauth`)", hint=named)
    oauth = auth.oauth
    host = urlsplit(pack.base).hostname
    assert host is not None and oauth.endpoint is not None
    return Service(
        api=pack.name,
        secret=auth.secret,
        host=host,
        flow=oauth.chosen,
        endpoint=oauth.endpoint,
        token=oauth.token,
        client=oauth.client,
        client_secret=oauth.client_secret or "",
        scopes=tuple(oauth.scopes),
        ask=oauth.ask,
        redirect=oauth.redirect or "",
        operations=tuple(_offered(pack, name, operation) for name, operation in pack.operations.items()),
    )


def _offered(pack: Pack, name: str, operation: Operation) -> Offered:
    request = Request.parse(f"{operation.method} {pack.base}{_HOLE.sub(ANY, operation.path)}")
    known = {"compensable": "compensable", "idempotent": "compensable"}
    update = {
        "any": ANY,
        "reversibility": known.get(operation.class_),
        "hold": "nothing takes it back" if operation.class_ == "holdable" else "",
    }
    return Offered(name=name, request=request.model_copy(update=update), scopes=tuple(operation.scopes))
