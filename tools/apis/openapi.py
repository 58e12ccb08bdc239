"""From an OpenAPI document to a draft of a pack: what it says of inverses is taken, what it does not is proposed, and
marked as such."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agentrt.documents import Document, load_yaml
from agentrt.records import dump_json

_METHODS = ("get", "put", "post", "patch", "delete", "head")
_TYPES = ("string", "integer", "number", "boolean", "array", "object")
_CONFIRM = "# to be confirmed: "


@dataclass
class _Drafted:
    """An operation of the draft."""

    name: str
    method: str
    path: str
    about: str
    class_: str
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    undo: dict[str, Any] | None = None
    confirm: str = ""
    """What nobody but its author knows."""


def draft(file: Path) -> str:
    """The text of a pack. Raises ``DocumentError`` for what is no OpenAPI 3 document."""
    document = load_yaml(file)  # JSON is YAML
    if not str(document.data.get("openapi", "")).startswith("3."):
        raise document.error("this is no OpenAPI 3 document: `openapi: 3.…` is not there", hint="convert it first")
    return "\n".join(_Draft(document).lines()) + "\n"


class _Draft:
    def __init__(self, document: Document) -> None:
        self._document, self._data = document, document.data
        self._paths: Mapping[str, Any] = self._data.get("paths") or {}

    def lines(self) -> Iterator[str]:
        info = self._data.get("info") or {}
        title = str(info.get("title") or "api")
        yield f"# Drafted from {Path(self._document.file).name}. What says `to be confirmed` is a guess: look at it,"
        yield "# and take the mark away. `agentrt api check FILE` says what is wrong with the rest."
        yield f"name: {_name(title)}"
        yield "version: 1"
        yield f"about: {dump_json(title)}"
        yield f"docs: {dump_json(str((self._data.get('externalDocs') or {}).get('url') or ''))}"
        yield f"base: {dump_json(self._base())}"
        yield from self._auth(_name(title))
        yield ""
        yield "operations:"
        for operation in self._operations():
            yield from _written(operation)

    def _base(self) -> str:
        servers = self._data.get("servers") or [{}]
        url = str(servers[0].get("url") or "")
        return url.rstrip("/") if urlsplit(url).scheme else "https://api.example.com"

    def _auth(self, name: str) -> Iterator[str]:
        schemes = ((self._data.get("components") or {}).get("securitySchemes") or {}).values()
        secret = f"{name.upper()}_TOKEN"
        for scheme in schemes:
            if scheme.get("type") == "apiKey" and scheme.get("in") == "header":
                yield f'auth: {{secret: {secret}, header: {dump_json(scheme["name"])}, value: "{{secret}}"}}'
                return
            if scheme.get("type") in ("http", "oauth2", "openIdConnect"):
                yield f"auth: {{secret: {secret}}}"
                return

    def _operations(self) -> Iterator[_Drafted]:
        for path, item in self._paths.items():
            for method in _METHODS:
                if isinstance(found := item.get(method), Mapping):
                    yield self._one(path, method, item, found)

    def _one(self, path: str, method: str, item: Mapping[str, Any], found: Mapping[str, Any]) -> _Drafted:
        name = _name(str(found.get("operationId") or f"{method} {path}"))
        about = str(found.get("summary") or found.get("description") or name.replace("_", " ")).splitlines()[0]
        operation = _Drafted(name, method.upper(), path, about, "irreversible")
        given = [*item.get("parameters", ()), *found.get("parameters", ())]
        operation.parameters = dict(self._parameters(given, found))
        if method in ("get", "head"):
            operation.class_ = "safe"
        elif undo := self._said(found):
            operation.class_, operation.undo = "compensable", undo
        elif method in ("put", "patch") and "get" in item:
            operation.class_ = "idempotent"
            operation.confirm = f"GET {path} shows all that {method.upper()} changes"
        elif method == "post" and (undo := self._guessed(path)):
            operation.class_, operation.undo = "compensable", undo
            operation.confirm = "the answer has the id, and DELETE takes all of it back"
        else:
            operation.confirm = "nothing says what takes it back; `holdable` would make it wait for a person"
        return operation

    def _parameters(self, given: list[Any], operation: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for one in map(self._resolved, given):
            if one.get("in") in ("path", "query"):
                needed = bool(one.get("required"))
                yield str(one["name"]), _parameter(one, self._resolved(one.get("schema") or {}), needed, one["in"])
        content = self._resolved(operation.get("requestBody") or {}).get("content") or {}
        schema = self._resolved((content.get("application/json") or {}).get("schema") or {})
        for name, about in (schema.get("properties") or {}).items():
            about = self._resolved(about)
            yield str(name), _parameter(about, about, name in schema.get("required", ()), "body")

    def _said(self, operation: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the document itself says takes it back: `x-undo`, or a link to a DELETE."""
        if isinstance(said := operation.get("x-undo"), Mapping):
            return dict(said)
        for answer in (operation.get("responses") or {}).values():
            for link in (self._resolved(answer).get("links") or {}).values():
                if undo := self._linked(self._resolved(link)):
                    return undo
        return None

    def _linked(self, link: Mapping[str, Any]) -> dict[str, Any] | None:
        for path, item in self._paths.items():
            if (item.get("delete") or {}).get("operationId") == link.get("operationId") is not None:
                for name, value in (link.get("parameters") or {}).items():
                    path = path.replace(f"{{{name}}}", f"{{{str(value).removeprefix('$response.body#')}}}")
                return {"request": f"DELETE {path}"}
        return None

    def _guessed(self, path: str) -> dict[str, Any] | None:
        """Of what is made in a collection: the item below it, where it can be read and deleted."""
        below = re.compile(re.escape(path.rstrip("/")) + r"/\{(\w+)\}")
        for other, item in self._paths.items():
            if (found := below.fullmatch(other)) and {"get", "delete"} <= item.keys():
                return {"request": f"DELETE {other.replace('{' + found[1] + '}', '{/id}')}"}
        return None

    def _resolved(self, value: Any) -> Mapping[str, Any]:
        """Without `$ref`, as far as it is of this document."""
        for _ in range(20):
            if not isinstance(value, Mapping):
                return {}
            reference = value.get("$ref")
            if not isinstance(reference, str) or not reference.startswith("#/"):
                return value
            value = self._data
            for part in reference[2:].split("/"):
                value = value.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(value, Mapping) else {}
        return {}


def _parameter(one: Mapping[str, Any], schema: Mapping[str, Any], required: bool, place: str) -> dict[str, Any]:
    about = str(one.get("description") or one.get("name") or "").strip().splitlines()
    found: dict[str, Any] = {"about": about[0] if about else "", "place": place}
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    kind = next((one for one in kinds if one != "null"), None)
    if kind in _TYPES and kind != "string":
        found["type"] = kind
    if place == "body" and ("null" in kinds or schema.get("nullable") is True):  # as 3.1 writes it, and 3.0
        found["nullable"] = True
    if not required:
        found["required"] = False
    return found


def _written(operation: _Drafted) -> Iterator[str]:
    yield f"  {operation.name}:"
    yield f"    about: {dump_json(operation.about)}"
    yield f"    request: {dump_json(f'{operation.method} {operation.path}')}"
    if operation.confirm:
        yield f"    {_CONFIRM}{operation.confirm}"
    yield f"    class: {operation.class_}"
    if operation.parameters:
        yield "    parameters:"
        yield from (f"      {name}: {dump_json(about)}" for name, about in operation.parameters.items())
    if operation.undo is not None:
        yield "    undo:"
        yield from (f"      {key}: {dump_json(value)}" for key, value in operation.undo.items())


def _name(text: str) -> str:
    """``listPets`` and ``List Pets`` are ``list_pets``."""
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    words = re.sub(r"[^a-z0-9]+", "_", apart.lower()).strip("_")
    return (words if words[:1].isalpha() else f"api_{words}")[:64]
