"""What pydantic found wrong with a document, as sentences for the person who wrote it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from .documents import Document, Loc, Mistake, describe, nearest


def mistakes_of(
    model: type[BaseModel], document: Document, error: ValidationError, *, hidden: Collection[str] = ()
) -> list[Mistake]:
    """One entry a mistake, first one first; what a union's members say of one value is one sentence.

    ``hidden``: fields of ``model`` that are not the writer's to give, so no hint names them.
    """
    grouped: dict[Loc, list[Any]] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] == "too_short" and detail["input"]:
            continue  # its items are wrong, and counted as if they were not there
        grouped.setdefault(document.path_of(detail["loc"]), []).append(detail)
    for path, details in list(grouped.items()):
        # Members of a union speak of one value or of something within it: who got furthest is meant.
        within = any(other[: len(path)] == path != other for other in grouped)
        if within and all(detail["type"] in _EXPECTED for detail in details):
            del grouped[path]
    mistakes = [_mistake(model, document, path, details, hidden) for path, details in grouped.items()]
    for path, details in grouped.items():
        # Several keys missing from one mapping are several mistakes at one place.
        mistakes += [_mistake(model, document, path, [d], hidden) for d in details[1:] if d["type"] == "missing"]
    # A misspelt key is one mistake, not also the absence of the key that was meant.
    meant = {mistake.hint.removeprefix("did you mean ").removesuffix("?") for mistake in mistakes if mistake.hint}
    mistakes = [mistake for mistake in mistakes if mistake.message.removesuffix(" is missing") not in meant]
    return sorted(mistakes, key=lambda mistake: mistake.place)


_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
}


def _mistake(
    model: type[BaseModel], document: Document, path: Loc, details: list[Any], hidden: Collection[str]
) -> Mistake:
    detail = details[0]
    kind, found, context = detail["type"], describe(detail["input"]), detail.get("ctx", {})
    name = path[-1] if path else None
    what = f"`{name}`" if isinstance(name, str) else "this"
    if isinstance(name, int) and len(path) > 1:
        what = f"item {name + 1} of `{path[-2]}`"
    hint = ""
    if kind == "missing":
        place, message = document.where(path), f"`{detail['loc'][-1]}` is missing"
    elif kind == "extra_forbidden":
        place, message = document.where(path, key=True), f"unknown key {what}"
        known = _fields(model, path[:-1])
        hint = nearest(str(name), known.difference(hidden) if len(path) == 1 else known)
    elif kind == "value_error":
        place, message = document.where(path), str(context["error"])
        if message.startswith(("must ", "is ")) and name is not None:
            message = f"{what} {message}"  # a field's own check leaves the field's name to us
        if message.endswith("must be text"):  # a field of type ``Text``, which says no more
            message += f", not {found}"
    elif kind == "literal_error":
        place, message = document.where(path), f"{what} must be {context['expected']}, not {found}"
        if isinstance(detail["input"], str):
            words = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
            close = difflib.get_close_matches(detail["input"], words, n=1)
            hint = f"did you mean {close[0]}?" if close else ""
    elif kind in ("too_short", "string_too_short"):
        place, message = document.where(path), f"{what} must not be empty"
    elif kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        sign = {"greater_than": "more than", "greater_than_equal": "at least", "less_than": "less than"}
        bound = context.get("gt", context.get("ge", context.get("lt", context.get("le"))))
        found = f"{sign.get(kind, 'at most')} {_number(bound)}, not {_number(detail['input'])}"
        place, message = document.where(path), f"{what} must be {found}"
    else:
        expected = list(dict.fromkeys(_EXPECTED.get(d["type"], d["msg"]) for d in details))
        place, message = document.where(path), f"{what} must be {' or '.join(expected)}, not {found}"
    return Mistake(place, message, hint)


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) and math.isfinite(value) else str(value)


def _fields(model: type[BaseModel], path: Loc) -> set[str]:
    """The keys that could stand in the mapping at ``path``."""
    models = {model}
    for step in path:
        if isinstance(step, str):
            fields = [m.model_fields[step].annotation for m in models if step in m.model_fields]
            models = {found for annotation in fields for found in _models(annotation)}
    return {field.alias or name for m in models for name, field in m.model_fields.items()}


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
