"""Packs with the documents they stand in, so that every rule can be pointed at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from agentrt.documents import Document, Loc
from agentrt.records import RuleExample

from .effects import EffectRule
from .examples import check
from .pack import Most, Pack, read_pack
from .rules import Rule

R = TypeVar("R", Rule, EffectRule)
_READ_ONLY, _HIDDEN = ("files", "read_only"), ("files", "hidden")


@dataclass(frozen=True)
class Written:
    """A pack and its document."""

    pack: Pack
    document: Document
    examples: tuple[RuleExample, ...] = ()
    only_tightens: bool = False
    """It is of somebody who has no say in what is allowed."""

    @property
    def rules(self) -> Iterator[tuple[Loc, Rule]]:
        """On actions, each with the place it stands at."""
        yield from ((("decide", at), rule) for at, rule in enumerate(self.pack.decide))
        files = self.pack.files
        if files.read_only is not None:
            because = "it is read-only"
            yield _READ_ONLY, Rule(verdict="deny", actions=("write", "edit"), paths=files.read_only, because=because)
        if files.hidden is not None:
            because = "its content is hidden"
            yield _HIDDEN, Rule(verdict="deny", actions=("read", "edit"), paths=files.hidden, because=because)

    @property
    def effect_rules(self) -> Iterator[tuple[Loc, EffectRule]]:
        """On effects."""
        yield from ((("judge", at), rule) for at, rule in enumerate(self.pack.judge))
        if (paths := self.pack.files.read_only) is not None:
            yield _READ_ONLY, EffectRule(verdict="roll_back", paths=paths, because="it is read-only")


class Placed(NamedTuple, Generic[R]):
    """A rule, and where it stands."""

    rule: R
    document: Document
    loc: Loc


Chain = tuple[Written, ...]
"""A pack after those it extends: of limits the last word counts, rules add up."""


def ceiling(chain: Chain, loc: tuple[str, str]) -> tuple[str, Most[Any] | None]:
    """The last word of a chain on one of its ceilings, and where it stands."""
    for written in reversed(chain):
        if (found := getattr(getattr(written.pack, loc[0]), loc[1])) is not None:
            return written.document.rule(loc), found
    return "", None


def read_written(document: Document, folder: Path) -> Written:
    """A pack whose examples are as it says; relative folders in it are relative to ``folder``.

    Raises ``DocumentError``.
    """
    pack = read_pack(document, folder=folder)
    return Written(pack, document, tuple(check(pack, document)))
