"""What both of OpenAI's protocols refuse: keys, and tools that are not well declared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vendors.refusal import Refusal, masked
from vendors.request import Request
from vendors.state import State

NAME = re.compile(r"[a-zA-Z0-9_-]+")
LONGEST_NAME = 64


def check_key(request: Request, state: State) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        said = "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth."
        raise Refusal(said, 401)
    if state.key is not None and key != state.key:
        shown = key if state.echo_key else masked(key)
        find = "You can find your API key at https://platform.openai.com/account/api-keys."
        raise Refusal(f"Incorrect API key provided: {shown}. {find}", 401, code="invalid_api_key")


def check_function(where: str, function: Mapping[str, Any]) -> None:
    """``function`` has the keys name, parameters, strict. Raises ``Refusal``."""
    if not function.get("name"):
        raise Refusal(
            f"Missing required parameter: '{where}.name'.", param=f"{where}.name", code="missing_required_parameter"
        )
    name = function["name"]
    if not NAME.fullmatch(name):
        expected = "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        said = f"Invalid '{where}.name': string does not match pattern. {expected}"
        raise Refusal(said, param=f"{where}.name", code="invalid_value")
    check_length(f"{where}.name", name)
    parameters = function.get("parameters")
    if parameters is None:
        return
    if parameters.get("type") != "object":
        said = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{parameters.get('type')}\"'."
        raise _bad_schema(where, name, said)
    if function.get("strict"):
        _check_strict(where, name, parameters, ())


def check_length(where: str, text: str, most: int = LONGEST_NAME) -> None:
    if len(text) > most:
        said = f"Invalid '{where}': string too long. Expected a string with maximum length {most}, "
        said += f"but got a string with length {len(text)} instead."
        raise Refusal(said, param=where, code="string_above_max_length")


def _check_strict(where: str, name: str, schema: Any, path: tuple[str, ...]) -> None:
    """Strict schemas close every object and require all of its properties."""
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties") or {}
        if schema.get("additionalProperties") is not False:
            said = f"In context={path}, 'additionalProperties' is required to be supplied and to be false."
            raise _bad_schema(where, name, said)
        if missing := [key for key in properties if key not in (schema.get("required") or [])]:
            said = "'required' is required to be supplied and to be an array including every key in properties."
            raise _bad_schema(where, name, f"In context={path}, {said} Missing '{missing[0]}'.")
        for key, inner in properties.items():
            _check_strict(where, name, inner, (*path, "properties", key))
    _check_strict(where, name, schema.get("items"), (*path, "items"))
    for kind in ("anyOf", "$defs"):
        inner = schema.get(kind) or []
        for key, one in inner.items() if isinstance(inner, dict) else enumerate(inner):
            _check_strict(where, name, one, (*path, kind, str(key)))


def _bad_schema(where: str, name: str, said: str) -> Refusal:
    said = f"Invalid schema for function '{name}': {said}"
    return Refusal(said, param=f"{where}.parameters", code="invalid_function_parameters")
