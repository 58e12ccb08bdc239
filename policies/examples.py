"""What a rule says of itself: ``match`` and ``not_match`` are tried when a pack is read, so that it tests itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from pydantic import ConfigDict

from agentrt.documents import Document, Loc, describe
from agentrt.records import Action, FileEffect, RuleExample, dump_json
from agentrt.records.effects import Change

from .pack import Pack
from .reading import read
from .rules import EffectRule, Example, Rule

_WORKSPACE = "/workspace"


def check(pack: Pack, document: Document) -> list[RuleExample]:
    """All of a pack's. Raises ``DocumentError`` at the first that is not as the pack says."""
    found = []
    for rule_loc, loc, rule, example, should in _each(pack):
        speaks = _speaks(rule, example, document, loc)
        text = example if isinstance(example, str) else dump_json(example)
        if speaks != should:
            does = "speaks of" if speaks else "does not speak of"
            raise document.error(
                f"the rule {does} {text}", loc, hint="agentrt policy explain tells how a command is read"
            )
        found.append(RuleExample(rule=document.rule(rule_loc), text=text, speaks=speaks))
    return found


def _each(pack: Pack) -> Iterator[tuple[Loc, Loc, Rule | EffectRule, Example, bool]]:
    rules: list[tuple[str, int, Rule | EffectRule]] = [("decide", at, rule) for at, rule in enumerate(pack.decide)]
    rules += [("judge", at, rule) for at, rule in enumerate(pack.judge)]
    for key, at, rule in rules:
        yield from (((key, at), (key, at, "match", n), rule, e, True) for n, e in enumerate(rule.match))
        yield from (((key, at), (key, at, "not_match", n), rule, e, False) for n, e in enumerate(rule.not_match))


def _speaks(rule: Rule | EffectRule, example: Example, document: Document, loc: tuple[str | int, ...]) -> bool:
    if isinstance(rule, EffectRule):
        change, _, path = str(example).partition(" ")
        if change not in get_args(Change) or not path:
            expected = "expected a change and a path, such as deleted src/a.py"
            raise document.error(f"{expected}, not {describe(example)}", loc)
        return rule.speaks(FileEffect.model_validate({"path": path, "change": change}))
    fields = {"kind": "bash", "command": example} if isinstance(example, str) else dict(example)
    if not isinstance(fields.get("kind"), str):
        raise document.error("expected a command, or an action with its `kind`", loc)
    return rule.speaks(read(_Any.from_dict(fields), _WORKSPACE, quickly=True))


class _Any(Action):
    """An action of whatever kind."""

    model_config = ConfigDict(extra="allow")
