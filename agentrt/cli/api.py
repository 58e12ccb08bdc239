"""``api list``, ``login``, ``check``, ``import`` and ``schema``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Protocol, cast

from cyclopts import Parameter

from agentrt import plugins
from agentrt.drilling import Drill
from agentrt.errors import UsageError
from agentrt.oauth import Service
from agentrt.showing.plain import plain, plain_lines

from .options import HERE, Where
from .render import put, put_json


class Packs(Protocol):
    """Entry point ``agentrt.apis``, ``packs``."""

    def all(self) -> Mapping[str, Mapping[str, str] | UsageError]: ...

    def check(self, file: Path) -> tuple[str, Sequence[str]]: ...

    def draft(self, file: Path) -> str: ...

    def drill(self, file: Path) -> Drill: ...

    def schema(self) -> Mapping[str, Any]: ...

    def service(self, name: str) -> Service: ...

    @property
    def folder(self) -> Path: ...


def packs() -> Packs:
    """Raises ``PluginError``."""
    return cast(Callable[[], Packs], plugins.find("agentrt.apis", "packs"))()


def list_(*, where: Where = HERE) -> int:
    """List the services agents may be let ask, and what each can be asked for."""
    shelf = packs()
    found = shelf.all()
    if where.json:
        put_json({name: {"error": str(one)} if isinstance(one, UsageError) else one for name, one in found.items()})
        return 0
    for name, operations in found.items():
        if isinstance(operations, UsageError):
            put(f"{name}: {plain(str(operations))}")
            continue
        put(name)
        for operation, about in operations.items():
            put(f"  {operation:<20} {plain(about)}")
    put(f"packs of your own: {plain(str(shelf.folder))}")
    return 0


def login(
    api: Annotated[str, Parameter(help="The API: agentrt api list has their names.")],
    /,
    *,
    policy: Annotated[
        str, Parameter(help="A policy file, or the name of a pack: it says what is asked for.")
    ] = "default",
    where: Where = HERE,
) -> int:
    """Log in at a service and keep the token it gives, for what the policy lets agents do there and no more."""
    from . import login as at

    return at.login(packs().service(api), policy, where)


def check(file: Annotated[Path, Parameter(help="An API pack.")], /, *, where: Where = HERE) -> int:
    """Read an API pack and say whether it is well-formed, and what is to be confirmed."""
    name, confirm = packs().check(file)
    if where.json:
        put_json({"ok": not confirm, "name": name, "confirm": list(confirm)})
    else:
        for line in confirm:
            put(plain(line))
        put(f"OK: {name}" if not confirm else f"{name}: well-formed; {len(confirm)} to be confirmed")
    return 1 if confirm else 0


def import_(file: Annotated[Path, Parameter(help="An OpenAPI 3 document, YAML or JSON.")], /) -> int:
    """Draft an API pack from an OpenAPI document: agentrt api import openapi.yaml > NAME.yaml."""
    put(plain_lines(packs().draft(file)).rstrip("\n"))
    return 0


def schema() -> int:
    """Print the JSON Schema of API packs."""
    put_json(packs().schema())
    return 0
