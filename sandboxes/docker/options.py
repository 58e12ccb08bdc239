"""What a task says of its container: ``sandbox: {kind: docker, image: NAME, memory: 4 GB, …}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PlainValidator, model_validator

from agentrt.documents import Document, Section, Written, check, describe
from agentrt.errors import UsageError
from agentrt.units import format_size, parse_size

LEAST_MEMORY = 64_000_000
"""An interpreter, a shell and a compiler's front end; engines themselves take no less than 6 MB."""
LEAST_PROCESSES = 16
"""The program that serves actions, and a pipeline or two."""

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::\d+)?"
_NAME = re.compile(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?", re.ASCII)
_ID = re.compile(r"sha256:[0-9a-f]{64}")


def is_image(name: str) -> bool:
    """An image's name as engines take it, or its id."""
    return bool(_NAME.fullmatch(name) or _ID.fullmatch(name))


def parse_image(value: object) -> str:
    """``is_image``. Raises ``ValueError``."""
    if isinstance(value, str) and is_image(value):
        return value
    small = ", in small letters" if isinstance(value, str) and _NAME.fullmatch(value.lower()) else ""
    raise ValueError(f"expected an image's name{small}, such as python:3.12-slim, not {describe(value)}")


def _memory(value: object) -> int:
    size = parse_size(value)
    if size < LEAST_MEMORY:
        raise ValueError(f"must be at least {format_size(LEAST_MEMORY)}, not {format_size(size)}")
    return size


class DockerOptions(Written):
    """The image, and what all that runs in the container may use together. A policy's limits are of one action each."""

    image: Annotated[str, PlainValidator(parse_image)] | None = None
    """By name; pulled where the engine does not have it."""
    dockerfile: Annotated[str, Field(min_length=1)] | None = None
    """Relative to the task file's folder; the folder it lies in is the context. Without either: agentrt's own."""
    memory: Annotated[int, PlainValidator(_memory)] = 4_000_000_000
    """Bytes; swap is not on top of it. A large build's worth, and half of a small machine's."""
    cpus: Annotated[float, Field(ge=0.1, lt=float("inf"))] = 2.0
    """Processors' worth of time: enough for a parallel build, and the person's own work goes on beside it.
    Engines refuse more than the machine has; who makes the container takes what there is, if that is less."""
    processes: Annotated[int, Field(ge=LEAST_PROCESSES)] = 512
    """At the same time, threads counted: as many as a policy gives one action, unless it says otherwise."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.image is not None and self.dockerfile is not None:
            raise ValueError("`image` and `dockerfile` exclude each other: the image is one's or the other's")
        return self


def read_options(options: Mapping[str, object], folder: Path = Path()) -> DockerOptions:
    """All but ``kind``. Raises ``UsageError``: a ``DocumentError`` with the place, where the mapping knows its own.

    In a file that somebody names, what it names in turn must be there: in ``folder``. A session that was begun with a
    Dockerfile can be undone without it.
    """
    document = Document.of(options, "sandbox")
    found, mistakes = check(DockerOptions, document)
    if found is not None:
        file = found.dockerfile
        if file is not None and isinstance(options, Section) and not (folder / file).is_file():
            message = f"there is no file {file}"
            raise document.error(message, ["dockerfile"], hint="its path is relative to the task file's folder")
        return found
    if isinstance(options, Section):
        raise document.refusal(mistakes)
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    raise UsageError(f"the Docker sandbox: {mistakes[0].message}{more}", hint=mistakes[0].hint)
