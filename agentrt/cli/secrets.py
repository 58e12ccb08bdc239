"""``secrets set``, ``list`` and ``rm``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby
from typing import Annotated

from cyclopts import Parameter

from agentrt.errors import UsageError
from agentrt.records import Secret
from agentrt.secrets import Kept, store
from agentrt.secrets.rules import LONGEST, checked
from agentrt.showing.plain import plain

from .options import HERE, Where
from .render import put, put_json


def set_(
    *name: Annotated[str, Parameter(name="NAME", help="Capitals, digits and _, as in GITHUB_TOKEN.")],
    host: Annotated[
        Sequence[str], Parameter(help="A host it may be sent to; *.example.com for all below one.", negative="")
    ],
    where: Where = HERE,
) -> int:
    """Keep a secret. Its value is asked for, or is the one line of standard input."""
    if len(name) != 1:
        told = "NAME is missing" if not name else "one NAME, and nothing more"  # it may be the value: not repeated
        raise UsageError(
            f"secrets set: {told}",
            hint="the value is asked for, or read from standard input: agentrt secrets set NAME --host HOST < FILE",
        )
    # What is wrong with name and hosts is said before a person types a value.
    checked(Secret(name=name[0], value="-" * LONGEST, hosts=tuple(host)))
    kept = store.keep(Secret(name=name[0], value=_value(name[0]), hosts=tuple(host)))
    if where.json:
        put_json(kept)
        return 0
    put(f"{kept.name} is kept, and is sent to {', '.join(kept.hosts)} only")
    put(f"kept in: {plain(kept.where)}")
    return 0


def list_(*, where: Where = HERE) -> int:
    """List names, hosts, and where each is kept; never values."""
    kept = store.kept()
    if where.json:
        put_json(kept)
        return 0
    if not kept:
        put("no secrets; one that is set is kept in: " + plain(store.destination()))
    for place, ones in groupby(sorted(kept, key=_place), key=_place):
        for one in ones:
            put(f"{one.name}  {', '.join(one.hosts)}")
        put(f"kept in: {plain(place)}")
    return 0


def rm(*name: Annotated[str, Parameter(name="NAME")], where: Where = HERE) -> int:
    """Forget secrets."""
    if not name:
        raise UsageError("secrets rm: NAME is missing", hint="agentrt secrets list has the names")
    store.remove(*name)
    if where.json:
        put_json({"removed": list(dict.fromkeys(name))})
        return 0
    put(f"removed: {', '.join(dict.fromkeys(name))}")
    return 0


def _place(kept: Kept) -> str:
    return kept.where


def _value(name: str) -> str:
    """From a person without echo, or the one line that is piped in. Raises ``UsageError``."""
    if sys.stdin is None:  # closed by whoever started us
        raise UsageError("there is no standard input to read the value from", hint="pipe it in, or use a terminal")
    if sys.stdin.isatty():
        import getpass

        try:
            return getpass.getpass(f"Value of {name}: ")
        except EOFError:
            return ""
    # A little more than can be kept, so that what is too long is seen to be.
    data = sys.stdin.buffer.read(LONGEST + 3)
    line, end, rest = data.partition(b"\n")
    if rest:
        raise UsageError("standard input has more than one line", hint="encode the value, as base64 for example")
    return (line.removesuffix(b"\r") if end else line).decode("utf-8", "surrogateescape")
