"""From an operation of a pack and its arguments to a request, and to what takes that back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from agentrt.contracts import Call, Inverse
from agentrt.documents import describe, nearest
from agentrt.errors import UsageError

from .pack import Operation, Pack, Undo, filled

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
    places: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "body": {}}
    for name, value in arguments.items():
        places[operation.place(name)][name] = value
    url = pack.base + filled(operation.path, places["path"], _in_path)
    if places["query"]:
        url += "?" + urlencode({name: _text(value) for name, value in places["query"].items()})
    headers = {name.lower(): value for name, value in pack.headers.items()}
    if pack.auth is not None:
        headers[pack.auth.header.lower()] = pack.auth.value.replace("{secret}", f"${{{pack.auth.secret}}}")
    return Call(operation.method, url, *_written(operation, headers, places["body"]))


def inverse_of(pack: Pack, undo: Undo, arguments: Mapping[str, Any]) -> Inverse:
    """With the arguments in it; what is of the answer is bound when that is there."""
    method, _, path = undo.request.partition(" ")
    base = pack.base
    return Inverse(
        method=method,
        url=base + filled(path, arguments, _in_path),
        look=None if undo.look is None else base + filled(undo.look, arguments, _in_path),
        body=b"" if undo.body is None else json.dumps(undo.body).encode(),
        ignore=tuple(undo.ignore),
        verify=undo.verify,
        is_known=True,
    )


def _check(operation: Operation, arguments: Mapping[str, Any]) -> None:
    known = operation.parameters
    for name, value in arguments.items():
        if name not in known:
            raise UsageError(f"there is no argument `{name}`", hint=nearest(name, known))
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
