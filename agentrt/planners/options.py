"""What a task says of a model: ``planner: {provider: …, model: …}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import Field, PlainValidator

from agentrt.documents import Document, Written, describe, validate
from agentrt.units import Seconds


def _url(value: object) -> str:
    from urllib.parse import urlsplit

    if isinstance(value, str):
        parts = urlsplit(value)
        if parts.scheme in ("http", "https") and parts.hostname and not (parts.username or parts.password):
            return value
        if parts.username or parts.password:  # which nobody should read on a screen
            raise ValueError("expected a URL without a name or a key in it; `key` names where the key is")
    raise ValueError(f"expected a URL, such as http://127.0.0.1:8000/v1, not {describe(value)}")


def _key_name(value: object) -> str:
    # What stands there in place of a name may be the key itself: it is not repeated.
    if isinstance(value, str) and re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
        return value
    raise ValueError("expected the name of a variable or a secret, in capitals, and never the key itself")


Url = Annotated[str, PlainValidator(_url)]
Effort = Literal["none", "low", "medium", "high", "max"]


class ModelOptions(Written):
    """What all models have in common."""

    provider: str
    model: Annotated[str, Field(min_length=1)]
    """As the vendor names it."""
    base_url: Url | None = None
    """Of a compatible server; the vendor's own by default."""
    key: Annotated[str, PlainValidator(_key_name)] | None = None
    """Name of the environment variable, or of the secret, that holds the key."""
    reasoning: Effort | None = None
    """How hard it thinks before it answers; the model's own habit by default."""
    max_output_tokens: Annotated[int, Field(ge=1)] = 32_000
    """Of one turn, reasoning included."""
    timeout: Seconds = 300.0
    """How long a server may be silent."""
    retries: Annotated[int, Field(ge=0)] = 6
    """How often in a row a turn is asked for again where the server is overloaded or cannot be reached."""
    native_tools: bool | None = None
    """Offer bash and edits in the shape the vendor's models are trained on; by default where the server is the
    vendor's."""


T = TypeVar("T", bound=ModelOptions)


def read_options(model: type[T], options: Mapping[str, object]) -> T:
    """Raises ``DocumentError``."""
    return validate(model, Document.of(options, "planner"))
