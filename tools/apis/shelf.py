"""API packs, for the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from agentrt.errors import UsageError
from agentrt.oauth import Service

from . import find, load, names, openapi, proofs, theirs
from .drills import PackDrill
from .oauth import service_of
from .pack import Pack

_CONFIRM = "to be confirmed"


class Shelf:
    """``agentrt.cli.api.Packs``"""

    def all(self) -> Mapping[str, Mapping[str, str] | UsageError]:
        """By name, of each operation what it is about, and whether it was proved; or what is wrong with the pack."""
        found: dict[str, Mapping[str, str] | UsageError] = {}
        for name in names():
            try:
                pack = find(name)
                found[name] = {each: _line(pack, each) for each in pack.operations}
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

    def drill(self, file: Path) -> PackDrill:
        """Raises ``DocumentError``, and ``UsageError`` where its pack is wrong."""
        return PackDrill(file)

    def schema(self) -> Mapping[str, Any]:
        return Pack.model_json_schema(by_alias=True)

    def service(self, name: str) -> Service:
        """How to log in. Raises ``UsageError``, ``DocumentError``."""
        return service_of(find(name))

    @property
    def folder(self) -> Path:
        """Where packs of people's own lie."""
        return theirs()


def _line(pack: Pack, name: str) -> str:
    operation = pack.operations[name]
    line = f"{operation.class_}  {operation.about}"
    if operation.class_ not in ("idempotent", "compensable"):
        return line
    proof = proofs.proof_of(pack, name)
    return f"{line}  [{'unproved' if proof is None else f'proved {date.fromtimestamp(proof.when)} at {proof.at}'}]"
