"""Which later operations stand on what earlier ones did: they wrote the same files, or read them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from agentrt.records import Operation

from .revert import sides_of

Reads = Callable[[Operation], Collection[str] | None]
"""The paths an operation read; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Dependents:
    """Numbers of operations, oldest first."""

    known: tuple[int, ...]
    """They wrote or read what would change, or what one of these wrote."""
    possible: tuple[int, ...]
    """What they read is not known."""


def dependents(targets: Collection[int], line: Sequence[Operation], reads: Reads) -> Dependents:
    """``line``: the operations that stand, in any order, those that only read among them."""
    changed: set[str] = set()
    known, possible = [], []
    for operation in sorted(line, key=lambda operation: operation.id):
        wrote = set(sides_of(operation.files))
        if operation.id in targets:
            changed |= wrote
            continue
        if not changed or operation.kind != "act":
            continue
        read = reads(operation)
        if _meet(changed, wrote) or (read is not None and _meet(changed, read)):
            known.append(operation.id)
            changed |= wrote
        elif read is None and wrote:  # else nothing can stand on it but what was thought
            possible.append(operation.id)
    return Dependents(tuple(known), tuple(possible))


def _meet(changed: Collection[str], others: Collection[str]) -> bool:
    """Whether one of them is, or lies in, something that changed."""
    return any(path in changed or any(above in changed for above in _above(path)) for path in others)


def _above(path: str) -> list[str]:
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]
