"""What all records share: frozen, typed, no unknown fields, and JSON that carries any file name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


Text = Annotated[str, PlainValidator(_text), WithJsonSchema({"type": "string"})]
"""A string that may hold surrogate escapes: bytes that are not UTF-8, as ``os.fsdecode`` gives them."""


class Record(BaseModel):
    """A fact. Records never change; what happens next is a new record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, ready for ``dump_json``."""
        return self.model_dump(mode="python")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of ``to_dict``. Raises ``pydantic.ValidationError``."""
        return cls.model_validate(data)


def dump_json(value: object, *, indent: int | None = None) -> str:
    """JSON in ASCII: surrogate escapes survive as ``\\udcXX``, controls cannot reach a terminal."""
    return json.dumps(value, ensure_ascii=True, indent=indent, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
