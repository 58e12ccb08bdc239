"""Proofs: what drills have shown to be taken back, and for how long that counts."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from agentrt.errors import UsageError
from agentrt.homes import state_home
from agentrt.records import Record
from agentrt.whole import write_whole

from .pack import Pack


class Proof(Record):
    """An operation was carried out, and taken back."""

    api: str
    operation: str
    version: int
    """Of the pack."""
    digest: str
    """Of all that the pack says of the operation."""
    at: str
    """The instance."""
    when: float
    """Seconds since the epoch."""


_ALL = TypeAdapter(tuple[Proof, ...])


def place() -> Path:
    return state_home() / "proofs.json"


def proof_of(pack: Pack, operation: str) -> Proof | None:
    """The one that counts now: of this version of the pack, of what it says, and not older than its window.

    Raises ``UsageError`` where proofs cannot be read.
    """
    for proof in reversed(_load()):
        if (proof.api, proof.operation) == (pack.name, operation):
            same = (proof.version, proof.digest) == (pack.version, _digest(pack, operation))
            return proof if same and time.time() - proof.when < pack.proof else None
    return None


def keep(pack: Pack, operations: Sequence[str], at: str) -> None:
    """In the place of older ones. Raises ``UsageError`` where that cannot be written."""
    now = time.time()
    new = [
        Proof(
            api=pack.name, operation=name, version=pack.version, digest=_digest(pack, name), at=at.rstrip("/"), when=now
        )
        for name in operations
    ]
    older = [one for one in _load() if one.api != pack.name or one.operation not in operations]
    try:
        place().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(place(), _ALL.dump_json((*older, *new), indent=1))
    except OSError as error:
        raise UsageError(f"{place()}: {error.strerror}") from error


def _load() -> tuple[Proof, ...]:
    try:
        return _ALL.validate_json(place().read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UsageError(f"{place()}: {error.strerror}") from error
    except ValidationError as error:
        raise UsageError(f"{place()} is damaged", hint="delete it, and run the drills again") from error


def _digest(pack: Pack, operation: str) -> str:
    """Of whatever a request and its inverse are made of, but for where the service is and who asks."""
    said = [pack.operations[operation].model_dump(mode="json"), dict(pack.headers), dict(pack.success)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
