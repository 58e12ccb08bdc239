"""Rules as packs have them: which actions and which effects one speaks of."""

from __future__ import annotations

import shlex
from typing import Annotated

from pydantic import Field, PlainValidator

from agentrt.documents import Written, describe
from agentrt.records import Effect, FileEffect, Text
from agentrt.records.effects import Change, Reversibility
from agentrt.records.operations import Decide, Judge

from .patterns import command_matches, path_matches
from .reading import Asked

Pattern = tuple[str, ...]


def _pattern(value: object) -> Pattern:
    """``git push **``, word by word as the shell reads words."""
    try:
        words = tuple(shlex.split(value)) if isinstance(value, str) else ()
    except ValueError as error:
        raise ValueError(f"expected words of a command: {error}") from None
    if not words:
        raise ValueError(f"expected words of a command, such as git push **, not {describe(value)}")
    return words


def _path(value: object) -> str:
    if not isinstance(value, str) or not value or value.startswith(("./", "~")) or value.endswith("/"):
        raise ValueError(
            f"expected a path relative to the workspace or an absolute one, such as src/**, not {describe(value)}"
        )
    return value


Commands = Annotated[tuple[Annotated[Pattern, PlainValidator(_pattern)], ...], Field(strict=False, min_length=1)]
Paths = Annotated[tuple[Annotated[str, PlainValidator(_path)], ...], Field(strict=False, min_length=1)]
Kinds = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
Example = str | dict[str, object]
"""A command for bash, or an action's fields with its kind; of an effect its change and path: ``deleted src/a.py``."""
Examples = Annotated[tuple[Example, ...], Field(strict=False)]


class Rule(Written):
    """On an action before it runs. Everything that is given must fit; left out: whatever it is."""

    verdict: Decide
    actions: Kinds | None = None
    run: Commands | None = None
    """It would run one of these, or what it would run cannot be read."""
    unless: Commands | None = None
    """Not where all that it would run is one of these, and the shell writes no file. What one of these runs in turn
    (``make test``) is its own affair."""
    paths: Paths | None = None
    """It names one of these, or something in it is not known."""
    because: Text = ""
    match: Examples = ()
    not_match: Examples = ()

    def speaks(self, asked: Asked) -> bool:
        if self.actions is not None and asked.kind not in self.actions:
            return False
        if self.verdict == "allow" and asked.unknown and (self.run or self.paths):
            return False
        return self._runs(asked) and self._names(asked) and not self._is_one_of(asked, self.unless)

    def _runs(self, asked: Asked) -> bool:
        if self.run is None:
            return True
        if self.verdict == "allow":
            return self._is_one_of(asked, self.run)
        if asked.unknown:
            return True
        return any(command_matches(pattern, argv, surely=False) for pattern in self.run for argv in asked.runs)

    def _names(self, asked: Asked) -> bool:
        if self.paths is None:
            return True
        if self.verdict != "allow" and (asked.unknown or None in asked.paths):
            return True
        known = [path for path in asked.paths if path is not None]
        return any(path_matches(pattern, path) for pattern in self.paths for path in known)

    @staticmethod
    def _is_one_of(asked: Asked, patterns: Commands | None) -> bool:
        if patterns is None or asked.writes or not asked.runs or len(asked.unknown) > len(asked.runners):
            return False
        return all(any(command_matches(pattern, argv, surely=True) for pattern in patterns) for argv in asked.runs)


class EffectRule(Written):
    """On an effect, once the action has run."""

    verdict: Judge
    change: Annotated[tuple[Change, ...], Field(strict=False, min_length=1)] | None = None
    paths: Paths | None = None
    reversibility: Annotated[tuple[Reversibility, ...], Field(strict=False, min_length=1)] | None = None
    because: Text = ""
    match: Annotated[tuple[str, ...], Field(strict=False)] = ()
    not_match: Annotated[tuple[str, ...], Field(strict=False)] = ()

    def speaks(self, effect: Effect) -> bool:
        if self.change is not None and effect.change not in self.change:
            return False
        if self.reversibility is not None and effect.reversibility not in self.reversibility:
            return False
        if not isinstance(effect, FileEffect):
            return self.paths is None
        places = [effect.path, *([effect.renamed_from] if effect.renamed_from is not None else [])]
        return self.paths is None or any(path_matches(pattern, path) for pattern in self.paths for path in places)
