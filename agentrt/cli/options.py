"""What every command takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter, Token

_EVERYWHERE = Group("Everywhere", sort_key=9)


@Parameter(name="*", group=_EVERYWHERE)
@dataclass(frozen=True)
class Where:
    """The options of every command."""

    workspace: Annotated[Path, Parameter(help="The folder to work on.", show_default=lambda _: "here")] = Path(".")
    session: Annotated[str | None, Parameter(help="A session other than the current one.")] = None
    json: Annotated[bool, Parameter(help="One JSON document on standard output.", negative="")] = False


HERE = Where()


def _whole(_: object, tokens: Sequence[Token]) -> int:
    # The parser's own would take 1.5 for 2.
    value = tokens[0].value
    if not (value.isascii() and value.isdigit()):
        raise ValueError(f"must be a whole number, not {value!r}")
    return int(value)


def _wholes(kind: object, tokens: Sequence[Token]) -> list[int]:
    return [_whole(kind, [token]) for token in tokens]


WHOLE = Parameter(converter=_whole)
"""For numbers of operations and of steps."""
WHOLES = Parameter(converter=_wholes)
"""For several of them."""
