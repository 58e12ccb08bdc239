"""API packs, and where they are found: those that come with agentrt, and the user's own beside their settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from agentrt.documents import load_yaml, nearest, validate
from agentrt.errors import UsageError
from agentrt.homes import config_home

from .pack import Operation, Pack, check_pack

_INSTEAD: ContextVar[Pack | None] = ContextVar("instead", default=None)
OURS = Path(__file__).parent


def theirs() -> Path:
    """Where people keep packs of their own; one of theirs counts more than one of ours of the same name."""
    return config_home() / "apis"


def names() -> list[str]:
    """Of all packs, sorted."""
    return sorted({path.stem for folder in (OURS, theirs()) for path in folder.glob("*.yaml")})


def load(path: Path) -> Pack:
    """One file. Raises ``DocumentError``."""
    document = load_yaml(path)
    pack = validate(Pack, document)
    check_pack(pack, document)
    if pack.name != path.stem:
        raise document.error(f"it is called {pack.name}, and its file {path.name}", ("name",))
    return pack


@contextmanager
def instead(pack: Pack) -> Iterator[None]:
    """While it is open that is the pack of its name, for whoever is called from within."""
    token = _INSTEAD.set(pack)
    try:
        yield
    finally:
        _INSTEAD.reset(token)


def find(name: str) -> Pack:
    """Raises ``UsageError`` where there is none of that name, ``DocumentError`` where it is wrong."""
    other = _INSTEAD.get()
    if other is not None and other.name == name:
        return other
    if name not in (known := names()):
        raise UsageError(f'no API is called "{name}"', hint=nearest(name, known))
    path = theirs() / f"{name}.yaml"
    return load(path if path.is_file() else OURS / path.name)


def operation_of(pack: Pack, name: str) -> Operation:
    """Raises ``UsageError``."""
    if name not in pack.operations:
        raise UsageError(f'{pack.name} has no operation "{name}"', hint=nearest(name, pack.operations))
    return pack.operations[name]
