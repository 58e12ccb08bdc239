"""From an operation of a pack and its arguments to a request, and to what takes that back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from agentrt.contracts import Call, Inverse
from agentrt.documents import describe, nearest
from agentrt.errors import UsageError

from ..requests.inverse import pointed
from .pack import ANYWHERE, BASE, SERVER, Look, Operation, Pack, Undo, filled

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}


def call_of(pack: Pack, operation: Operation, arguments: Mapping[str, Any]) -> Call:
    """Raises ``UsageError`` for an argument that is wrong, missing or not known."""
    _check(operation, arguments)
    places: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "body": {}, "whole": {}}
    for name, value in arguments.items():
        places[operation.place(name)][name] = value
    url = base_of(pack, arguments) + filled(operation.path, places["path"], _in_path)
    if places["query"]:
        url += "?" + urlencode({name: _text(value) for name, value in places["query"].items()})
    body = next(iter(places["whole"].values()), places["body"])
    waits = f"{pack.name} cannot take it back" if operation.class_ == "holdable" else ""
    written = _written(operation, headers_of(pack), body)
    nullable = tuple(name for name, parameter in operation.parameters.items() if parameter.nullable)
    return Call(operation.method, url, *written, pack.success, waits, headers_only=True, nullable=nullable)


def base_of(pack: Pack, arguments: Mapping[str, Any]) -> str:
    """Raises ``UsageError`` for a server that is none."""
    if pack.base != ANYWHERE:
        return pack.base
    server = str(arguments[SERVER]).rstrip("/")
    if not re.match(BASE, server):
        raise UsageError(f"`{SERVER}` is the beginning of URLs, such as https://example.com/api, not {server}")
    return server


def headers_of(pack: Pack) -> dict[str, str]:
    """Of every request, who asks among them."""
    headers = {name.lower(): value for name, value in pack.headers.items()}
    if pack.auth is not None:
        headers[pack.auth.header.lower()] = pack.auth.value.replace("{secret}", f"${{{pack.auth.secret}}}")
    return headers


def inverse_of(pack: Pack, undo: Undo, arguments: Mapping[str, Any]) -> Inverse:
    """With the arguments in it; what is of the answer is bound when that is there."""
    method, _, path = undo.request.partition(" ")
    base = base_of(pack, arguments)
    look = Look(request=f"GET {undo.look}") if isinstance(undo.look, str) else undo.look
    return Inverse(
        method=method,
        url=base + filled(path, arguments, _in_path),
        look=None if look is None else base + filled(look.request.partition(" ")[2], arguments, _in_path),
        look_body=None if look is None else _body(look.body, arguments),
        absent=NOT_THERE if look is None else tuple(look.absent),
        body=_body(undo.body, arguments) or b"",
        ignore=tuple(undo.ignore),
        verify=undo.verify,
        is_known=True,
        window=undo.window,
    )


NOT_THERE = (404, 410)


def part(body: bytes, pointer: str, whose: str) -> object:
    """Of an answer. Raises ``UsageError`` where it is not there."""
    try:
        return pointed(json.loads(body), pointer, f"answer of {whose}")
    except ValueError as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"the answer of {whose} is no JSON") from None


def _body(body: Mapping[str, Any] | str | None, arguments: Mapping[str, Any]) -> bytes | None:
    """As JSON, where texts that are `{name}` and nothing else are arguments."""
    if isinstance(body, str):
        return body.encode()
    return None if body is None else json.dumps(_with(body, arguments)).encode()


def _with(value: Any, arguments: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _with(each, arguments) for name, each in value.items()}
    if isinstance(value, list):
        return [_with(each, arguments) for each in value]
    if isinstance(value, str) and value.startswith("{") and value[1:-1] in arguments:
        return arguments[value[1:-1]]
    return value


def _check(operation: Operation, arguments: Mapping[str, Any]) -> None:
    known = operation.parameters
    for name, value in arguments.items():
        if name not in known:
            raise UsageError(f"there is no argument `{name}`", hint=nearest(name, known))
        if value is None and known[name].nullable:
            continue
        wanted = known[name].type
        if not isinstance(value, _TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean"):
            raise UsageError(f"`{name}` is of type {wanted}, not {describe(value)}")
    for name, parameter in known.items():
        if parameter.required and name not in arguments:
            raise UsageError(f"`{name}` is missing: {parameter.about}")


def _written(operation: Operation, headers: dict[str, str], body: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    if not body:
        return headers, b""
    if operation.form == "form":
        fields = urlencode({name: _text(value) for name, value in body.items()})
        return {**headers, "content-type": "application/x-www-form-urlencoded"}, fields.encode()
    return {**headers, "content-type": "application/json"}, json.dumps(dict(body)).encode()


def _in_path(value: object) -> str:
    return quote(_text(value), safe="")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)
