"""A drill, in a file people write: what is asked for at an instance that is there for it, and what is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from agentrt.contracts import Answer, Call
from agentrt.documents import Document, Written, load_yaml, nearest, validate
from agentrt.errors import DocumentError, UsageError

from ..requests.images import differing, image_of
from . import find, instead, proofs
from .asking import NOT_THERE, headers_of
from .pack import BASE, NAME, Pack


class Asked(Written):
    """One call; in its arguments ``{a/id}`` is a part of what the call ``a`` answered."""

    operation: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class DrillFile(Written):
    """Which pack is tried, where, and how."""

    api: str
    base: Annotated[str, Field(pattern=BASE)]
    """The instance: whatever is there may be lost."""
    compare: Annotated[list[Annotated[str, Field(pattern=r"^/\S*$")]], Field(min_length=1)]
    """Paths whose answers are the state."""
    ignore: list[Annotated[str, Field(pattern=r"^/")]] = Field(default_factory=list)
    """JSON pointers, of each of these, to what the service changes by itself."""
    calls: Annotated[dict[Annotated[str, Field(pattern=NAME)], Asked], Field(min_length=1)]


class PackDrill:
    """``agentrt.drilling.Drill``"""

    def __init__(self, file: Path) -> None:
        """Raises ``DocumentError``, and ``UsageError`` where the pack is not there or wrong."""
        document = load_yaml(file)
        self._file = validate(DrillFile, document)
        self._pack = _pack(self._file, document)
        for name, asked in self._file.calls.items():
            if asked.operation not in self._pack.operations:
                at, hint = ("calls", name, "operation"), nearest(asked.operation, self._pack.operations)
                raise document.error(f'{self._pack.name} has no operation "{asked.operation}"', at, hint=hint)
        if not self._tried:
            raise document.error("each of these only asks: there is nothing to take back", ("calls",), key=True)

    @cached_property
    def _tried(self) -> list[str]:
        named = dict.fromkeys(asked.operation for asked in self._file.calls.values())
        return [name for name in named if self._pack.operations[name].class_ != "safe"]

    @property
    def calls(self) -> Mapping[str, Mapping[str, Any]]:
        return {
            name: {"api": self._pack.name, "operation": asked.operation, "arguments": asked.arguments}
            for name, asked in self._file.calls.items()
        }

    @property
    def looks(self) -> Sequence[Call]:
        return [
            Call("GET", self._file.base + path, headers_of(self._pack), headers_only=True)
            for path in self._file.compare
        ]

    @property
    def policy(self) -> Mapping[str, Any]:
        url = urlsplit(self._file.base)
        ports = [url.port or (80 if url.scheme == "http" else 443)]
        rule = {"hosts": [url.hostname], "ports": ports, "private": True}
        secrets = [] if self._pack.auth is None else [self._pack.auth.secret]
        return {"network": [rule], "secrets": secrets, "budget": {"irreversible": len(self._file.calls)}}

    @contextmanager
    def there(self) -> Iterator[None]:
        with instead(self._pack):
            yield

    def differing(self, before: Sequence[Answer], after: Sequence[Answer]) -> Sequence[str]:
        wrong = []
        for path, one, other in zip(self._file.compare, before, after, strict=True):
            first, second = image_of(one, NOT_THERE), image_of(other, NOT_THERE)
            if first is None or second is None:
                raise UsageError(f"GET {path} does not show what is there")
            if found := differing(first, second, self._file.ignore):
                wrong.append(f"{path} differs in {', '.join(found[:5])}")
        return wrong

    def proved(self) -> Sequence[str]:
        proofs.keep(self._pack, self._tried, self._file.base)
        return [f"{self._pack.name} {name}" for name in self._tried]


def _pack(file: DrillFile, document: Document) -> Pack:
    try:
        pack = find(file.api)
    except DocumentError:
        raise  # it is there, and wrong
    except UsageError as error:
        raise document.error(str(error), ("api",), hint=error.hint) from None
    return pack.model_copy(update={"base": file.base})
