"""API packs, for the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agentrt.errors import UsageError
from agentrt.oauth import Service

from . import find, load, names, openapi, theirs
from .oauth import service_of
from .pack import Pack

_CONFIRM = "to be confirmed"


class Shelf:
    """``agentrt.cli.api.Packs``"""

    def all(self) -> Mapping[str, Mapping[str, str] | UsageError]:
        """By name, of each operation what it is about; or what is wrong with the pack."""
        found: dict[str, Mapping[str, str] | UsageError] = {}
        for name in names():
            try:
                found[name] = {each: _line(operation) for each, operation in find(name).operations.items()}
            except UsageError as error:
                found[name] = error
        return found

    def check(self, file: Path) -> tuple[str, Sequence[str]]:
        """A pack's name, and the lines that say that something is to be confirmed. Raises ``DocumentError``."""
        pack = load(file)
        lines = file.read_text(encoding="utf-8").splitlines()
        return pack.name, [
            f"{file}:{number}: {line.strip()}"
            for number, line in enumerate(lines, 1)
            if _CONFIRM in line and line.lstrip().startswith(f"# {_CONFIRM}")
        ]

    def draft(self, file: Path) -> str:
        """Raises ``DocumentError``."""
        return openapi.draft(file)

    def schema(self) -> Mapping[str, Any]:
        return Pack.model_json_schema(by_alias=True)

    def service(self, name: str) -> Service:
        """How to log in. Raises ``UsageError``, ``DocumentError``."""
        return service_of(find(name))

    @property
    def folder(self) -> Path:
        """Where packs of people's own lie."""
        return theirs()


def _line(operation: Any) -> str:
    return f"{operation.class_}  {operation.about}"
