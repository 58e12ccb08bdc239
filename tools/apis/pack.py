"""API packs: what a service can be asked for, and what takes each request back, in a file people can read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from agentrt.documents import Document, Written, nearest
from agentrt.records import Text
from agentrt.units import Seconds

from .oauth import OAuth, Scope, check_oauth

NAME = r"^[a-z][a-z0-9_]{0,63}$"
BASE = r"^https?://[^\s{}]+[^/]$"
SERVER = "server"
ANYWHERE = "{server}"
PARAMETER = r"^[a-z][A-Za-z0-9_]{0,63}$"
_REQUEST = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE) (/\S*)")
_IN_PATH = re.compile(r"\{([a-z][A-Za-z0-9_]*)\}")

Class = Literal["safe", "idempotent", "compensable", "holdable", "irreversible"]
"""safe: it only asks; idempotent: what its URL showed before takes it back; compensable: `undo` does; holdable: nothing
does, so that it waits in the outbox; irreversible: nothing does, and it does not wait."""


class Auth(Written):
    """How a request says who asks."""

    secret: str
    """The name of the secret."""
    header: str = "Authorization"
    value: str = "Bearer {secret}"
    """``{secret}`` is where the secret goes."""
    oauth: OAuth | None = None
    """How ``agentrt api login`` gets it."""


class Parameter(Written):
    """One thing an operation wants to know."""

    about: Text
    type: Literal["string", "integer", "number", "boolean", "array", "object"] = "string"
    place: Literal["path", "query", "body", "whole"] | None = None
    """whole: it is the body, and no part of it. Left out: the path where that names it, else the query of what only
    asks, and the body of all else."""
    required: bool = True
    nullable: bool = False
    """null is a value of it, which the service sets: it does not remove it, nor leave it as it is."""


class Look(Written):
    """A look that is no GET of a path."""

    request: Annotated[str, Field(pattern=r"^(GET|POST) /\S*$")]
    body: dict[str, Any] | None = None
    absent: list[int] = Field(default_factory=lambda: [404, 410])
    """Statuses by which the service says that there is nothing."""


class Undo(Written):
    """What takes an operation back. ``{name}`` is a parameter, ``{/id}`` a part of the answer (a JSON pointer),
    ``{before/x}`` a part of what ``look`` showed before."""

    request: Annotated[str, Field(pattern=_REQUEST.pattern)]
    body: dict[str, Any] | Literal["{before}"] | None = None
    """``{before}``: what ``look`` showed before, as it was."""
    look: str | Look | None = None
    """Where it shows whether the operation stands, a path or more; by default the path of the request."""
    verify: dict[str, Any] | None = None
    """By JSON pointers what ``look`` shows once it was taken back; by default what it showed before."""
    ignore: list[str] = Field(default_factory=list)
    """JSON pointers of what the service changes by itself."""
    window: Seconds | None = None
    """How long it can be taken back."""


class Operation(Written):
    """One request of a service."""

    about: Text
    request: Annotated[str, Field(pattern=f"^{_REQUEST.pattern}$")]
    class_: Annotated[Class, Field(alias="class")]
    parameters: dict[Annotated[str, Field(pattern=PARAMETER)], Parameter] = Field(default_factory=dict)
    form: Literal["json", "form"] = "json"
    """How the body is written."""
    scopes: list[Scope] = Field(default_factory=list)
    """What a token needs for it (OAuth 2), and for taking it back."""
    undo: Undo | None = None

    @property
    def method(self) -> str:
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.request.partition(" ")[2]

    def place(self, name: str) -> str:
        """Where a parameter goes."""
        given = self.parameters[name].place
        if given is not None:
            return given
        if name in (*_IN_PATH.findall(self.path), SERVER):
            return "path"
        return "query" if self.method in ("GET", "HEAD", "DELETE") else "body"


class Pack(Written):
    """A service."""

    name: Annotated[str, Field(pattern=NAME)]
    version: int
    """Of this file: a proof that an inverse works is of one version."""
    about: Text
    docs: str
    """Where the service describes what this file says."""
    base: Annotated[str, Field(pattern=rf"{BASE}|^\{{server\}}$")]
    """``{server}``: whoever asks says where it is, as the parameter ``server`` of each operation."""
    auth: Auth | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    success: dict[str, Any] = Field(default_factory=dict)
    """By JSON pointers, what every answer holds where it went well, if the status alone does not say."""
    proof: Seconds = 90 * 24 * 3600.0
    """How long it counts that a drill has shown an operation to be taken back."""
    operations: dict[Annotated[str, Field(pattern=NAME)], Operation]


def check_pack(pack: Pack, document: Document) -> None:
    """What its form alone does not say. Raises ``DocumentError``."""
    oauth = None if pack.auth is None else pack.auth.oauth
    if oauth is not None:
        check_oauth(oauth, document, ("auth", "oauth"))
    for name, operation in pack.operations.items():
        if (SERVER in operation.parameters) != (pack.base == ANYWHERE):
            wrong = f"`base: {pack.base}` has no place for it" if SERVER in operation.parameters else "is missing"
            raise document.error(f"the parameter `{SERVER}`: {wrong}", ("operations", name, "parameters"), key=True)
        if operation.scopes and oauth is None:
            hint = "say under `auth: {oauth: …}` where a token is to be had"
            raise document.error(
                "there is nobody to ask for scopes", ("operations", name, "scopes"), key=True, hint=hint
            )
        _check_operation(operation, document, ("operations", name))


def _check_operation(operation: Operation, document: Document, at: tuple[str | int, ...]) -> None:
    known = operation.parameters
    for named in _IN_PATH.findall(operation.path):
        if named not in known:
            raise document.error(f"no parameter is called `{named}`", (*at, "request"), hint=nearest(named, known))
    for name in known:
        if name != SERVER and operation.place(name) == "path" and name not in _IN_PATH.findall(operation.path):
            raise document.error(f"the path does not have `{{{name}}}`", (*at, "parameters", name), key=True)
    places = [operation.place(name) for name in known]
    if "whole" in places and ("body" in places or places.count("whole") > 1):
        raise document.error(
            "where a parameter is the whole body there is no other in it", (*at, "parameters"), key=True
        )
    asks = operation.method in ("GET", "HEAD")
    if asks != (operation.class_ == "safe"):
        what = "only asks: its class is `safe`" if asks else "does more than ask: its class is not `safe`"
        raise document.error(f"{operation.method} {what}", (*at, "class"))
    if operation.class_ == "compensable" and operation.undo is None:
        raise document.error("what is compensable needs `undo`", (*at, "class"))
    if operation.class_ != "compensable" and operation.undo is not None:
        raise document.error(f"what is {operation.class_} has no `undo`", (*at, "undo"), key=True)
    if operation.class_ == "idempotent" and operation.method not in ("PUT", "PATCH"):
        raise document.error("only PUT and PATCH are taken back by what was there before", (*at, "class"))
    if operation.undo is not None:
        _check_undo(operation, operation.undo, document, (*at, "undo"))


def _check_undo(operation: Operation, undo: Undo, document: Document, at: tuple[str | int, ...]) -> None:
    for key, text in (("request", undo.request), ("look", _look_path(undo))):
        for named in _IN_PATH.findall(text):
            if named not in ("location", "before") and named not in operation.parameters:
                hint = nearest(named, operation.parameters)
                raise document.error(f"no parameter is called `{named}`", (*at, key), hint=hint)
    for key, pointers in (("ignore", undo.ignore), ("verify", list(undo.verify or {}))):
        for pointer in pointers:
            if not pointer.startswith("/"):
                raise document.error(f"`{pointer}` is no JSON pointer: it begins with /", (*at, key))


def _look_path(undo: Undo) -> str:
    return undo.look.request if isinstance(undo.look, Look) else undo.look or ""


def filled(text: str, arguments: Mapping[str, object], write: Callable[[object], str]) -> str:
    """With the parameters that ``text`` names; what is of the answer stays."""
    return _IN_PATH.sub(lambda found: write(arguments[found[1]]) if found[1] in arguments else found[0], text)
